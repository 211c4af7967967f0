"""Do two names name the same thing? ``f(2)`` is not ``f(9)``, ``P(A)`` not ``P(B)``, ``AB`` is ``BA``."""

from __future__ import annotations

from veritune.verifiers.math.syntax.nodes import Div, Func, Group, Mul, Neg, Node, Num, Pow, Ratio, Sym, Unit, Words

_MARKS = frozenset(["vec", "overrightarrow"])
_ANGLES = frozenset(["angle", "measuredangle"])


def names_agree(gold: Node, prediction: Node) -> bool:
    """Whether a value given for the name `prediction` is a value of the name `gold`.

    Words name what they like. A plain letter may stand for a function (``y`` for ``f(x)``); the argument of a function
    may be another letter. Everything else agrees where it is the same.
    """
    gold, prediction = plain_name(gold), plain_name(prediction)
    if gold == prediction or isinstance(gold, Words) or isinstance(prediction, Words):
        return True
    match gold, prediction:
        case Sym(one), Sym(other):
            mine, theirs = one.partition("_"), other.partition("_")
            return mine[0] == theirs[0] and not (mine[2] and theirs[2])
        case Sym(letter), Func() | Mul():
            return _letter_for(letter, prediction)
        case Func() | Mul(), Sym(letter):
            return _letter_for(letter, gold)
        case Func(f, args), Func(g, others):
            return f == g and len(args) == len(others) and _arguments(f, args, others)
        case Group(items), Group(others) if len(items) == len(others):
            return all(map(names_agree, items, others))
        case Ratio(items), Ratio(others) if len(items) == len(others):
            return all(map(names_agree, items, others))
        case Div(a, b), Div(c, d):
            return names_agree(a, c) and names_agree(b, d)
        case (Div(a, b), Ratio((c, d))) | (Ratio((a, b)), Div(c, d)):
            return names_agree(a, c) and names_agree(b, d)
        case Mul((f, Sym(x))), Mul((g, Sym(t))) if f == g and not isinstance(f, Sym):
            return x[0].islower() and t[0].islower()
        case Pow(a, n), Pow(b, m):
            return n == m and names_agree(a, b)
        case Neg(a), Neg(b):
            return names_agree(a, b)
    return False


def plain_name(node: Node) -> Node:
    """A name without marks that change nothing: arrows, bars of a length, the ``m`` of ``m∠A``; letters in order."""
    match node:
        case Unit(of, _):
            return plain_name(of)
        case Words(text) if len(text) == 2 and text.isalpha() and text.isupper():  # a segment that is also a unit: CM
            return Mul(tuple(sorted(map(Sym, text), key=str)))
        case Func(name, (inner,)) if name in _MARKS or (name in ("abs", "overline") and _is_segment(inner)):
            return plain_name(inner)
        case Func(name, letters) if name in _ANGLES:
            return Func("angle", _reversible(letters))
        case Mul((Sym("m"), Func(name, letters))) if name in _ANGLES:
            return Func("angle", _reversible(letters))
        case Mul(factors) if _is_segment(node):
            return Mul(tuple(sorted(factors, key=str)))
        case Div(Mul((Sym("d"), Sym() as function)), Mul((Sym("d"), Sym()))):
            return Func("prime", (function,))
        case Mul((Sym(f), Func("abs", (inside,)))):
            return Func("call_" + f, (inside,))
    return node


def _reversible(letters: tuple[Node, ...]) -> tuple[Node, ...]:
    if len(letters) == 1 and isinstance(letters[0], Mul):
        letters = letters[0].factors
    return min(letters, letters[::-1], key=str)


def _is_segment(node: Node) -> bool:
    return (
        isinstance(node, Mul)
        and len(node.factors) == 2
        and all(isinstance(f, Sym) and f.name[0].isupper() for f in node.factors)
    )


def _letter_for(letter: str, function: Node) -> bool:
    """``y`` for ``f(x)`` and ``f`` for ``f(x)``, but no letter for ``f(2)``, ``f'(x)`` or a length."""
    match function:
        case Func(name, args) if name.startswith("call_"):
            return (name == "call_" + letter or letter[0] in "yz") and all(isinstance(a, Sym) for a in args)
        case Mul((Pow(Sym(), Num()), Sym())):
            return letter == "y"
    return False


def _arguments(function: str, gold: tuple[Node, ...], prediction: tuple[Node, ...]) -> bool:
    if not function.startswith("call_"):
        return gold == prediction
    for a, b in zip(gold, prediction, strict=True):
        letters = isinstance(a, Sym) and isinstance(b, Sym) and a.name[0].islower() and b.name[0].islower()
        if a != b and not letters:
            return False
    return True
