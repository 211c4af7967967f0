"""Equations and inequalities with several variables: the same if one difference is a fixed multiple of the other."""

from __future__ import annotations

import random

from veritune.verifiers.math.options import MathOptions
from veritune.verifiers.math.syntax.nodes import Add, Neg, Node, Relation, Sym
from veritune.verifiers.math.values.numeric import FLOAT, free_symbols
from veritune.verifiers.math.values.scalar import ARITHMETIC, equal

_TURN = {">": "<", ">=": "<=", "<": "<", "<=": "<=", "=": "=", "!=": "!=", "approx": "=", "equiv": "equiv"}
_POINTS = 6


def same_equation(gold: Relation, prediction: Relation, options: MathOptions) -> bool | None:
    """Whether two relations hold at the same points, shown by a constant ratio of left minus right.

    A relation that always holds (``0 = 0``) equals none but another such one.
    """
    if len(gold.ops) != len(prediction.ops):
        return False
    if len(gold.ops) > 1:
        return _chains(gold, prediction, options)
    op, first = _difference(gold)
    other_op, second = _difference(prediction)
    if op != other_op:
        return False
    if op not in ("=", "<", "<=", "!="):
        return _memberwise(gold, prediction, options)
    found = _constant_ratio(first, second, signed=op in ("<", "<="))
    if found is False and op == "=":
        return _same_curve(gold, second) or _same_curve(prediction, first)
    return found


def _difference(relation: Relation) -> tuple[str, Node]:
    left, right = relation.items
    op = relation.ops[0]
    if op in (">", ">="):
        left, right = right, left
    return _TURN.get(op, op), Add((left, Neg(right)))


def _memberwise(gold: Relation, prediction: Relation, options: MathOptions) -> bool | None:
    results = [equal(a, b, options) for a, b in zip(gold.items, prediction.items, strict=True)]
    return False if False in results else None if None in results else True


def _chains(gold: Relation, prediction: Relation, options: MathOptions) -> bool | None:
    other = prediction
    if all(op in (">", ">=") for op in other.ops):
        other = Relation(other.items[::-1], tuple(_TURN[op] for op in other.ops[::-1]))
    mine = gold
    if all(op in (">", ">=") for op in mine.ops):
        mine = Relation(mine.items[::-1], tuple(_TURN[op] for op in mine.ops[::-1]))
    return _memberwise(mine, other, options) if mine.ops == other.ops else False


def _same_curve(solved: Relation, other: Node) -> bool:
    """Whether `other` = 0 is the graph ``y = f(x)`` of `solved`: linear in y, and zero exactly there."""
    name, value = solved.items
    if not isinstance(name, Sym) or name.name in free_symbols(value) or name.name not in free_symbols(other):
        return False
    rng = random.Random(name.name)
    names = sorted((free_symbols(value) | free_symbols(other)) - {name.name})
    seen = 0
    for _ in range(_POINTS * 2):
        point = {n: rng.uniform(0.3, 2.7) for n in names}
        try:
            y = complex(FLOAT.value(value, point))
            at = [complex(FLOAT.value(other, {**point, name.name: y + step})) for step in (0, 1, 2, -7, 31)]
        except ARITHMETIC:
            continue
        slope = at[1] - at[0]
        scale = max(abs(at[1]), abs(at[2]), 1e-300)
        if abs(at[0]) > 1e-9 * scale or abs(slope) < 1e-9:
            return False
        if any(abs(value - step * slope) > 1e-8 * scale for step, value in zip((2, -7, 31), at[2:], strict=True)):
            return False
        seen += 1
    return seen >= 3


def _constant_ratio(first: Node, second: Node, signed: bool) -> bool | None:
    names = sorted(free_symbols(first) | free_symbols(second))
    if not names:
        return None
    rng = random.Random("|".join(names))
    ratio: complex | None = None
    seen = 0
    for _ in range(_POINTS * 3):
        if seen >= _POINTS:
            break
        point = {name: rng.uniform(0.3, 2.7) * (-1 if seen % 3 == 2 else 1) for name in names}
        try:
            a, b = complex(FLOAT.value(first, point)), complex(FLOAT.value(second, point))
        except ARITHMETIC:
            continue
        if a != a or b != b or abs(a) > 1e100 or abs(b) > 1e100:
            continue
        if abs(a) < 1e-11 or abs(b) < 1e-11:
            if abs(a) < 1e-11 and abs(b) < 1e-11:
                seen += 1
                continue
            return False
        if ratio is not None and abs(b / a - ratio) > 1e-8 * abs(ratio):
            return False
        ratio = b / a
        seen += 1
    if seen < 3:
        return None
    if ratio is None:
        return True
    return not signed or ratio.real > 0
