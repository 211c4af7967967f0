"""Exact rational values of a tree, with the size of every result estimated before it is computed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import TypeVar

from veritune.verifiers.math.syntax.nodes import (
    Add,
    Based,
    Degree,
    Div,
    Func,
    Matrix,
    Mul,
    Neg,
    Node,
    Num,
    Operator,
    Percent,
    Pow,
    Ratio,
    Sym,
    Unit,
)

Number = TypeVar("Number", Fraction, complex)

MAX_FACTORIAL = 3000
MAX_TERMS = 2000
"""Terms of a sum or product that are added one by one."""
NOWHERE: Mapping[str, Fraction] = MappingProxyType({})


class TooBigError(ArithmeticError):
    """A value whose size passes the cap; it is not computed."""


class UndefinedError(ArithmeticError):
    """A value that does not exist (0/0) or has no number here (∞)."""


class PrecisionError(UndefinedError):
    """A value that exists and takes more digits than it was asked in."""


def exact(node: Node, max_bits: int = 40_000, point: Mapping[str, Fraction] = NOWHERE) -> Fraction | None:
    """The rational value of `node` at `point`; None if it is not rational or not recognised as such.

    Raises TooBigError before computing more than `max_bits` bits, and UndefinedError for a division by zero.
    """
    match node:
        case Num(value):
            return value
        case Sym(name):
            return point.get(name)
        case Neg(of):
            inner = exact(of, max_bits, point)
            return None if inner is None else -inner
        case Add(terms):
            total = Fraction(0)
            for term in terms:
                summand = exact(term, max_bits, point)
                if summand is None:
                    return None
                total += summand
                _check(total, max_bits)
            return total
        case Mul(factors):
            product = Fraction(1)
            for factor in factors:
                multiplier = exact(factor, max_bits, point)
                if multiplier is None:
                    return None
                product *= multiplier
                _check(product, max_bits)
            return product
        case Div(over, under):
            a, b = exact(over, max_bits, point), exact(under, max_bits, point)
            if b is not None and b == 0:
                raise UndefinedError("a division by zero")
            return None if a is None or b is None else a / b
        case Pow(base, exponent):
            return _power(exact(base, max_bits, point), exact(exponent, max_bits, point), max_bits)
        case Percent(of):
            inner = exact(of, max_bits, point)
            return None if inner is None else inner / 100
        case Unit(of=of):
            return exact(of, max_bits, point)
        case Degree(of):
            return exact(of, max_bits, point)
        case Based(digits, base):
            return based(digits, base)
        case Ratio(parts) if len(parts) == 2:
            return exact(Div(parts[0], parts[1]), max_bits, point)
        case Func(name, args):
            return _function(name, args, max_bits, point)
        case Operator(parts=parts) if parts:
            return _operator(node, max_bits, point)
    return None


def based(digits: str, base: int) -> Fraction | None:
    """The value of `digits` in `base`; None where a digit does not exist in it."""
    try:
        return Fraction(int(digits, base))
    except ValueError:
        return None


def _check(value: Fraction, max_bits: int) -> None:
    if value.numerator.bit_length() + value.denominator.bit_length() > max_bits:
        raise TooBigError("a number past the size cap")


def _power(base: Fraction | None, exponent: Fraction | None, max_bits: int) -> Fraction | None:
    if base is None or exponent is None:
        return None
    if base == 1:
        return base
    if exponent.denominator != 1:
        return _rational_power(base, exponent, max_bits)
    n = exponent.numerator
    if base == 0:
        if n <= 0:
            raise UndefinedError("a power of zero that does not exist")
        return base
    if base == -1:
        return base if n % 2 else Fraction(1)
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(n) * bits > max_bits:
        raise TooBigError("a power past the size cap")
    return base**n


def _rational_power(base: Fraction, exponent: Fraction, max_bits: int) -> Fraction | None:
    degree = exponent.denominator
    if base <= 0 or degree > 64:
        return None
    root = exact_root(base, degree)
    return None if root is None else _power(root, Fraction(exponent.numerator), max_bits)


def exact_root(value: Fraction, degree: int) -> Fraction | None:
    """The rational root of a non-negative rational, None if it is irrational."""
    over, under = _int_root(value.numerator, degree), _int_root(value.denominator, degree)
    return None if over is None or under is None else Fraction(over, under)


def _int_root(value: int, degree: int) -> int | None:
    if value < 2:
        return value
    if degree == 2:
        root = math.isqrt(value)
        return root if root * root == value else None
    if value.bit_length() > 1000:
        return None
    root = round(value ** (1 / degree)) if value < 1 << 52 else 1 << (value.bit_length() // degree + 1)
    if value >= 1 << 52:
        while True:
            step = ((degree - 1) * root + value // root ** (degree - 1)) // degree
            if step >= root:
                break
            root = step
    for near in (root - 1, root, root + 1):
        if near > 0 and near**degree == value:
            return near
    return None


def _function(name: str, args: tuple[Node, ...], max_bits: int, point: Mapping[str, Fraction]) -> Fraction | None:
    if name == "prime" or name == "cases" or (name.startswith(("call_", "sub_")) and name != "call_P"):
        return None
    values = [exact(a, max_bits, point) for a in args]
    if any(v is None for v in values):
        return None
    known = [v for v in values if v is not None]
    first = known[0]
    if name == "sqrt":
        return exact_root(first, 2) if first >= 0 else None
    if name == "root" and known[1].denominator == 1 and 0 < known[1] <= 64:
        degree = known[1].numerator
        if first < 0 and degree % 2:
            root = exact_root(-first, degree)
            return None if root is None else -root
        return exact_root(first, degree) if first >= 0 else None
    if name == "abs":
        return abs(first)
    if name == "floor":
        return Fraction(math.floor(first))
    if name == "ceil":
        return Fraction(math.ceil(first))
    if name == "factorial":
        return _factorial(first)
    if name == "factorial2":
        return _double_factorial(first)
    if name == "sgn":
        return Fraction((first > 0) - (first < 0))
    if name == "rem" and known[1] != 0:
        return first % known[1]
    if name in ("perm", "call_P") and len(known) == 2 and known[0].denominator == known[1].denominator == 1:
        return Fraction(math.perm(int(known[0]), int(known[1]))) if 0 <= known[1] <= known[0] <= 500 else None
    if name == "multinomial":
        return _multinomial(known)
    if name == "binom":
        return _binomial(first, known[1], max_bits)
    return None


def _factorial(value: Fraction) -> Fraction | None:
    if value.denominator != 1 or value < 0:
        return None
    if value > MAX_FACTORIAL:
        raise TooBigError("a factorial past the size cap")
    return Fraction(math.factorial(value.numerator))


def _binomial(n: Fraction, k: Fraction, max_bits: int) -> Fraction | None:
    if n.denominator != 1 or k.denominator != 1 or n < 0 or k < 0:
        return None
    small = min(k.numerator, n.numerator - k.numerator)
    if small > 0 and small * n.numerator.bit_length() > max_bits:
        raise TooBigError("a binomial coefficient past the size cap")
    return Fraction(math.comb(n.numerator, k.numerator))


def _double_factorial(value: Fraction) -> Fraction | None:
    if value.denominator != 1 or value < 0:
        return None
    if value > MAX_FACTORIAL:
        raise TooBigError("a factorial past the size cap")
    return Fraction(math.prod(range(int(value), 0, -2)))


def _multinomial(known: list[Fraction]) -> Fraction | None:
    n, *below = known
    if any(k.denominator != 1 or k < 0 for k in known) or sum(below) != n or n > MAX_FACTORIAL:
        return None
    return Fraction(math.factorial(int(n)), math.prod(math.factorial(int(k)) for k in below))


def _operator(node: Operator, max_bits: int, point: Mapping[str, Fraction]) -> Fraction | None:
    """gcd, lcm, min, max, determinants and finite sums and products, exactly; None of anything else."""
    name, parts = node.name, node.parts
    if name in ("sum", "prod"):
        return _repeated(node, max_bits, point)
    if name == "det" and isinstance(parts[0], Matrix):
        rows = [[exact(entry, max_bits, point) for entry in row] for row in parts[0].rows]
        known = [[entry for entry in row if entry is not None] for row in rows]
        return determinant(known, Fraction(1)) if [len(r) for r in known] == [len(r) for r in rows] else None
    if name not in ("gcd", "lcm", "min", "max"):
        return None
    values = [exact(part, max_bits, point) for part in parts]
    found = [value for value in values if value is not None]
    if len(found) != len(values):
        return None
    if name in ("min", "max"):
        return min(found) if name == "min" else max(found)
    if any(value.denominator != 1 for value in found):
        return None
    whole = [int(value) for value in found]
    return Fraction(math.gcd(*whole) if name == "gcd" else math.lcm(*whole))


def _repeated(node: Operator, max_bits: int, point: Mapping[str, Fraction]) -> Fraction | None:
    low, high = exact(node.parts[0], max_bits, point), exact(node.parts[1], max_bits, point)
    if low is None or high is None or low.denominator != 1 or high.denominator != 1:
        return None
    if high - low > MAX_TERMS:
        raise TooBigError("a sum of more terms than the cap")
    total = Fraction(node.name == "prod")
    for index in range(int(low), int(high) + 1):
        term = exact(node.parts[2], max_bits, {**point, node.bound: Fraction(index)})
        if term is None:
            return None
        total = total + term if node.name == "sum" else total * term
        _check(total, max_bits)
    return total


def determinant(rows: list[list[Number]], one: Number) -> Number:
    """The determinant of a square matrix of at most six rows, by expansion. Raises UndefinedError for any other."""
    size = len(rows)
    if not 0 < size <= 6 or any(len(row) != size for row in rows):
        raise UndefinedError("a determinant of no square matrix")
    if size == 1:
        return rows[0][0]
    total = one - one
    for column, entry in enumerate(rows[0]):
        minor = [row[:column] + row[column + 1 :] for row in rows[1:]]
        part = entry * determinant(minor, one)
        total = total - part if column % 2 else total + part
    return total
