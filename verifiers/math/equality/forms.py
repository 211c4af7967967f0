"""Is an answer worked out? ``17·23`` is 391, and may be refused where a simplified answer is asked for."""

from __future__ import annotations

import math
from fractions import Fraction

from veritune.verifiers.math.syntax.nodes import (
    Add,
    Degree,
    Div,
    Func,
    Mul,
    Neg,
    Node,
    Num,
    Operator,
    Percent,
    Pow,
    Unit,
    children,
)
from veritune.verifiers.math.values.exact import exact

_LARGEST_ROOT = 10**9


def unsimplified(node: Node) -> str:
    """What in `node` is left to be worked out; empty of an answer in its simplest form.

    Arithmetic of numbers is carried out, fractions are in lowest terms, and no square stands under a root.
    """
    if isinstance(node, Operator):
        return f"{node.name} is not worked out"
    value = _value(node)
    if value is not None:
        return "" if _plain(node, value) else "arithmetic of numbers is left to be done"
    if isinstance(node, Func) and node.name == "sqrt" and _has_square(_value(node.args[0])):
        return "a square stands under a root"
    if isinstance(node, Add | Mul) and sum(_value(part) is not None for part in children(node)) > 1:
        return "arithmetic of numbers is left to be done"
    if isinstance(node, Div):
        over, under = _leading(node.over), _leading(node.under)
        if over.denominator == under.denominator == 1 and math.gcd(int(over), int(under)) > 1:
            return "a fraction is not in lowest terms"
    return next((problem for part in children(node) if (problem := unsimplified(part))), "")


def _value(node: Node) -> Fraction | None:
    try:
        return exact(node, 4000)
    except ArithmeticError:
        return None


def _plain(node: Node, value: Fraction) -> bool:
    match node:
        case Num():
            return True
        case Neg(of) | Percent(of) | Degree(of) | Unit(of=of):
            inner = _value(of)
            return inner is not None and _plain(of, inner)
        case Div(Num(over), Num(under)) | Div(Neg(Num(over)), Num(under)):
            return over.denominator == under.denominator == 1 and under != 1 and math.gcd(int(over), int(under)) == 1
        case Mul((Num(digits=digits), Pow(Num(base), _))) if base == 10:
            return digits is not None or value >= 10**6
    return False


def _leading(node: Node) -> Fraction:
    """The number that multiplies a term."""
    if isinstance(node, Neg):
        return _leading(node.of)
    if isinstance(node, Mul):
        return next((value for part in node.factors if (value := _value(part)) is not None), Fraction(1))
    return _value(node) or Fraction(1)


def _has_square(value: Fraction | None) -> bool:
    if value is None or value.denominator != 1 or not 0 < value < _LARGEST_ROOT:
        return False
    whole = int(value)
    return any(whole % (n * n) == 0 for n in range(2, math.isqrt(whole) + 1) if n * n <= whole)
