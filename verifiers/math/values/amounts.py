"""Several amounts in one answer: ``3 hours 20 minutes``, ``15 chickens and 12 rabbits``."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from fractions import Fraction

from veritune.verifiers.math.text.strings import plain_words
from veritune.verifiers.math.values.units import UnitTable, dimension

_MAX = 400
_AMOUNT = re.compile(r"(-?\d+(?:,\d{3})*(?:\.\d+)?(?:/\d+)?)\s*([^\d,;.+=<>^*/|:()-]*[^\d\s,;.+=<>^*/|:()-])\.?")
_BETWEEN = re.compile(r"[\s,;、]*(?:and|和|及|与|y|et|und)?[\s,;、]*")
_FORMULA = re.compile(
    r"\\(?:sqrt|[dt]?frac|sin|cos|tan|ln|log|pi|cdot|times|div|left|over|pm)(?![A-Za-z])|[}\d]\s*\{(?!,)"
)
_TRAILING = re.compile(r"\s*(?:,|and|和|、|;|&)\s*$")


@dataclass(frozen=True, slots=True)
class Amount:
    value: Fraction
    noun: str


def amounts(text: str) -> tuple[Amount, ...] | None:
    """The amounts that a text lists, each a number with its words; None of a text that says anything else."""
    if len(text) > _MAX or not any(c.isdecimal() for c in text) or _FORMULA.search(text):
        return None
    flat = plain_words(text.replace("\\text", " ").replace("\\mathrm", " ").replace("\\&", "and"))
    if any(c in flat for c in "=^_<>|\\"):
        return None
    out: list[Amount] = []
    at = 0
    while at < len(flat):
        found = _AMOUNT.match(flat, at)
        if found is None:
            return None
        noun = found[2]
        for word in (" and", " 和", "和"):
            noun = noun.removesuffix(word).strip()
        if not noun or len(noun) > 40:
            return None
        over, _, under = found[1].replace(",", "").partition("/")
        if under.startswith("0"):
            return None
        out.append(Amount(Fraction(over) / Fraction(under or 1), noun))
        between = _BETWEEN.match(flat, found.end())
        at = between.end() if between else found.end()
    if all(len(amount.noun) == 1 and amount.noun.isascii() for amount in out) and total(tuple(out)) is None:
        return None  # 3x, 4y: terms with their letters, not things
    return tuple(out) or None


def total(found: tuple[Amount, ...], table: UnitTable = ()) -> tuple[tuple[tuple[str, int], ...], Fraction] | None:
    """``3 hours 20 minutes`` as one measure in base units; None unless the units shrink and measure one thing."""
    sizes = [dimension(amount.noun, table) for amount in found]
    known = [size for size in sizes if size is not None]
    if len(known) != len(sizes) or len({size.powers for size in known}) != 1:
        return None
    if any(a.scale <= b.scale for a, b in itertools.pairwise(known)):
        return None
    return known[0].powers, sum((a.value * s.scale for a, s in zip(found, known, strict=True)), Fraction(0))


def same_amounts(gold: tuple[Amount, ...], prediction: tuple[Amount, ...], table: UnitTable = ()) -> bool | None:
    """Whether two lists of amounts say the same; None where neither is more than one amount."""
    a, b = total(gold, table), total(prediction, table)
    if a is not None and b is not None:
        return a == b if len(gold) + len(prediction) > 2 else None
    if len(gold) < 2 and len(prediction) < 2:
        return None
    if len(gold) != len(prediction):
        return False
    matched = _by_noun(gold, prediction)
    pairs = matched if matched is not None else list(zip(gold, prediction, strict=True))
    return all(x.value == y.value for x, y in pairs)


def _by_noun(gold: tuple[Amount, ...], prediction: tuple[Amount, ...]) -> list[tuple[Amount, Amount]] | None:
    pairs: list[tuple[Amount, Amount]] = []
    for amount in gold:
        alike = [other for other in prediction if _stem(other.noun) == _stem(amount.noun)]
        if len(alike) != 1:
            return None
        pairs.append((amount, alike[0]))
    return pairs


def _stem(noun: str) -> str:
    words = noun.lower().split()
    last = words[-1] if words else ""
    return last[:-1] if last.endswith("s") and len(last) > 2 else last
