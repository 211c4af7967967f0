"""Finite sets that are described: ``{n² : n ∈ ℤ, 1 ≤ n ≤ 4}`` is ``{1, 4, 9, 16}``."""

from __future__ import annotations

import math
from fractions import Fraction

from veritune.verifiers.math.equality.shapes import rebuild
from veritune.verifiers.math.syntax.nodes import Listing, Node, Num, Relation, SetBuilder, SetOf, Sym
from veritune.verifiers.math.values.exact import exact

_MOST = 200
_WHOLE = {"set_Z": None, "Z": None, "set_N": 0, "N": 0, "set_N+": 1, "set_Z+": 1, "set_N*": 1}


def as_elements(node: Node) -> Node:
    """A set-builder over a few whole numbers as the set of its elements; anything else as it is."""
    if not isinstance(node, SetBuilder):
        return node
    conditions: list[Node] = list(node.condition.items) if isinstance(node.condition, Listing) else [node.condition]
    head = node.head
    if isinstance(head, Relation) and head.ops == ("in",):
        conditions.append(head)
        head = head.items[0]
    found = _range(conditions)
    if found is None:
        return node
    name, low, high = found
    values = [_put(head, name, Num(Fraction(n))) for n in range(low, high + 1)]
    return SetOf(tuple(values))


def _range(conditions: list[Node]) -> tuple[str, int, int] | None:
    """The one variable that ranges over whole numbers, and its bounds."""
    name, lows, highs = "", list[int](), list[int]()
    for condition in conditions:
        if isinstance(condition, Relation) and condition.ops == ("in",):
            variable, domain = condition.items
            if name or not isinstance(variable, Sym) or not isinstance(domain, Sym) or domain.name not in _WHOLE:
                return None
            name = variable.name
            least = _WHOLE[domain.name]
            lows += [] if least is None else [least]
    for condition in conditions:
        if not isinstance(condition, Relation):
            return None
        if condition.ops == ("in",):
            continue
        for op, left, right in zip(condition.ops, condition.items, condition.items[1:], strict=False):
            if left == Sym(name):
                bound, below = _bound(right), op in ("<", "<=")
            elif right == Sym(name):
                bound, below = _bound(left), op in (">", ">=")
            else:
                return None
            if bound is None or op not in ("<", "<=", ">", ">="):
                return None
            strict = op in ("<", ">")
            if below:
                highs.append(math.ceil(bound) - 1 if strict else math.floor(bound))
            else:
                lows.append(math.floor(bound) + 1 if strict else math.ceil(bound))
    if not name or not lows or not highs or not 0 <= min(highs) - max(lows) < _MOST:
        return None
    return name, max(lows), min(highs)


def _bound(node: Node) -> Fraction | None:
    try:
        return exact(node, 2000)
    except ArithmeticError:
        return None


def _put(node: Node, name: str, value: Node) -> Node:
    return value if node == Sym(name) else rebuild(node, lambda child: _put(child, name, value))
