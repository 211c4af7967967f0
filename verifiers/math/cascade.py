"""From an answer and a gold to right or wrong: text, numbers, structure, values; each stage says why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from veritune.verifiers.math.equality.compare import Comparison
from veritune.verifiers.math.equality.formulas import has_signs, same_formula_of_signs
from veritune.verifiers.math.equality.parts import kind
from veritune.verifiers.math.equality.shapes import ContradictionError, assigned
from veritune.verifiers.math.options import DEFAULT, MathOptions
from veritune.verifiers.math.reading import TOO_LONG, Gold, Reading, never_grouped, prepare_gold, read
from veritune.verifiers.math.syntax.cursor import ParseError
from veritune.verifiers.math.syntax.nodes import (
    Div,
    Func,
    Group,
    Node,
    Num,
    Operator,
    Ratio,
    SetOf,
    SetOp,
    Words,
    walk,
)
from veritune.verifiers.math.syntax.parser import parse
from veritune.verifiers.math.text.choices import SMALL, letters, names_others
from veritune.verifiers.math.text.commands import says_formula
from veritune.verifiers.math.text.strings import plain_words
from veritune.verifiers.math.text.words import same_words
from veritune.verifiers.math.values.exact import TooBigError
from veritune.verifiers.math.values.numeric import free_symbols
from veritune.verifiers.math.values.scalar import equal_numbers, printed
from veritune.verifiers.math.values.times import dates, day_or_month, same_date, same_time, time_of_day


class Outcome(str, Enum):
    """What the cascade found."""

    RIGHT = "right"
    WRONG = "wrong"
    ABSTAIN = "abstain"
    """Rules cannot tell: two texts that may mean the same."""
    NEEDS_SYMBOLIC = "needs_symbolic"
    """Only symbolic computation could tell."""
    INVALID_GOLD = "invalid_gold"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Decision:
    """An outcome, the stage that found it, and why in one sentence."""

    outcome: Outcome
    stage: str
    reason: str

    @property
    def correct(self) -> bool | None:
        """True, False, or None where undecided."""
        return {Outcome.RIGHT: True, Outcome.WRONG: False}.get(self.outcome)


def decide(prediction: str, gold: Gold | str, options: MathOptions = DEFAULT) -> Decision:
    """Whether `prediction`, an extracted answer, is `gold`.

    Stages: ``string``, ``number``, ``choice``, ``time``, ``structure``, ``text``; ``limits`` where the prediction is
    past a cap. Nothing is evaluated whose size was not estimated first.
    """
    if isinstance(gold, str):
        gold = prepare_gold(gold, options)
    if prediction.strip() == gold.raw.strip() and (not gold.invalid or gold.invalid.startswith(TOO_LONG)):
        return _right("string", "the same text")
    if gold.invalid:
        return Decision(Outcome.INVALID_GOLD, "gold", gold.invalid)
    if not prediction.strip():
        return _wrong("string", "the answer is empty")
    if len(prediction) > options.max_answer:
        return _wrong("limits", f"the answer is longer than {options.max_answer} characters")
    return _decide_reading(read(prediction, options), gold, options)


def _right(stage: str, reason: str) -> Decision:
    return Decision(Outcome.RIGHT, stage, reason)


def _wrong(stage: str, reason: str) -> Decision:
    return Decision(Outcome.WRONG, stage, reason)


def _decide_reading(found: Reading, gold: Gold, options: MathOptions) -> Decision:
    want = gold.reading
    if not found.text:
        return _wrong("string", "the answer is empty")
    if found.canonical == want.canonical:
        return _right("string", "the same text after normalisation")
    if isinstance(found.tree, Num) and isinstance(want.tree, Num):
        same = equal_numbers(want.tree.value, found.tree.value, printed(want.tree), printed(found.tree), options)
        if same:
            return _right("number", "the same number")
        if not _ambiguous(found, want):
            return _wrong("number", "another number")
    decision = _formulas(found, want) or _choices(found, want, options) or _times(found, want)
    if decision is not None:
        return decision
    if options.strict_operators:
        refused = _unevaluated(found.tree, want.tree)
        if refused:
            return _wrong("structure", f"the answer leaves {refused} to be worked out")
    decision = _structure(found, want, options)
    if decision.correct is False:
        return _other_readings(found, want, options) or decision
    return decision


def _structure(found: Reading, want: Reading, options: MathOptions) -> Decision:
    if found.tree is None or want.tree is None:
        return _texts(found, want, options)
    if max(_size(found.tree), _size(want.tree)) > options.max_nodes:
        return _wrong("limits", f"the answer has more than {options.max_nodes} parts")
    comparison = Comparison(options)
    try:
        same = comparison.same(want.tree, found.tree)
    except (TooBigError, RecursionError) as error:
        return _wrong("limits", f"the answer needs {error}")
    if same:
        return _right("structure", "the same mathematics")
    if same is None and _varies(want.tree) != _varies(found.tree):
        return _wrong("structure", "a constant against an expression with variables")
    if same is None and kind(want.tree) != kind(found.tree):
        return _wrong("structure", f"a {kind(found.tree)} where a {kind(want.tree)} was expected")
    if same is None:
        return Decision(Outcome.NEEDS_SYMBOLIC, "structure", "not decided by structure and values")
    return _wrong("structure", comparison.reason or "the values differ")


def _varies(tree: Node) -> bool:
    return bool(free_symbols(tree)) or any(isinstance(n, Func) and n.name == "prime" for n in walk(tree))


def _size(tree: Node) -> int:
    return len(walk(tree))


def _texts(found: Reading, want: Reading, options: MathOptions) -> Decision:
    if found.tree is None and want.tree is None:
        same = same_words(want.text, found.text)
        if same:
            return _right("text", "the same words")
        if same is None:
            return Decision(Outcome.ABSTAIN, "text", "two texts that rules cannot compare")
        return _wrong("text", "other words")
    if want.tree is None and same_words(want.text, found.text):
        return _right("text", "the same words")
    if says_formula(want.text if want.tree is None else found.text):
        return _wrong("text", f"what was not read as mathematics has other signs ({found.error or want.error})")
    left: Node = want.tree if want.tree is not None else Words(plain_words(want.text))
    right: Node = found.tree if found.tree is not None else Words(plain_words(found.text))
    comparison = Comparison(options)
    try:
        same = comparison.same(left, right)
    except (TooBigError, RecursionError) as error:
        return _wrong("limits", f"the answer needs {error}")
    if same:
        return _right("text", "the same words")
    return _wrong("text", f"the answer cannot be read as mathematics ({found.error})" if found.error else "words")


def _choices(found: Reading, want: Reading, options: MathOptions) -> Decision | None:
    mine, theirs = want.choice if want.text not in SMALL else None, found.choice
    if mine is not None and not mine[1]:
        if theirs is not None:
            same = mine[0] == theirs[0] and not names_others(*theirs)
            return _right("choice", "the same choice") if same else _wrong("choice", f"the choice is {theirs[0]}")
        if letters(found.text) is not None:
            return _wrong("choice", "several choices")
        return None
    if mine is not None and theirs is not None:
        if not theirs[1] or mine[0] != theirs[0]:
            same = mine[0] == theirs[0]
            return _right("choice", "the same choice") if same else _wrong("choice", f"the choice is {theirs[0]}")
        return (
            _decide_text(theirs[1], mine[1], options) if mine[1] != theirs[1] else _right("choice", "the same choice")
        )
    if mine is not None and mine[1]:
        decision = _decide_text(found.text, mine[1], options)
        return decision if decision.correct else None
    if theirs is not None and theirs[1]:
        decision = _decide_text(theirs[1], want.text, options)
        return decision if decision.correct else None
    several, answered = letters(want.text), letters(found.text)
    if several is not None and answered is not None and len(several) > 1:
        same = several == answered
        return _right("choice", "the same choices") if same else _wrong("choice", "other choices")
    return None


def _formulas(found: Reading, want: Reading) -> Decision | None:
    """Formulas of logic, sets and geometry, where the gold is one."""
    if not has_signs(want.text) or not (has_signs(found.text) or len(found.text) < 40):
        return None
    same = same_formula_of_signs(want.text, found.text)
    if same is None:
        return None
    return _right("formula", "the same formula") if same else _wrong("formula", "another formula")


def _decide_text(prediction: str, gold: str, options: MathOptions) -> Decision:
    want, found = read(gold, options), read(prediction, options)
    if want.canonical == found.canonical:
        return _right("choice", "the same text behind the choice")
    return _structure(found, want, options)


def _times(found: Reading, want: Reading) -> Decision | None:
    a, b = time_of_day(want.text), time_of_day(found.text)
    if a is not None and b is not None:
        return _right("time", "the same time") if same_time(a, b) else _wrong("time", "another time")
    if a is not None and isinstance(found.tree, Num | Div) and not _may_be_ratio(want.tree):
        return _wrong("time", "a number where a time was expected")
    mine, theirs = dates(want.text), dates(found.text)
    if mine and theirs:
        return _right("time", "the same date") if same_date(mine, theirs) else _wrong("time", "another date")
    day, other = day_or_month(want.text), day_or_month(found.text)
    if day is not None and other is not None:
        return _right("time", "the same day or month") if day == other else _wrong("time", "another day or month")
    return None


def _may_be_ratio(tree: Node | None) -> bool:
    """``1:15`` may be a ratio in lowest terms; ``10:20`` is a time."""
    if not isinstance(tree, Ratio) or not all(isinstance(p, Num) for p in tree.parts):
        return tree is not None
    return math.gcd(*(int(p.value) for p in tree.parts if isinstance(p, Num))) == 1


def _unevaluated(found: Node | None, want: Node | None) -> str:
    """What the prediction leaves undone that the gold does not: the question given back."""
    if found is None:
        return ""
    try:
        answered = assigned(found).value
    except ContradictionError:
        return ""
    theirs = {n.name for n in walk(answered) if isinstance(n, Operator)}
    mine = {n.name for n in walk(want) if isinstance(n, Operator)} if want is not None else set()
    extra = sorted(theirs - mine)
    return extra[0] if extra else ""


def _ambiguous(found: Reading, want: Reading) -> bool:
    return "," in found.text or "," in want.text


def _always_grouped(reading: Reading, options: MathOptions) -> Node | None:
    if "," not in reading.text or not isinstance(reading.tree, Group | SetOf | SetOp):
        return None
    try:
        other = parse(reading.text, commas="always", max_depth=options.max_depth)
    except ParseError:
        return None
    return other if other != reading.tree else None


def _other_readings(found: Reading, want: Reading, options: MathOptions) -> Decision | None:
    """Right under the other meaning of a comma; never a reason to call something wrong."""
    if not _ambiguous(found, want):
        return None
    for reader in (never_grouped, _always_grouped):
        mine, theirs = reader(want, options), reader(found, options)
        if mine is None and theirs is None:
            continue
        left, right = mine or want.tree, theirs or found.tree
        if left is not None and right is not None and not isinstance(left, Num) and _agree(left, right, options):
            return _right("structure", "the same mathematics with the commas as separators")
    if options.decimal_comma and _decimal_comma(found, want):
        return _right("number", "the same number with a decimal comma")
    return None


def _agree(left: Node, right: Node, options: MathOptions) -> bool:
    try:
        return Comparison(options).same(left, right) is True
    except (TooBigError, RecursionError):
        return False


def _decimal_comma(found: Reading, want: Reading) -> bool:
    for one, other in ((found, want), (want, found)):
        whole, comma, places = one.text.lstrip("-").partition(",")
        if comma and whole.isdecimal() and places.isdecimal() and isinstance(other.tree, Num) and "." in other.text:
            sign = -1 if one.text.startswith("-") else 1
            grouped = len(places) == 3 and len(whole) <= 3 and whole[0] != "0"
            if len(places) >= 2 and not grouped and other.tree.value == sign * Fraction(f"{whole}.{places}"):
                return True
    return False
