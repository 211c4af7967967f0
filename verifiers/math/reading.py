"""Answers and golds as they are read: cleaned, as a tree where they are mathematics; golds once, with their flags."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from veritune.verifiers.math.extraction.extract import extract
from veritune.verifiers.math.gold import plain_gold, unusable
from veritune.verifiers.math.options import DEFAULT, MathOptions
from veritune.verifiers.math.syntax.cursor import ParseError
from veritune.verifiers.math.syntax.nodes import Group, Listing, Node, Num, Relation, Sym, Words
from veritune.verifiers.math.syntax.parser import parse
from veritune.verifiers.math.text.choices import choice
from veritune.verifiers.math.text.normalise import canonical, clean
from veritune.verifiers.math.text.words import normal_words, word_number

TOO_LONG = "too long to compare but as text"
"""How the reason begins why a gold is only compared letter by letter."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer as it is read."""

    text: str
    """Cleaned of wrappers and Unicode."""
    canonical: str
    tree: Node | None
    """None where the text is no mathematics."""
    choice: tuple[str, str] | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Gold:
    """A gold, parsed once as the answer itself."""

    raw: str
    reading: Reading
    invalid: str = ""
    """Why the gold cannot be used; empty where it can."""
    flags: tuple[str, ...] = field(default=())
    """Other readings that disagree with the one taken."""

    @property
    def usable(self) -> bool:
        return not self.invalid


def read(text: str, options: MathOptions = DEFAULT) -> Reading:
    """An answer's text, cleaned, as a tree where it is mathematics."""
    plain = text.strip()
    if plain.isdecimal() and plain.isascii() and len(plain) < 640:
        return Reading(plain, plain, Num(Fraction(int(plain))), None)
    cleaned = clean(text[: options.max_answer + 1])
    return _parsed(cleaned, canonical(cleaned), options)


def read_unless_same(text: str, gold: Reading, options: MathOptions) -> Reading | None:
    """An answer as it is read; None where it is written as the gold is, which needs no parsing."""
    cleaned = clean(text[: options.max_answer + 1])
    flat = canonical(cleaned)
    return None if flat and flat == gold.canonical else _parsed(cleaned, flat, options)


def _parsed(cleaned: str, flat: str, options: MathOptions) -> Reading:
    if cleaned.isdecimal() and cleaned.isascii() and len(cleaned) < 640:
        return Reading(cleaned, cleaned, Num(Fraction(int(cleaned))), None)
    tree, error = None, ""
    number = word_number(cleaned) if options.text_numbers and cleaned[:1].isalpha() and len(cleaned) < 80 else None
    if number is not None:
        return Reading(cleaned, flat, Num(number), None)
    try:
        tree = parse(cleaned, max_depth=options.max_depth)
        if isinstance(tree, Words):
            tree = Sym("set_R") if normal_words(tree.text) in ("all real number", "set of all real number") else None
    except ParseError as problem:
        error = str(problem)
    return Reading(cleaned, flat, tree, choice(cleaned), error)


def prepare_gold(gold: str, options: MathOptions = DEFAULT) -> Gold:
    """The gold, read as the answer itself (a box around it is taken off). Cached: parsing is paid once."""
    return _prepare(gold, options)


@lru_cache(maxsize=16384)
def _prepare(gold: str, options: MathOptions) -> Gold:
    text = gold
    if not gold.strip():
        return Gold(gold, Reading("", "", None, None), "the gold is empty")
    if options.gold_format == "solution":
        found = extract(gold, options)
        if found.answer is None:
            return Gold(gold, Reading("", "", None, None), "no answer is marked in the gold solution")
        text = found.answer
    else:
        text = plain_gold(gold, options)
        problem = unusable(text)
        if problem:
            return Gold(gold, Reading("", "", None, None), problem)
    if len(text) > options.max_answer:
        return Gold(gold, Reading("", "", None, None), f"{TOO_LONG}: over {options.max_answer} characters")
    reading = read(text, options)
    if not reading.text:
        return Gold(gold, reading, "nothing is left of the gold but wrappers")
    return Gold(gold, reading, "", _flags(reading, options))


def _flags(reading: Reading, options: MathOptions) -> tuple[str, ...]:
    flags = []
    if reading.tree is None and _looks_mathematical(reading.text):
        flags.append(f"looks like mathematics but cannot be read ({reading.error}); compared as text")
    other = never_grouped(reading, options)
    if other is not None and not _one_number(reading.tree):
        flags.append("a comma may separate thousands or list items")
    return tuple(flags)


def _one_number(tree: Node | None) -> bool:
    """``15,600`` or ``x = 15,600``: commas that separate thousands, beyond doubt."""
    return isinstance(tree, Num) or (isinstance(tree, Relation) and isinstance(tree.items[-1], Num))


def _looks_mathematical(text: str) -> bool:
    return any(c in text for c in "=<>^_") or "\\frac" in text or "\\sqrt" in text


def never_grouped(reading: Reading, options: MathOptions) -> Node | None:
    """The same text with every plain comma a separator, where that is another reading."""
    if "," not in reading.text or not isinstance(reading.tree, Num | Group | Listing | Relation):
        return None
    try:
        other = parse(reading.text, commas="never", max_depth=options.max_depth)
    except ParseError:
        return None
    return other if other != reading.tree else None
