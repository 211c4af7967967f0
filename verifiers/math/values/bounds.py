"""Between which two numbers an expression lies wherever it has a real value. Generous, never too narrow."""

from __future__ import annotations

import math
from collections.abc import Callable

from veritune.verifiers.math.syntax.nodes import Add, Div, Func, Mul, Neg, Node, Num, Operator, Pow, Sym

Bounds = tuple[float, float]
_ALL: Bounds = (-math.inf, math.inf)
_CONSTANTS = {"pi": math.pi, "e": math.e}
_RANGES: dict[str, Bounds] = {
    "sin": (-1.0, 1.0),
    "cos": (-1.0, 1.0),
    "tanh": (-1.0, 1.0),
    "arctan": (-math.pi / 2, math.pi / 2),
    "arcsin": (-math.pi / 2, math.pi / 2),
    "arccos": (0.0, math.pi),
    "exp": (0.0, math.inf),
    "cosh": (1.0, math.inf),
    "abs": (0.0, math.inf),
    "sgn": (-1.0, 1.0),
    "factorial": (0.0, math.inf),
}
_RISING: dict[str, Callable[[float], float]] = {
    "exp": lambda x: math.exp(x) if x < 700 else math.inf,
    "ln": lambda x: math.log(x) if 0 < x < math.inf else x if x > 0 else -math.inf,
    "sqrt": lambda x: math.sqrt(x) if 0 <= x < math.inf else max(x, 0.0),
    "floor": lambda x: math.floor(x) if abs(x) < math.inf else x,
    "ceil": lambda x: math.ceil(x) if abs(x) < math.inf else x,
}


def bounds(node: Node, whole: Callable[[str], bool]) -> Bounds:
    """The least interval that is easily known to hold every real value of `node`.

    ``whole`` says which variables are positive whole numbers; the others are any real numbers.
    """
    match node:
        case Num(value):
            return (float(value), float(value)) if abs(value) < 10**300 else _ALL
        case Sym(name):
            if name in _CONSTANTS:
                return (_CONSTANTS[name], _CONSTANTS[name])
            return (1.0, math.inf) if whole(name) else _ALL
        case Neg(of):
            low, high = bounds(of, whole)
            return (-high, -low)
        case Add(terms):
            parts = [bounds(term, whole) for term in terms]
            return _wider((sum(part[0] for part in parts), sum(part[1] for part in parts)))
        case Mul(factors):
            return _product(factors, whole)
        case Div(over, under):
            below = bounds(under, whole)
            inverse = (1 / below[1], 1 / below[0]) if below[0] > 0 or below[1] < 0 else None
            if inverse is None:
                positive = below[0] == 0
                return (0.0, math.inf) if positive and bounds(over, whole)[0] >= 0 else _ALL
            return _times(bounds(over, whole), inverse)
        case Pow(base, exponent):
            return _power(base, exponent, whole)
        case Func(name, args):
            return _function(name, args, whole)
        case Operator(name, parts=parts) if name in ("max", "min") and parts:
            pick = max if name == "max" else min
            inner = [bounds(part, whole) for part in parts]
            return (pick(part[0] for part in inner), pick(part[1] for part in inner))
    return _ALL


def _product(factors: tuple[Node, ...], whole: Callable[[str], bool]) -> Bounds:
    total = (1.0, 1.0)
    left = list(factors)
    while left:
        factor = left.pop()
        if factor in left:  # a square
            left.remove(factor)
            low, high = bounds(factor, whole)
            total = _times(total, _even((low, high), 2))
        else:
            total = _times(total, bounds(factor, whole))
    return total


def _power(base: Node, exponent: Node, whole: Callable[[str], bool]) -> Bounds:
    inner = bounds(base, whole)
    if not isinstance(exponent, Num) or exponent.value.denominator != 1 or exponent.value <= 0:
        return (0.0, math.inf) if inner[0] >= 0 else _ALL
    power = int(exponent.value)
    if power % 2 == 0:
        return _even(inner, power)
    return _wider((_raised(inner[0], power), _raised(inner[1], power)))


def _even(inner: Bounds, power: int) -> Bounds:
    sizes = sorted((abs(inner[0]), abs(inner[1])))
    low = 0.0 if inner[0] <= 0 <= inner[1] else _raised(sizes[0], power)
    found = _wider((low, _raised(sizes[1], power)))
    return (max(0.0, found[0]), found[1])


def _raised(value: float, power: int) -> float:
    try:
        return value**power
    except OverflowError:
        return math.inf if value > 0 or power % 2 == 0 else -math.inf


def _function(name: str, args: tuple[Node, ...], whole: Callable[[str], bool]) -> Bounds:
    if len(args) == 1 and name in _RISING:
        low, high = (_RISING[name](x) for x in bounds(args[0], whole))
        return (low, high) if name in ("floor", "ceil") else _wider((low, high), least=_RANGES.get(name, _ALL)[0])
    if len(args) == 1 and name == "abs":
        inner = bounds(args[0], whole)
        sizes = sorted((abs(inner[0]), abs(inner[1])))
        return (0.0 if inner[0] <= 0 <= inner[1] else sizes[0], sizes[1])
    return _RANGES.get(name, _ALL)


def _times(a: Bounds, b: Bounds) -> Bounds:
    ends = [0.0 if 0.0 in (x, y) else x * y for x in a for y in b]
    found = _wider((min(ends), max(ends)))
    return (max(0.0, found[0]), found[1]) if a[0] >= 0 and b[0] >= 0 else found


def _wider(found: Bounds, least: float = -math.inf) -> Bounds:
    """Room for the rounding of floats."""
    low, high = found
    if low != low or high != high:
        return _ALL
    return (max(least, low - abs(low) * 1e-12), high + abs(high) * 1e-12)
