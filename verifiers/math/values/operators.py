"""Sums, products, integrals, limits, derivatives, gcd, max …: their values in floats, where that is certain enough.

Nothing here is exact; :data:`RELATIVE` says how far two values may be apart. Finite sums of rationals, gcd and
determinants of rationals are exact in ``exact``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from veritune.verifiers.math.syntax.nodes import Matrix, Neg, Node, Operator, Sym, walk
from veritune.verifiers.math.values.exact import MAX_TERMS, TooBigError, UndefinedError, determinant

RELATIVE = 1e-9
_ARITHMETIC = (ArithmeticError, ValueError, TypeError)
_STEPS = (Fraction(1, 10**12), Fraction(1, 10**14))
_FAR = (10**12, 10**14)


def is_approximate(node: Node) -> bool:
    """Whether the value of `node` takes a limit of some kind, so that floats alone tell it."""
    return any(
        isinstance(n, Operator) and (n.name in ("int", "lim", "derivative") or any(map(_infinite, n.parts)))
        for n in walk(node)
    )


def operate(node: Operator, point: Mapping[str, Any]) -> complex:
    """The value of an operator at a point of floats. Raises UndefinedError where it has none that is certain."""
    from veritune.verifiers.math.values.numeric import FLOAT

    plain = {name: complex(value) for name, value in point.items()}
    value: Callable[[Node], complex] = lambda part: complex(FLOAT.value(part, plain))  # noqa: E731
    name = node.name
    if name in ("sum", "prod"):
        return _repeated(node, plain, value)
    if name in ("gcd", "lcm", "min", "max"):
        return _of_several(name, [_real(value(part)) for part in node.parts])
    if name == "det" and isinstance(node.parts[0], Matrix):
        return determinant([[value(entry) for entry in row] for row in node.parts[0].rows], complex(1))
    if name == "int":
        return _integral(node, plain, value)
    if name == "lim":
        return _limit(node, plain)
    if name == "derivative":
        return _derivative(node, plain)
    raise UndefinedError(f"{name} has no value")


def _of_several(name: str, values: list[float]) -> complex:
    if name in ("min", "max"):
        return complex(min(values) if name == "min" else max(values))
    if any(value != int(value) or abs(value) > 1e15 for value in values):
        raise UndefinedError(f"{name} of numbers that are not whole")
    whole = [int(value) for value in values]
    return complex(math.gcd(*whole) if name == "gcd" else math.lcm(*whole))


def _repeated(node: Operator, point: dict[str, complex], value: Callable[[Node], complex]) -> complex:
    from veritune.verifiers.math.values.numeric import FLOAT

    low = _real(value(node.parts[0]))
    endless = _infinite(node.parts[1])
    high = math.inf if endless else _real(value(node.parts[1]))
    if low != int(low) or (not endless and high != int(high)):
        raise UndefinedError("a sum between numbers that are not whole")
    if not endless and high - low > MAX_TERMS:
        raise TooBigError("a sum of more terms than the cap")

    def term(k: int) -> complex:
        return complex(FLOAT.value(node.parts[2], {**point, node.bound: complex(k)}))

    product = node.name == "prod"
    if not endless:
        total = complex(product)
        for k in range(int(low), int(high) + 1):
            total = total * term(k) if product else total + term(k)
        return total
    if product:
        raise UndefinedError("a product without an end")
    return _series(term, int(low))


def _series(term: Callable[[int], complex], low: int) -> complex:
    """A series whose terms vanish fast, or one that mpmath's extrapolation settles twice alike."""
    total, quiet = 0j, 0
    for k in range(low, low + 400):
        try:
            part = term(k)
        except TooBigError:
            break
        total += part
        quiet = quiet + 1 if abs(part) <= 1e-17 * abs(total) else 0
        if quiet >= 6:
            return total
    from mpmath import fp

    def at(k: Any) -> complex:
        return term(int(k))

    found = [complex(fp.nsum(at, [start, fp.inf])) for start in (low, low + 7)]
    second = found[1] + sum((term(k) for k in range(low, low + 7)), 0j)
    return _agreed(found[0], second)


def _integral(node: Operator, point: dict[str, complex], value: Callable[[Node], complex]) -> complex:
    from mpmath import fp

    from veritune.verifiers.math.values.numeric import FLOAT

    ends = [_infinite(part) * math.inf if _infinite(part) else _real(value(part)) for part in node.parts[:2]]
    if ends[0] == ends[1]:
        return 0j

    def integrand(x: Any) -> complex:
        return complex(FLOAT.value(node.parts[2], {**point, node.bound: complex(x)}))

    middle = [0.0, 1.0] if math.isinf(ends[0]) or math.isinf(ends[1]) else [(2 * ends[0] + ends[1]) / 3]
    inside = [m for m in middle if min(ends) < m < max(ends)]
    if ends[0] > ends[1]:
        inside.reverse()
    first, error = fp.quad(integrand, ends, error=True)
    second, other = fp.quad(integrand, [ends[0], *inside, ends[1]], error=True)
    if max(error, other) > 1e-8 * max(1.0, abs(second)):
        raise UndefinedError("an integral that does not settle")
    return _agreed(complex(first), complex(second))


def _limit(node: Operator, point: dict[str, complex]) -> complex:
    from veritune.verifiers.math.values.numeric import many_digits

    field = many_digits()
    where, body = node.parts[:2]
    sign = _infinite(where)
    exactly = {name: field.number(Fraction(value.real)) for name, value in point.items()}
    found = []
    sides = (1,) if sign or node.source.endswith("+") else (-1,) if node.source.endswith("-") else (1, -1)
    for side in sides:
        for index in (0, 1):
            if sign:
                at = field.number(Fraction(sign * _FAR[index]))
            else:
                at = field.value(where, exactly) + field.number(side * _STEPS[index])
            found.append(complex(field.value(body, {**exactly, node.bound: at})))
    if any(abs(value - found[0]) > 1e-9 * max(1.0, abs(found[0])) for value in found):
        raise UndefinedError("a limit that does not settle")
    return found[1]


def _derivative(node: Operator, point: dict[str, complex]) -> complex:
    from veritune.verifiers.math.values.numeric import many_digits

    field = many_digits()
    exactly = {name: field.number(Fraction(value.real)) for name, value in point.items()}
    if node.bound not in exactly:
        raise UndefinedError("a derivative at no point")
    step = field.number(Fraction(1, 10**18))
    at = exactly[node.bound]
    above, below = (field.value(node.parts[0], {**exactly, node.bound: x}) for x in (at + step, at - step))
    return complex((above - below) / (2 * step))


def _agreed(first: complex, second: complex) -> complex:
    if first != first or abs(first - second) > RELATIVE * max(abs(first), abs(second), 1e-3):
        raise UndefinedError("a value that does not settle")
    return second


def _infinite(node: Node) -> int:
    if isinstance(node, Neg):
        return -_infinite(node.of)
    return int(node == Sym("oo"))


def _real(value: complex) -> float:
    if abs(value.imag) > 1e-12:
        raise UndefinedError("a complex number where a real one is needed")
    return value.real
