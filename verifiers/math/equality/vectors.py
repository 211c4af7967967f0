"""Vectors however they are written: ``2i - 3j`` in bold letters, ``⟨2, -3⟩``, a number times a tuple."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from veritune.verifiers.math.equality.shapes import rename
from veritune.verifiers.math.syntax.nodes import Add, Div, Group, Mul, Neg, Node, Num, Sym, walk
from veritune.verifiers.math.values.numeric import free_symbols

_BASIS = ("unit_i", "unit_j", "unit_k")
_ZERO, _ONE = Num(Fraction(0)), Num(Fraction(1))


def has_basis(node: Node) -> bool:
    """Whether a bold i, j or k stands in `node`."""
    return any(isinstance(n, Sym) and n.name in _BASIS for n in walk(node))


def as_tuple(node: Node) -> Node:
    """A combination of vectors as the tuple of its components; anything else as it is."""
    if isinstance(node, Sym) and node.name in _BASIS:
        return Group(_unit(node.name), "(", ")")
    if not isinstance(node, Add | Mul | Neg | Div):
        return node
    if not any(isinstance(n, Group) or (isinstance(n, Sym) and n.name in _BASIS) for n in walk(node)):
        return node
    parts = _vector(node)
    return node if parts is None else Group(parts, "(", ")")


def with_basis(node: Node) -> Node:
    """``2i - 3j`` with i, j and k as unit vectors, where they are all the letters there are."""
    letters = free_symbols(node) | ({"i"} if Sym("i") in walk(node) else set())
    if "j" not in letters or not letters <= {"i", "j", "k"}:
        return node
    for letter in "ijk":
        node = rename(node, letter, "unit_" + letter)
    return as_tuple(node)


_PARAMETERS = frozenset(["t", "s", "u", "v", "r", "k", "m", "n", "lambda", "mu", "tau", "alpha", "beta"])


def same_parameter(gold: Node, prediction: Node) -> Node:
    """`prediction` with the parameter of a line called as in the gold: ``p + sv`` for ``p + tv``."""
    mine, theirs = free_symbols(gold), free_symbols(prediction)
    old, new = theirs - mine, mine - theirs
    if len(old) != 1 or len(new) != 1 or not old | new <= _PARAMETERS:
        return prediction
    name, wanted = next(iter(old)), next(iter(new))
    return rename(prediction, name, wanted) if _scales(gold, wanted) and _scales(prediction, name) else prediction


def _scales(node: Node, name: str) -> bool:
    """Whether a vector is multiplied by the variable of that name, and added to another one."""
    return any(
        isinstance(n, Add)
        and any(
            isinstance(t, Mul) and Sym(name) in t.factors and any(isinstance(f, Group) for f in t.factors)
            for t in n.terms
        )
        for n in walk(node)
    )


def same_length(gold: Node, prediction: Node) -> tuple[Node, Node]:
    """A vector of the plane against one written with a third component that is zero."""
    if isinstance(gold, Group) and isinstance(prediction, Group):
        longer, shorter = sorted((gold, prediction), key=lambda g: -len(g.items))
        if len(longer.items) == 3 and len(shorter.items) == 2 and longer.items[2] == _ZERO:
            cut = Group(longer.items[:2], "(", ")")
            return (cut, prediction) if longer is gold else (gold, cut)
    return gold, prediction


def _unit(name: str) -> tuple[Node, ...]:
    return tuple(_ONE if name == other else _ZERO for other in _BASIS)


def _vector(node: Node) -> tuple[Node, ...] | None:
    match node:
        case Sym(name) if name in _BASIS:
            return _unit(name)
        case Group(items, "(", ")") if len(items) > 1:
            return items
        case Neg(of):
            return _each(of, _negated)
        case Div(over, under):
            return None if _has_vector(under) else _each(over, lambda part: _ratio(part, under))
        case Add(terms):
            return _total([_vector(term) for term in terms])
        case Mul(factors):
            return _scaled(factors)
    return None


def _each(node: Node, change: Callable[[Node], Node]) -> tuple[Node, ...] | None:
    parts = _vector(node)
    return None if parts is None else tuple(map(change, parts))


def _negated(part: Node) -> Node:
    return Num(-part.value, part.digits, part.ulp) if isinstance(part, Num) else Neg(part)


def _ratio(part: Node, under: Node) -> Node:
    return _ZERO if part == _ZERO else Div(part, under)


def _has_vector(node: Node) -> bool:
    return any(isinstance(n, Group) or (isinstance(n, Sym) and n.name in _BASIS) for n in walk(node))


def _total(parts: list[tuple[Node, ...] | None]) -> tuple[Node, ...] | None:
    known = [part for part in parts if part is not None]
    if len(known) != len(parts) or len({len(part) for part in known}) != 1:
        return None
    return tuple(_sum([part[at] for part in known]) for at in range(len(known[0])))


def _sum(terms: list[Node]) -> Node:
    kept = [term for term in terms if term != _ZERO]
    return _ZERO if not kept else kept[0] if len(kept) == 1 else Add(tuple(kept))


def _scaled(factors: tuple[Node, ...]) -> tuple[Node, ...] | None:
    vectors = [factor for factor in factors if _has_vector(factor)]
    if len(vectors) != 1:
        return None
    parts = _vector(vectors[0])
    scalars = tuple(factor for factor in factors if factor is not vectors[0])
    if parts is None or not scalars:
        return parts
    return tuple(_ZERO if part == _ZERO else Mul((*scalars, part)) for part in parts)
