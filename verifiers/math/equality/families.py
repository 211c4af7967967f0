"""Names that an answer is free to choose: arbitrary constants, parameters of a family, the argument of a function."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from veritune.verifiers.math.equality.shapes import has_parameter, rename
from veritune.verifiers.math.syntax.nodes import Add, Func, Mul, Neg, Node, Pow, Sym, walk
from veritune.verifiers.math.values.numeric import free_symbols
from veritune.verifiers.math.values.sampling import is_constant

_CONSTANTS = frozenset("CcKkAB") | {f"{name}_{index}" for name in "CcKk" for index in range(4)}
_WHOLE = frozenset("knm")
_PARAMETERS = frozenset("knmlj")
_SYMPY_CONSTANTS = {"I": "i", "E": "e"}
_INTEGRATION = frozenset(["C", "c", "C_1", "c_1", "C_0", "K"])
_MAX = 3


def renamings(gold: Node, prediction: Node) -> Iterator[Node]:
    """`prediction` with the names that only it has called as the gold calls its own, where both are free to choose.

    Constants of integration (``C``, ``C_1``; ``A`` and ``B`` for them) beside the variable that they were left by,
    parameters that multiply π, and sympy's ``I`` and ``E``. Capitals alone are names: ``2C`` is not ``2A``, and the
    segment ``CK`` not ``AK``.
    """
    wanted, given = free_symbols(gold), free_symbols(prediction)
    mine, theirs = sorted(wanted - given), sorted(given - wanted)
    if theirs and not mine and set(theirs) <= _SYMPY_CONSTANTS.keys():
        for name in theirs:
            prediction = rename(prediction, name, _SYMPY_CONSTANTS[name])
        yield prediction
        return
    if len(mine) == len(theirs) == 1 and _family(gold, mine[0], prediction, theirs[0]):
        yield rename(prediction, theirs[0], mine[0])
    constants = sorted(name for name in wanted if _is_constant(name, gold))
    varies = any(name[0].islower() and name not in _CONSTANTS for name in wanted)
    if varies and set(mine) <= set(constants) and 0 < len(constants) <= _MAX:
        yield from _constants(constants, prediction, sorted(name for name in given if name in _CONSTANTS))


def _is_constant(name: str, gold: Node) -> bool:
    """``C`` and ``C_1`` by their names; ``c`` and ``k`` are given letters unless they are added, or before an
    exponential."""
    if name not in _CONSTANTS or name in "AB":
        return False
    if name[0] == "C" or "_" in name:
        return True
    alone = (Sym(name), Neg(Sym(name)))
    return any(
        (isinstance(node, Add) and any(term in alone for term in node.terms))
        or (isinstance(node, Pow) and free_symbols(node.exponent) - {name} and name not in free_symbols(node))
        for node in walk(gold)
    )


def _family(gold: Node, old: str, prediction: Node, new: str) -> bool:
    if old in _WHOLE and new in _WHOLE and isinstance(gold, Add) and isinstance(prediction, Add):
        if Sym(old) in gold.terms or Neg(Sym(old)) in gold.terms:  # n + 1 is every whole number: not a family
            return False
        return all(len(free_symbols(term)) <= 1 for term in (*gold.terms, *prediction.terms))
    if not {old[0], new[0]} <= _PARAMETERS:  # the r of 2πr is a radius
        return False
    return has_parameter(gold, old) and has_parameter(prediction, new)


def _constants(wanted: list[str], prediction: Node, given: list[str]) -> Iterator[Node]:
    if len(given) != len(wanted):
        return
    for order in permutations(wanted):
        renamed = prediction
        for index, name in enumerate(given):
            renamed = rename(renamed, name, f"#{index}")
        for index, name in enumerate(order):
            renamed = rename(renamed, f"#{index}", name)
        yield renamed


def same_up_to_constant(gold: Node, prediction: Node) -> bool:
    """``x^2 + C`` and ``x^2 + 1 + C``: a constant of integration takes up whatever does not vary."""
    a, b = _without_constant(gold), _without_constant(prediction)
    if a is None or b is None:
        return False
    names = sorted(free_symbols(a) | free_symbols(b))
    if not free_symbols(a) or not free_symbols(b):
        return False
    return is_constant(Add((a, Neg(b))), names)


def _without_constant(node: Node) -> Node | None:
    """`node` without the ``C`` that it ends in; None where none is added."""
    if not isinstance(node, Add):
        return None
    kept = tuple(term for term in node.terms if not _is_free(term))
    return Add(kept) if len(kept) == len(node.terms) - 1 and not any(map(_has_free, kept)) else None


def _is_free(term: Node) -> bool:
    inner = term.of if isinstance(term, Neg) else term
    return isinstance(inner, Sym) and inner.name in _INTEGRATION


def _has_free(term: Node) -> bool:
    return bool(free_symbols(term) & _INTEGRATION)


def same_argument(gold: Node, name: Node, value: Node) -> Node:
    """The value of ``f(t) = …`` in the gold's variable, where the gold says ``f(x) = …``."""
    match gold, name:
        case Func(f, mine), Func(g, theirs) if f == g and len(mine) == len(theirs):
            return _renamed(value, mine, theirs)
        case Mul((f, Sym() as x)), Mul((g, Sym() as t)) if f == g and not isinstance(f, Sym):  # f^{-1}(x)
            return _renamed(value, (x,), (t,))
    return value


def _renamed(value: Node, mine: tuple[Node, ...], theirs: tuple[Node, ...]) -> Node:
    """`value` with the letters `theirs` called `mine`, all at once; an x that f(t) has is another one."""
    pairs = [(a.name, b.name) for a, b in zip(mine, theirs, strict=True) if isinstance(a, Sym) and isinstance(b, Sym)]
    new, old = {a for a, _ in pairs}, {b for _, b in pairs}
    if len(pairs) < len(mine) or len(new) < len(pairs) or len(old) < len(pairs):
        return value
    for letter in new - old:
        value = rename(value, letter, letter + "#")
    for index, (_, letter) in enumerate(pairs):
        value = rename(value, letter, f"#{index}")
    for index, (letter, _) in enumerate(pairs):
        value = rename(value, f"#{index}", letter)
    return value
