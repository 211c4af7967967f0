"""Lists with dots: ``1, 2, …, n``. Two are compared by the progression that their terms begin and their ends."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from fractions import Fraction

from veritune.verifiers.math.options import MathOptions
from veritune.verifiers.math.syntax.cursor import ParseError
from veritune.verifiers.math.syntax.nodes import Node
from veritune.verifiers.math.syntax.parser import parse
from veritune.verifiers.math.values.exact import exact
from veritune.verifiers.math.values.scalar import equal

_DOTS = re.compile(r"\\(?:ldots|dots|cdots|dotsc)(?![A-Za-z])|\.\.\.|…")
_MAX_TERMS = 5000
_BRACKETS = (("\\{", "\\}"), ("(", ")"), ("[", "]"), ("{", "}"))


@dataclass(frozen=True, slots=True)
class Progression:
    """``first``, then by addition of ``step`` or multiplication with it, to ``last`` (None: without an end)."""

    first: Fraction
    step: Fraction
    times: bool
    last: Node | None


@dataclass(frozen=True, slots=True)
class Dotted:
    """What was written before and behind the dots; ``head`` alone of a list without dots."""

    head: tuple[Node, ...]
    tail: tuple[Node, ...]
    dots: bool


def has_dots(text: str) -> bool:
    """Whether dots that stand for terms are in `text`."""
    return ("," in text or "+" in text) and _DOTS.search(text) is not None


def same_with_dots(gold: str, prediction: str, options: MathOptions) -> bool | None:
    """Whether two lists of which one has dots are the same; None where the terms do not tell how they go on."""
    a, b = _read(gold), _read(prediction)
    if a is None or b is None:
        return None
    if not (a.dots and b.dots):
        return _against_plain(a, b, options) if a.dots else _against_plain(b, a, options)
    mine, theirs = _progressions(a), _progressions(b)
    if not mine or not theirs:
        return True if a == b else False if mine and len(b.head) > 2 and _known(b) else None
    results = [_same(p, q, options) for p in mine for q in theirs]
    return True if True in results else None if None in results else False


def _same(a: Progression, b: Progression, options: MathOptions) -> bool | None:
    if (a.first, a.step, a.times) != (b.first, b.step, b.times) or (a.last is None) != (b.last is None):
        return False
    if a.last is None or b.last is None:
        return True
    return equal(a.last, b.last, options)


def _read(text: str) -> Dotted | None:
    text = text.strip(" $")
    for opening, closing in _BRACKETS:
        if text.startswith(opening) and text.endswith(closing):
            text = text[len(opening) : -len(closing)]
            break
    head: list[Node] = []
    tail: list[Node] = []
    dots = False
    for part in _DOTS.sub(",@,", text).split(","):
        part = part.strip(" +")
        if part == "@":
            if dots:
                return None
            dots = True
        elif part:
            try:
                (tail if dots else head).append(parse(part))
            except ParseError:
                return None
    return Dotted(tuple(head), tuple(tail), dots) if head and len(tail) < 4 else None


def _progressions(found: Dotted) -> list[Progression]:
    values = [_value(node) for node in found.head]
    known = [value for value in values if value is not None]
    if len(known) != len(values) or len(known) < 2:
        return []
    last = found.tail[-1] if found.tail else None
    out: list[Progression] = []
    step = known[1] - known[0]
    if all(b - a == step for a, b in itertools.pairwise(known)) and step:
        out.append(Progression(known[0], step, False, last))
    if known[0] and known[1] and all(known):
        ratio = known[1] / known[0]
        if all(b == a * ratio for a, b in itertools.pairwise(known)) and abs(ratio) != 1:
            out.append(Progression(known[0], ratio, True, last))
    return [p for p in out if last is None or _value(last) is None or _terms(p) is not None]


def _known(found: Dotted) -> bool:
    return all(_value(node) is not None for node in found.head)


def _terms(progression: Progression) -> list[Fraction] | None:
    """All terms up to a last one that is a number; None if it is never met."""
    last = None if progression.last is None else _value(progression.last)
    if last is None:
        return None
    terms = [progression.first]
    while terms[-1] != last:
        following = terms[-1] * progression.step if progression.times else terms[-1] + progression.step
        if len(terms) >= _MAX_TERMS or abs(following) > max(abs(last), abs(progression.first)) * 4 + 4:
            return None
        terms.append(following)
    return terms


def _against_plain(dotted: Dotted, plain: Dotted, options: MathOptions) -> bool | None:
    values = [_value(node) for node in plain.head]
    if None in values:
        return None
    lists = [terms for p in _progressions(dotted) if (terms := _terms(p)) is not None]
    if not lists:
        return None
    return any(terms == values for terms in lists)


def _value(node: Node) -> Fraction | None:
    try:
        return exact(node, 2000)
    except ArithmeticError:
        return None
