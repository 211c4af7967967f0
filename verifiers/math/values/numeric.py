"""Numeric values of a tree: in floats for speed, in many digits where floats agree and the truth matters."""

from __future__ import annotations

import cmath
import functools
import math
import operator
import threading
import zlib
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from veritune.verifiers.math.syntax.nodes import (
    Add,
    Based,
    Degree,
    Div,
    Func,
    Listing,
    Mul,
    Neg,
    Node,
    Num,
    Operator,
    Percent,
    Pow,
    Ratio,
    Relation,
    Sym,
    Unit,
    Words,
    walk,
)
from veritune.verifiers.math.text.strings import names
from veritune.verifiers.math.values.exact import MAX_FACTORIAL, PrecisionError, TooBigError, UndefinedError

DIGITS = 60
CONSTANTS = frozenset(["pi", "e", "i", "oo", "emptyset"])


def free_symbols(node: Node) -> frozenset[str]:
    """The variables of `node`; constants, number sets and what a sum or an integral runs over are none."""
    found: set[str] = set()
    for n in walk(node):
        if isinstance(n, Sym):
            if n.name not in CONSTANTS and not n.name.startswith("set_"):
                found.add(n.name)
        elif isinstance(n, Operator):
            inner = frozenset[str]().union(*map(free_symbols, n.parts))
            found |= inner if n.name in ("derivative", "primitive") else inner - {n.bound}
    return frozenset(found)


class Field:
    """The numbers a tree is evaluated in: complex floats, or complex numbers of many digits."""

    def __init__(
        self, functions: Mapping[str, Callable[..., Any]], number: Callable[[Fraction], Any], reach: float = 1e15
    ) -> None:
        self.functions = functions
        self.number = number
        self.reach = reach  # how large an angle still has a sine here

    def value(self, node: Node, point: Mapping[str, Any]) -> Any:
        """The value of `node` at `point`. Raises UndefinedError, TooBigError, or an arithmetic error."""
        match node:
            case Num(value):
                return self.number(value)
            case Sym(name):
                return self._symbol(name, point)
            case Func(name, args):
                return self._function(name, args, point)
            case Neg(of):
                return -self.value(of, point)
            case Add(terms):
                total = self.value(terms[0], point)
                for term in terms[1:]:
                    total = total + self.value(term, point)
                return total
            case Mul(factors):
                product = self.value(factors[0], point)
                for factor in factors[1:]:
                    product = product * self.value(factor, point)
                return product
            case Div(over, under) | Ratio((over, under)):
                below = self.value(under, point)
                if below == 0:
                    raise UndefinedError("a division by zero")
                return self.value(over, point) / below
            case Pow(base, exponent):
                return self._power(base, exponent, point)
            case Percent(of):
                return self.value(of, point) / 100
            case Degree(of):
                return self.value(of, point) * self.functions["pi"]() / 180
            case Unit(of=of):
                return self.value(of, point)
            case Based(digits, base):
                try:
                    return self.number(Fraction(int(digits, base)))
                except ValueError:
                    raise UndefinedError("a digit that the base does not have") from None
            case Operator(parts=parts) if parts:
                from veritune.verifiers.math.values.operators import operate  # which evaluates by this class

                return self.number(Fraction(1)) * operate(node, point)
        raise UndefinedError(f"{type(node).__name__} has no value")

    def _symbol(self, name: str, point: Mapping[str, Any]) -> Any:
        if name in ("pi", "e", "i") and name not in point:
            return self.functions[name]()
        try:
            return point[name]
        except KeyError:
            raise UndefinedError(f"{name} has no value") from None

    def _power(self, base: Node, exponent: Node, point: Mapping[str, Any]) -> Any:
        power = self.value(exponent, point)
        if base == Sym("e"):
            return self.functions["exp"](_bounded(power))
        value = self.value(base, point)
        if value == 0:
            real = complex(power).real
            if real < 0 or power == 0:
                raise UndefinedError("a power of zero that does not exist")
            return value
        size = abs(complex(power)) * (abs(math.log(abs(complex(value)) or 1e-300)) if abs(value) < 1e300 else 700)
        if size > 1e5:
            raise TooBigError("a power past the size cap")
        if complex(value).imag == 0 and complex(value).real < 0 and isinstance(exponent, Div):
            odd = _odd_root(exponent)
            if odd is not None:
                return (1 if odd[0] % 2 == 0 else -1) * (-value) ** power
        if complex(power).imag == 0 and complex(power).real == int(complex(power).real) and abs(complex(power)) < 1e6:
            return value ** int(complex(power).real)
        return value**power

    def _function(self, name: str, args: tuple[Node, ...], point: Mapping[str, Any]) -> Any:
        if name == "cases":
            return self._cases(args, point)
        values = [self.value(a, point) for a in args]
        if name.startswith(("call_", "sub_", "prime")) or name in _MARKS:
            return self._unknown(name, values)
        if name in ("sqrt", "root"):
            return self._root(values)
        if name == "log" and len(values) == 2:
            return self._log(values[0]) / self._log(values[1])
        if name in ("log", "ln"):
            return self._log(values[0])
        if name == "log10":
            return self._log(values[0]) / self._log(self.number(Fraction(10)))
        if name == "factorial":
            return self._gamma(values[0] + 1)
        if name == "factorial2":
            return self._double_factorial(_real(values[0]))
        if name in ("sgn", "rem", "zeta"):
            return self._stepped(name, values)
        if name == "binom":
            n, k = values
            return self._gamma(n + 1) / (self._gamma(k + 1) * self._gamma(n - k + 1))
        if name in ("floor", "ceil"):
            _real(values[0])
            at = values[0].real
            return self.number(
                Fraction(self.functions["whole"](at) if name == "floor" else -self.functions["whole"](-at))
            )
        if name == "exp":
            return self.functions["exp"](_bounded(values[0]))
        if name == "abs":
            return self.functions["abs"](values[0])
        if name in ("sin", "cos", "tan", "cot", "sec", "csc") and abs(complex(values[0])) > self.reach:
            raise PrecisionError("an angle past the precision")
        function = self.functions.get(name)
        if function is None:
            raise UndefinedError(f"{name} has no value")
        return function(_bounded(values[0]) if name.endswith("h") else values[0])

    def _double_factorial(self, value: float) -> Any:
        if value != int(value) or not 0 <= value <= 150:
            raise UndefinedError("a double factorial of no moderate whole number")
        return self.number(Fraction(math.prod(range(int(value), 0, -2))))

    def _stepped(self, name: str, values: list[Any]) -> Any:
        first = _real(values[0])
        if name == "sgn":
            return self.number(Fraction((first > 0) - (first < 0)))
        if name == "zeta":
            if first <= 1:
                raise UndefinedError("a value of the zeta function that is not computed")
            return self.functions["zeta"](values[0])
        below = _real(values[1])
        if below == 0:
            raise UndefinedError("a remainder by zero")
        return values[0] - values[1] * math.floor(first / below)

    def _cases(self, args: tuple[Node, ...], point: Mapping[str, Any]) -> Any:
        """The value of the first piece whose condition holds at the point."""
        for value, condition in zip(args[::2], args[1::2], strict=True):
            if self.holds(condition, point):
                return self.value(value, point)
        raise UndefinedError("no piece holds here")

    def holds(self, condition: Node, point: Mapping[str, Any]) -> bool:
        """Whether a chain of comparisons holds at a point; words such as "otherwise" do."""
        if isinstance(condition, Words):
            return True
        if isinstance(condition, Listing):
            truths = [self.holds(item, point) for item in condition.items]
            return any(truths) if condition.join == "or" else all(truths)
        if not isinstance(condition, Relation) or not _TESTS.keys() >= set(condition.ops):
            raise UndefinedError("a condition that cannot be read")
        values = [_real(self.value(item, point)) for item in condition.items]
        return all(_TESTS[op](a, b) for op, a, b in zip(condition.ops, values, values[1:], strict=False))

    def _root(self, values: list[Any]) -> Any:
        if len(values) == 1:
            return self.functions["sqrt"](values[0])
        degree = _real(values[1])
        if degree == 0:
            raise UndefinedError("a zeroth root")
        value = values[0]
        if complex(value).imag == 0 and complex(value).real < 0 and degree == int(degree) and int(degree) % 2:
            return -((-value) ** (1 / values[1]))
        return value ** (1 / values[1]) if value != 0 else value

    def _log(self, value: Any) -> Any:
        if value == 0:
            raise UndefinedError("the logarithm of zero")
        return self.functions["log"](value)

    def _gamma(self, value: Any) -> Any:
        real = _real(value)
        if real > MAX_FACTORIAL:
            raise TooBigError("a factorial past the size cap")
        if real <= 0 and real == int(real):
            raise UndefinedError("a pole of the factorial")
        return self.functions["gamma"](value)

    def _unknown(self, name: str, values: list[Any]) -> Any:
        """A stand-in for a function nobody defined: smooth, fixed by its name, so that f(x) equals only f(x)."""
        seed = zlib.crc32(name.encode()) % 997 / 997 + 0.5
        total = self.number(Fraction(0))
        for index, value in enumerate(values):
            total = total + value * (index + 1) * self.number(Fraction(seed).limit_denominator(997))
        if abs(complex(total)) > 1e6:
            raise TooBigError("an argument past the size cap")
        return self.functions["sin"](total) + total / 3 + self.number(Fraction(seed).limit_denominator(997))


_TESTS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


_MARKS = names("angle triangle vec overrightarrow hat bar overline widehat tilde measuredangle mod arg Re Im")


def _real(value: Any) -> float:
    number = complex(value)
    if abs(number.imag) > 1e-12:
        raise UndefinedError("a complex number where a real one is needed")
    return number.real


def _bounded(value: Any) -> Any:
    if abs(complex(value)) > 1e5:
        raise TooBigError("an exponent past the size cap")
    return value


def _odd_root(exponent: Div) -> tuple[int, int] | None:
    over, under = exponent.over, exponent.under
    if isinstance(over, Num) and isinstance(under, Num) and under.value.denominator == over.value.denominator == 1:
        a, b = over.value.numerator, under.value.numerator
        return (a, b) if b % 2 == 1 else None
    return None


def _float_number(value: Fraction) -> complex:
    try:
        return complex(value.numerator / value.denominator)
    except OverflowError:
        raise TooBigError("a number past the range of a float") from None


def _float_gamma(value: complex) -> complex:
    return complex(math.gamma(_real(value)))


def _reciprocal(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def inverse(value: Any) -> Any:
        below = function(value)
        if abs(below) < 1e-40:
            raise UndefinedError("a pole")
        return 1 / below

    return inverse


def _of_reciprocal(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def of_inverse(value: Any) -> Any:
        if value == 0:
            raise UndefinedError("a pole")
        return function(1 / value)

    return of_inverse


def _table(
    base: Any, gamma: Callable[[Any], Any], log: Callable[[Any], Any], pi: Any, e: Any, i: Any
) -> dict[str, Any]:
    return {
        "whole": math.floor,
        "pi": lambda: pi,
        "e": lambda: e,
        "i": lambda: i,
        "exp": base.exp,
        "log": log,
        "sqrt": base.sqrt,
        "abs": lambda z: abs(z) + 0 * i,
        "cis": lambda z: base.cos(z) + i * base.sin(z),
        "gamma": gamma,
        "sin": base.sin,
        "cos": base.cos,
        "tan": base.tan,
        "cot": _reciprocal(base.tan),
        "sec": _reciprocal(base.cos),
        "csc": _reciprocal(base.sin),
        "arcsin": base.asin,
        "arccos": base.acos,
        "arctan": base.atan,
        "arccot": lambda z: pi / 2 - base.atan(z),
        "arcsec": _of_reciprocal(base.acos),
        "arccsc": _of_reciprocal(base.asin),
        "sinh": base.sinh,
        "cosh": base.cosh,
        "tanh": base.tanh,
        "coth": _reciprocal(base.tanh),
        "arcsinh": base.asinh,
        "arccosh": base.acosh,
        "arctanh": base.atanh,
        "zeta": lambda z: _zeta(base, z),
    }


def _zeta(base: Any, value: Any) -> Any:
    from mpmath import fp  # only where it is wanted

    return getattr(base, "zeta", fp.zeta)(value)


FLOAT = Field(_table(cmath, _float_gamma, cmath.log, complex(math.pi), complex(math.e), 1j), _float_number)

_local = threading.local()


def many_digits(digits: int = DIGITS) -> Field:
    """The field of complex numbers with that many digits. One per thread: an mpmath context is not shared safely."""
    fields: dict[int, Field] | None = getattr(_local, "fields", None)
    if fields is None:
        fields = _local.fields = {}
    if digits not in fields:
        fields[digits] = _make_field(digits)
    return fields[digits]


def _make_field(digits: int) -> Field:
    from mpmath.ctx_mp import MPContext  # only where many digits are needed

    context = MPContext()
    context.dps = digits
    number = functools.partial(_mp_number, context)
    table = _table(
        context, context.gamma, context.log, context.mpf(context.pi), context.mpf(context.e), context.mpc(0, 1)
    )
    table["abs"] = abs
    table["whole"] = lambda value: int(context.floor(value))
    return Field(table, number, 10.0 ** min(digits - 20, 300))


def _mp_number(context: Any, value: Fraction) -> Any:
    return context.mpf(value.numerator) / value.denominator


def as_fraction(value: Any) -> Fraction:
    """A real number of many digits as the rational it is stored as."""
    sign, mantissa, exponent, _ = value._mpf_
    number = Fraction(int(mantissa)) * (Fraction(2) ** int(exponent))
    return -number if sign else number
