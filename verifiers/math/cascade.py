"""From an answer and a gold to right or wrong: text, numbers, structure, values; each stage says why."""

from __future__ import annotations

import re
from fractions import Fraction

from veritune.verifiers.math.decision import Decision, Outcome, right, wrong
from veritune.verifiers.math.equality.compare import Comparison
from veritune.verifiers.math.equality.forms import unsimplified
from veritune.verifiers.math.equality.parts import kind
from veritune.verifiers.math.equality.shapes import ContradictionError, assigned
from veritune.verifiers.math.equality.vectors import same_parameter
from veritune.verifiers.math.options import DEFAULT, MathOptions
from veritune.verifiers.math.reading import TOO_LONG, Gold, Reading, never_grouped, prepare_gold, read, read_unless_same
from veritune.verifiers.math.special import specially
from veritune.verifiers.math.syntax.cursor import ParseError
from veritune.verifiers.math.syntax.nodes import (
    Based,
    Func,
    Group,
    Node,
    Num,
    Operator,
    Relation,
    SetOf,
    SetOp,
    Words,
    walk,
)
from veritune.verifiers.math.syntax.parser import parse
from veritune.verifiers.math.text.choices import SMALL, letters, names_others, statements
from veritune.verifiers.math.text.commands import said, same_formula, says_formula
from veritune.verifiers.math.text.normalise import untexted
from veritune.verifiers.math.text.strings import is_code, plain_words
from veritune.verifiers.math.text.words import same_words
from veritune.verifiers.math.values.exact import TooBigError
from veritune.verifiers.math.values.numeric import free_symbols
from veritune.verifiers.math.values.scalar import equal_numbers, printed

_IMPLIES = re.compile(r"\\(?:Rightarrow|implies|Longrightarrow)(?![A-Za-z])|=>(?!=)")


def decide(prediction: str, gold: Gold | str, options: MathOptions = DEFAULT) -> Decision:
    """Whether `prediction`, an extracted answer, is `gold`.

    Stages: ``string``, ``number``, ``choice``, ``time``, ``structure``, ``text``; ``limits`` where the prediction is
    past a cap. Nothing is evaluated whose size was not estimated first.
    """
    if isinstance(gold, str):
        gold = prepare_gold(gold, options)
    if prediction.strip() == gold.raw.strip() and (not gold.invalid or gold.invalid.startswith(TOO_LONG)):
        return right("string", "the same text")
    if gold.invalid:
        return Decision(Outcome.INVALID_GOLD, "gold", gold.invalid)
    if not prediction.strip():
        return wrong("string", "the answer is empty")
    if len(prediction) > options.max_answer:
        return wrong("limits", f"the answer is longer than {options.max_answer} characters")
    found = read_unless_same(prediction, gold.reading, options)
    if found is None:
        return right("string", "the same text after normalisation")
    decision = _decide_reading(found, gold, options)
    if options.form == "simplified" and decision.correct and found.tree is not None:
        left = unsimplified(assigned(found.tree).value) if found.canonical != gold.reading.canonical else ""
        if left:
            return wrong("form", left)
    return decision


def _decide_reading(found: Reading, gold: Gold, options: MathOptions) -> Decision:
    want = gold.reading
    if "\\Rightarrow" in found.text or "\\implies" in found.text or "=>" in found.text:
        found = _conclusion(found, want, options)
    if not found.text:
        return wrong("string", "the answer is empty")
    if found.canonical == want.canonical:
        return right("string", "the same text after normalisation")
    if is_code(want.text) and isinstance(found.tree, Num | Based):
        return wrong("string", f"other digits, where {len(want.text)} with their zeros in front were expected")
    if "\\text" in found.canonical + want.canonical and untexted(found.canonical) == untexted(want.canonical):
        return right("text", "the same words")
    if isinstance(found.tree, Num) and isinstance(want.tree, Num):
        same = equal_numbers(want.tree.value, found.tree.value, printed(want.tree), printed(found.tree), options)
        if same:
            return right("number", "the same number")
        if not _ambiguous(found, want):
            return wrong("number", "another number")
    decision = specially(found, want, options) or _choices(found, want, options)
    if decision is not None:
        return decision
    if options.strict_operators:
        refused = _unevaluated(found.tree, want.tree)
        if refused:
            return wrong("structure", f"the answer leaves {refused} to be worked out")
    decision = _structure(found, want, options)
    if decision.correct is False:
        return _other_readings(found, want, options) or decision
    return decision


def _conclusion(found: Reading, want: Reading, options: MathOptions) -> Reading:
    """``2x = 6 ⇒ x = 3`` says x = 3, where the gold is no implication itself."""
    if says_formula(want.text) and any(sign in said(want.text) for sign in ("\\Rightarrow", "\\to")):
        return found
    parts = _IMPLIES.split(found.text)
    first = read(parts[0], options)
    if len(parts) > 1 and isinstance(first.tree, Relation) and parts[-1].strip():
        return read(parts[-1], options)
    return found


def _structure(found: Reading, want: Reading, options: MathOptions) -> Decision:
    if found.tree is None or want.tree is None:
        return _texts(found, want, options)
    if max(_size(found.tree), _size(want.tree)) > options.max_nodes:
        return wrong("limits", f"the answer has more than {options.max_nodes} parts")
    comparison = Comparison(options)
    tree = same_parameter(want.tree, found.tree) if options.rename_parameters else found.tree
    try:
        same = comparison.same(want.tree, tree)
    except (TooBigError, RecursionError) as error:
        return wrong("limits", f"the answer needs {error}")
    if same:
        return right("structure", "the same mathematics")
    if same is None and _varies(want.tree) != _varies(found.tree):
        return wrong("structure", "a constant against an expression with variables")
    if same is None and _is_named(want.tree) and _is_named(found.tree):
        return wrong("structure", "an operator of another name")
    if same is None and kind(want.tree) != kind(found.tree):
        return wrong("structure", f"a {kind(found.tree)} where a {kind(want.tree)} was expected")
    if same is None:
        return Decision(Outcome.NEEDS_SYMBOLIC, "structure", "not decided by structure and values")
    return wrong("structure", comparison.reason or "the values differ")


def _varies(tree: Node) -> bool:
    return bool(free_symbols(tree)) or any(
        (isinstance(n, Func) and n.name == "prime") or _is_named(n) for n in walk(tree)
    )


def _is_named(tree: Node) -> bool:
    """``\\det A``, ``\\min f``: an operator of a name, which no number is."""
    return isinstance(tree, Operator) and not tree.parts and not tree.bound and tree.source.isalpha()


def _size(tree: Node) -> int:
    return len(walk(tree))


def _texts(found: Reading, want: Reading, options: MathOptions) -> Decision:
    if found.tree is None and want.tree is None:
        same = same_words(want.text, found.text)
        if same:
            return right("text", "the same words")
        if same is None:
            return Decision(Outcome.ABSTAIN, "text", "two texts that rules cannot compare")
        return wrong("text", "other words")
    if want.tree is None and same_words(want.text, found.text):
        return right("text", "the same words")
    if says_formula(want.text) and same_formula(want.text, found.text):
        return right("text", "the same signs and words")
    if says_formula(want.text if want.tree is None else found.text):
        return wrong("text", f"what was not read as mathematics has other signs ({found.error or want.error})")
    left: Node = want.tree if want.tree is not None else Words(plain_words(want.text))
    theirs: Node = found.tree if found.tree is not None else Words(plain_words(found.text))
    comparison = Comparison(options)
    try:
        same = comparison.same(left, theirs)
    except (TooBigError, RecursionError) as error:
        return wrong("limits", f"the answer needs {error}")
    if same:
        return right("text", "the same words")
    return wrong("text", f"the answer cannot be read as mathematics ({found.error})" if found.error else "words")


def _choices(found: Reading, want: Reading, options: MathOptions) -> Decision | None:
    mine, theirs = want.choice if want.text not in SMALL else None, found.choice
    if mine is not None and not mine[1]:
        if theirs is not None:
            same = mine[0] == theirs[0] and not names_others(*theirs)
            return right("choice", "the same choice") if same else wrong("choice", f"the choice is {theirs[0]}")
        if letters(found.text) is not None:
            return wrong("choice", "several choices")
        return None
    if mine is not None and theirs is not None:
        if not theirs[1] or mine[0] != theirs[0]:
            same = mine[0] == theirs[0]
            return right("choice", "the same choice") if same else wrong("choice", f"the choice is {theirs[0]}")
        return _decide_text(theirs[1], mine[1], options) if mine[1] != theirs[1] else right("choice", "the same choice")
    if mine is not None and mine[1]:
        decision = _decide_text(found.text, mine[1], options)
        return decision if decision.correct else None
    if theirs is not None and theirs[1]:
        decision = _decide_text(theirs[1], want.text, options)
        return decision if decision.correct else None
    if _is_order(want.text) and _is_order(found.text):
        same = plain_words(want.text) == plain_words(found.text)
        return right("choice", "the same letters") if same else wrong("choice", "other letters, or in another order")
    if _names_statements(want.text):
        mine_named, theirs_named = statements(untexted(want.text)), statements(untexted(found.text))
        if theirs_named is not None:
            same = mine_named == theirs_named
            return right("choice", "the same statements") if same else wrong("choice", "other statements")
    several, answered = letters(want.text), letters(found.text)
    if several is not None and answered is not None and len(several) > 1:
        same = several == answered
        return right("choice", "the same choices") if same else wrong("choice", "other choices")
    return None


def _names_statements(text: str) -> bool:
    """Whether a gold names statements: several Roman numerals, one of two signs, or one with "only"."""
    named = statements(untexted(text))
    return named is not None and (len(named) > 1 or " only" in text or len(next(iter(named))) > 1)


def _is_order(text: str) -> bool:
    """Three and more capitals in a row: an order of finishing, a word, choices; in any case not a product."""
    flat = plain_words(text)
    return len(flat) > 2 and flat.isalpha() and flat.isupper() and not says_formula(text)


def _decide_text(prediction: str, gold: str, options: MathOptions) -> Decision:
    want, found = read(gold, options), read(prediction, options)
    if want.canonical == found.canonical:
        return right("choice", "the same text behind the choice")
    return _structure(found, want, options)


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
    if ("," in found.text) == ("," in want.text):
        return "," in found.text
    return not (_GROUPED.fullmatch(found.text) and _GROUPED.fullmatch(want.text))


_GROUPED = re.compile(r"-?(?:[1-9][0-9]{0,2}(?:(?:,|\{,\})[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?")
"""A number whose commas, if it has any, are those of its thousands: nothing else that it could be is a number."""


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
        one, other = mine or want.tree, theirs or found.tree
        if one is not None and other is not None and not isinstance(one, Num) and _agree(one, other, options):
            return right("structure", "the same mathematics with the commas as separators")
    if _indian(found.text) is not None and isinstance(want.tree, Num) and _indian(found.text) == want.tree.value:
        return right("number", "the same number with commas behind the thousands and every hundred of them")
    if options.decimal_comma and _decimal_comma(found, want):
        return right("number", "the same number with a decimal comma")
    return None


def _agree(gold: Node, prediction: Node, options: MathOptions) -> bool:
    try:
        return Comparison(options).same(gold, prediction) is True
    except (TooBigError, RecursionError):
        return False


def _indian(text: str) -> Fraction | None:
    """``12,34,567``: thousands, then hundreds of the one before."""
    groups = text.split(",")
    if len(groups) < 3 or not all(g.isdecimal() and g.isascii() for g in groups) or len(groups[-1]) != 3:
        return None
    good = 1 <= len(groups[0]) <= 2 and groups[0][0] != "0" and all(len(g) == 2 for g in groups[1:-1])
    return Fraction(int("".join(groups))) if good else None


def _decimal_comma(found: Reading, want: Reading) -> bool:
    for one, other in ((found, want), (want, found)):
        whole, comma, places = one.text.lstrip("-").partition(",")
        if comma and whole.isdecimal() and places.isdecimal() and isinstance(other.tree, Num) and "." in other.text:
            sign = -1 if one.text.startswith("-") else 1
            grouped = len(places) == 3 and len(whole) <= 3 and whole[0] != "0"
            if len(places) >= 2 and not grouped and other.tree.value == sign * Fraction(f"{whole}.{places}"):
                return True
    return False
