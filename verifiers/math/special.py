"""The readings that come before an answer is compared as mathematics: choices, times, amounts, dots, cycles."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction

from veritune.verifiers.math.decision import Decision, abstain, right, wrong
from veritune.verifiers.math.equality.ellipses import has_dots, same_with_dots
from veritune.verifiers.math.equality.formulas import has_signs, same_formula_of_signs
from veritune.verifiers.math.options import MathOptions
from veritune.verifiers.math.reading import Reading
from veritune.verifiers.math.syntax.nodes import Div, Group, Listing, Node, Num, Ratio
from veritune.verifiers.math.text.dates import dates, day_or_month, same_date
from veritune.verifiers.math.values.amounts import Amount, amounts, same_amounts, total
from veritune.verifiers.math.values.exact import exact
from veritune.verifiers.math.values.notations import continued_fraction, cycles
from veritune.verifiers.math.values.times import same_time, time_of_day

Special = Callable[[Reading, Reading, MathOptions], Decision | None]


def specially(found: Reading, want: Reading, options: MathOptions) -> Decision | None:
    """What the first reading that knows both answers says; None if none does."""
    for reading in (formulas, notations, ellipses, several_amounts, times):
        decision = reading(found, want, options)
        if decision is not None:
            return decision
    return None


def formulas(found: Reading, want: Reading, options: MathOptions) -> Decision | None:
    """Formulas of logic, sets and geometry, where the gold is one."""
    if not has_signs(want.text) or not (has_signs(found.text) or len(found.text) < 40):
        return None
    same = same_formula_of_signs(want.text, found.text)
    if same is None:
        return None
    return right("formula", "the same formula") if same else wrong("formula", "another formula")


def notations(found: Reading, want: Reading, options: MathOptions) -> Decision | None:
    """Permutations as cycles, continued fractions."""
    if want.text.startswith("(") and found.text.startswith("("):
        a, b = cycles(want.text), cycles(found.text)
        if a is not None and b is not None:
            return right("notation", "the same permutation") if a == b else wrong("notation", "another permutation")
    if ";" in want.text or ";" in found.text:
        x, y = continued_fraction(want.text), continued_fraction(found.text)
        if x is not None or y is not None:
            x, y = (x if x is not None else _value(want.tree)), (y if y is not None else _value(found.tree))
            if x is not None and y is not None:
                return right("notation", "the same number") if x == y else wrong("notation", "another number")
    return None


def _value(tree: Node | None) -> Fraction | None:
    if tree is None:
        return None
    try:
        return exact(tree, 2000)
    except ArithmeticError:
        return None


def ellipses(found: Reading, want: Reading, options: MathOptions) -> Decision | None:
    """Lists with dots: equal or not where the terms tell how they go on, otherwise undecided."""
    if not (has_dots(want.text) or has_dots(found.text)) or (want.tree is not None and found.tree is not None):
        return None
    same = same_with_dots(want.text, found.text, options)
    if same is None:
        return abstain("text", "lists with dots that rules cannot compare") if has_dots(want.text) else None
    return right("structure", "the same progression") if same else wrong("structure", "another progression")


def several_amounts(found: Reading, want: Reading, options: MathOptions) -> Decision | None:
    """Compound measures and labelled quantities."""
    if not (_wordy(want.text) or _wordy(found.text)):
        return None
    gold, answer = amounts(want.text), amounts(found.text)
    if gold is not None and answer is not None:
        same = same_amounts(gold, answer, options.unit_table)
        return None if same is None else _amounts(same)
    if gold is not None and len(gold) > 1:
        return _against_list(gold, found.tree, options)
    if answer is not None and len(answer) > 1:
        return _against_list(answer, want.tree, options)
    return None


def _wordy(text: str) -> bool:
    return _TWO_DIGITS.search(text) is not None and any(c.isalpha() for c in text)


_TWO_DIGITS = re.compile(r"\d.*\d", re.DOTALL)


def _amounts(same: bool) -> Decision:
    return right("amounts", "the same amounts") if same else wrong("amounts", "other amounts")


def _against_list(labelled: tuple[Amount, ...], tree: Node | None, options: MathOptions) -> Decision | None:
    """Labelled quantities against numbers in the same order; a compound measure is one value, and no list."""
    if total(labelled, options.unit_table) is not None:
        return wrong("amounts", "a number without its unit") if isinstance(tree, Num | Listing) else None
    if not isinstance(tree, Listing | Group) or len(tree.items) != len(labelled):
        return None
    values = [item.value if isinstance(item, Num) else None for item in tree.items]
    return _amounts(values == [amount.value for amount in labelled])


def times(found: Reading, want: Reading, options: MathOptions) -> Decision | None:
    """Times of day, dates, days and months."""
    a = time_of_day(want.text)
    if a is not None:
        b = time_of_day(found.text)
        if b is not None:
            return right("time", "the same time") if same_time(a, b) else wrong("time", "another time")
        if isinstance(found.tree, Num | Div) and not _may_be_ratio(want.tree):
            return wrong("time", "a number where a time was expected")
    mine = dates(want.text)
    theirs = dates(found.text) if mine else mine
    if mine and theirs:
        return right("time", "the same date") if same_date(mine, theirs) else wrong("time", "another date")
    day = day_or_month(want.text)
    other = None if day is None else day_or_month(found.text)
    if day is not None and other is not None:
        return right("time", "the same day or month") if day == other else wrong("time", "another day or month")
    return None


def _may_be_ratio(tree: Node | None) -> bool:
    """``1:15`` may be a ratio in lowest terms; ``10:20`` is a time."""
    if not isinstance(tree, Ratio) or not all(isinstance(p, Num) for p in tree.parts):
        return tree is not None
    return math.gcd(*(int(p.value) for p in tree.parts if isinstance(p, Num))) == 1
