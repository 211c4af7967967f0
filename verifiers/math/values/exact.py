"""Exact rational values of a tree, with the size of every result estimated before it is computed."""

from __future__ import annotations

import math
from fractions import Fraction

from veritune.verifiers.math.syntax.nodes import (
    Add,
    Based,
    Degree,
    Div,
    Func,
    Mul,
    Neg,
    Node,
    Num,
    Percent,
    Pow,
    Ratio,
    Unit,
)

MAX_FACTORIAL = 3000


class TooBigError(ArithmeticError):
    """A value whose size passes the cap; it is not computed."""


class UndefinedError(ArithmeticError):
    """A value that does not exist (0/0) or has no number here (∞)."""


def exact(node: Node, max_bits: int = 40_000) -> Fraction | None:
    """The rational value of `node`; None if it is not rational or not recognised as such.

    Raises TooBigError before computing more than `max_bits` bits, and UndefinedError for a division by zero.
    """
    match node:
        case Num(value):
            return value
        case Neg(of):
            inner = exact(of, max_bits)
            return None if inner is None else -inner
        case Add(terms):
            total = Fraction(0)
            for term in terms:
                summand = exact(term, max_bits)
                if summand is None:
                    return None
                total += summand
                _check(total, max_bits)
            return total
        case Mul(factors):
            product = Fraction(1)
            for factor in factors:
                multiplier = exact(factor, max_bits)
                if multiplier is None:
                    return None
                product *= multiplier
                _check(product, max_bits)
            return product
        case Div(over, under):
            a, b = exact(over, max_bits), exact(under, max_bits)
            if b is not None and b == 0:
                raise UndefinedError("a division by zero")
            return None if a is None or b is None else a / b
        case Pow(base, exponent):
            return _power(exact(base, max_bits), exact(exponent, max_bits), max_bits)
        case Percent(of):
            inner = exact(of, max_bits)
            return None if inner is None else inner / 100
        case Unit(of=of):
            return exact(of, max_bits)
        case Degree(of):
            return exact(of, max_bits)
        case Based(digits, base):
            return based(digits, base)
        case Ratio(parts) if len(parts) == 2:
            return exact(Div(parts[0], parts[1]), max_bits)
        case Func(name, args):
            return _function(name, args, max_bits)
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


def _function(name: str, args: tuple[Node, ...], max_bits: int) -> Fraction | None:
    if name == "prime" or name.startswith(("call_", "sub_")):
        return None
    values = [exact(a, max_bits) for a in args]
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
