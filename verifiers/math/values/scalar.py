"""Are two values equal? Exactly, or rounded as far as a decimal says, or at points where they vary."""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from veritune.verifiers.math.options import MathOptions
from veritune.verifiers.math.syntax.nodes import (
    Add,
    Degree,
    Div,
    Func,
    Mul,
    Neg,
    Node,
    Num,
    Percent,
    Pow,
    Sym,
    Unit,
    walk,
)
from veritune.verifiers.math.values.exact import TooBigError, UndefinedError, exact
from veritune.verifiers.math.values.numeric import FLOAT, Field, as_fraction, free_symbols, many_digits

ARITHMETIC = (ArithmeticError, ValueError, TypeError, RecursionError)
_INTEGER_NAMES = frozenset("nkmlj")
_POINTS = 8
_RANGES = ((0.35, 2.6), (0.05, 0.95), (2.1, 9.7), (-4.0, -0.3), (1.1, 4.9))
_FLOAT_DIGITS = 14


@dataclass(frozen=True, slots=True)
class Printed:
    """How precisely a decimal is printed: one unit in its last place, and its significant digits."""

    ulp: Fraction
    digits: int


def printed(node: Node) -> Printed | None:
    """The printed precision of a decimal, alone or scaled by a power of ten; None of anything exact."""
    match node:
        case Num(digits=digits, ulp=ulp) if digits is not None and ulp is not None:
            return Printed(ulp, digits)
        case Neg(of) | Unit(of=of) | Degree(of):
            return printed(of)
        case Percent(of):
            inner = printed(of)
            return None if inner is None else Printed(inner.ulp / 100, inner.digits)
        case Mul((Num() as head, Pow(Num(value=base), _) as power)) if base == 10:
            inner, scale = printed(head), _small_exact(power)
            return Printed(inner.ulp * scale, inner.digits) if inner and scale and scale > 0 else None
        case Mul(factors) | Add(factors):
            return _loosest(factors)
        case Div(over, under):
            return _loosest((over, under))
    return None


def _loosest(parts: tuple[Node, ...]) -> Printed | None:
    """Of an expression with decimals in it: no absolute place, but as many digits as its shortest decimal."""
    found = [n.digits for part in parts for n in walk(part) if isinstance(n, Num) and n.digits is not None]
    return Printed(Fraction(0), min(found)) if found else None


def _small_exact(node: Node) -> Fraction | None:
    try:
        return exact(node, 4000)
    except ArithmeticError:
        return None


def equal(gold: Node, prediction: Node, options: MathOptions) -> bool | None:
    """Whether two scalar expressions have the same value; None if neither could be shown.

    Raises TooBigError where the prediction passes a size cap and the gold does not.
    """
    if gold == prediction:
        return True
    if isinstance(gold, Sym) and isinstance(prediction, Sym):
        return gold == prediction
    gold_exact = _exact_gold(gold, options)
    try:
        prediction_exact = exact(prediction, options.max_bits)
    except UndefinedError:
        return False
    if gold_exact is not None and prediction_exact is not None:
        return equal_numbers(gold_exact, prediction_exact, printed(gold), printed(prediction), options)
    symbols = free_symbols(gold) | free_symbols(prediction)
    if not symbols:
        return _constants(gold, prediction, gold_exact, prediction_exact, options)
    return _at_points(gold, prediction, sorted(symbols), options)


def _exact_gold(gold: Node, options: MathOptions) -> Fraction | None:
    try:
        return exact(gold, options.max_bits)
    except ArithmeticError:
        return None


def equal_numbers(
    gold: Fraction,
    prediction: Fraction,
    gold_print: Printed | None,
    prediction_print: Printed | None,
    options: MathOptions,
) -> bool:
    """Equality of two real numbers under the rounding that their printed digits allow."""
    if gold == prediction:
        return True
    error = abs(gold - prediction)
    if options.relative_tolerance and error <= Fraction(options.relative_tolerance) * abs(gold):
        return True
    if gold_print and options.gold_rounding and _is_rounding(gold, error, gold_print, prediction_print):
        return True
    return bool(prediction_print) and _rounds_exact(gold, prediction, error, prediction_print, options)


def _is_rounding(gold: Fraction, error: Fraction, gold_print: Printed, prediction_print: Printed | None) -> bool:
    """The gold is the prediction rounded to the gold's last place. A whole number (``18.0``) counts as exact."""
    if gold.denominator == 1 or gold_print.digits < 2 or not gold_print.ulp:
        return False
    if prediction_print and prediction_print.ulp > gold_print.ulp:
        return False
    near = 200 if prediction_print else 60
    return error * 2 <= gold_print.ulp and error * near <= abs(gold)


def _rounds_exact(
    gold: Fraction, prediction: Fraction, error: Fraction, print_: Printed | None, options: MathOptions
) -> bool:
    """The prediction is the gold rounded or cut at the prediction's last place, and shows enough digits."""
    if print_ is None:
        return False
    if print_.digits >= _FLOAT_DIGITS and error <= abs(gold) * Fraction(1, 10**13):
        return True
    if gold.denominator == 1 or print_.digits < options.min_digits:
        return False
    if not print_.ulp:
        return error <= abs(gold) * Fraction(1, 10 ** (options.min_digits - 1)) / 2
    if print_.digits >= 8:
        return error <= print_.ulp
    cut = error < print_.ulp and abs(prediction) < abs(gold)
    return error * 2 <= print_.ulp or cut


def _constants(
    gold: Node, prediction: Node, gold_exact: Fraction | None, prediction_exact: Fraction | None, options: MathOptions
) -> bool | None:
    a, b = _float_of(gold, gold_exact), _float_of(prediction, prediction_exact)
    if b is None and _undefined(prediction):
        return False
    if a is not None and b is not None and not _near(a, b, 2e-2):
        return False
    field = many_digits()
    try:
        x = field.value(gold, {})
    except ARITHMETIC:
        return None
    try:
        y = field.value(prediction, {})
    except UndefinedError:
        return False
    except TooBigError:
        raise
    except ARITHMETIC:
        return None
    return _compare_many(x, y, gold, prediction, options)


def _compare_many(x: Any, y: Any, gold: Node, prediction: Node, options: MathOptions) -> bool | None:
    size = max(abs(x), abs(y))
    if size == 0:
        return True
    if abs(x - y) <= size * 1e-45:
        return True
    if min(abs(x), abs(y)) < 1e-50 and size < 1e-50 and (_cancels(gold) or _cancels(prediction)):
        return True
    if abs(complex(x).imag) > 1e-12 * abs(x) or abs(complex(y).imag) > 1e-12 * abs(y):
        rounding = [p for p in (printed(gold), printed(prediction)) if p]
        return (
            bool(rounding)
            and abs(x - y) <= size * 10.0 ** (1 - min(p.digits for p in rounding)) / 2
            and _many(rounding, options)
        )
    real = [as_fraction(z.real) for z in (x, y)]
    return equal_numbers(real[0], real[1], printed(gold), printed(prediction), options)


def _many(prints: list[Printed], options: MathOptions) -> bool:
    return all(p.digits >= options.min_digits for p in prints)


def _cancels(node: Node) -> bool:
    return any(isinstance(n, Add | Func) for n in walk(node))


def _float_of(node: Node, known: Fraction | None) -> complex | None:
    try:
        if known is not None:
            return complex(known.numerator / known.denominator)
        value = complex(FLOAT.value(node, {}))
    except ARITHMETIC:
        return None
    return value if value == value else None


def _undefined(node: Node) -> bool:
    try:
        FLOAT.value(node, {})
    except UndefinedError:
        return True
    except ARITHMETIC:
        return False
    return False


def _near(a: complex, b: complex, tolerance: float) -> bool:
    return abs(a - b) <= tolerance * max(abs(a), abs(b)) + 1e-12


def _at_points(gold: Node, prediction: Node, names: list[str], options: MathOptions) -> bool | None:
    """Compare at points that depend on nothing but the names: the same pair always gets the same verdict."""
    rng = random.Random("|".join(names))
    compared = 0
    imaginary = _imaginary(gold) or _imaginary(prediction)
    tolerance = _tolerance(gold, prediction, options)
    too_big: TooBigError | None = None
    for index in range(_POINTS * 3):
        if compared >= _POINTS or (index >= _POINTS * 2 and compared >= 3):
            break
        point = {name: _coordinate(name, rng, index) for name in names}
        try:
            a = complex(FLOAT.value(gold, point))
        except ARITHMETIC:
            continue
        try:
            b = complex(FLOAT.value(prediction, point))
        except TooBigError as error:
            too_big = error
            continue
        except ARITHMETIC:
            continue
        if a != a or b != b or min(abs(a), abs(b)) > 1e150:
            continue
        if not imaginary and index < _POINTS * 2 and (_complex(a) or _complex(b)):
            continue
        if not _near(a, b, tolerance) and not _cancelled(gold, prediction, a, b):
            return False
        compared += 1
    if compared < 3:
        if too_big is not None:
            raise too_big
        return None
    return _confirm(gold, prediction, names, rng) if _risky(gold) or _risky(prediction) else True


def _coordinate(name: str, rng: random.Random, index: int) -> float:
    if name.split("_")[0] in _INTEGER_NAMES:
        return float(rng.randint(2, 11))
    low, high = _RANGES[index % len(_RANGES)]
    return rng.uniform(low, high)


def _complex(value: complex) -> bool:
    return abs(value.imag) > 1e-9 * (abs(value) + 1e-9)


def _imaginary(node: Node) -> bool:
    return any(n == Sym("i") for n in walk(node))


def _cancelled(gold: Node, prediction: Node, a: complex, b: complex) -> bool:
    """Both values are noise of a cancellation around zero."""
    return max(abs(a), abs(b)) < 1e-9 and abs(a - b) < 1e-9 and (_cancels(gold) or _cancels(prediction))


def _tolerance(gold: Node, prediction: Node, options: MathOptions) -> float:
    """Floats are compared to nine digits; a long decimal inside an expression, only to its own digits."""
    digits = [n.digits for side in (gold, prediction) for n in walk(side) if isinstance(n, Num) and n.digits]
    long = [d for d in digits if d >= options.min_digits]
    return max(1e-9, 0.6 * 10.0 ** (1 - min(long))) if long else 1e-9


def _risky(node: Node) -> bool:
    """Whether `node` may hold something too small or too large for floats to see."""
    for n in walk(node):
        if isinstance(n, Num) and (abs(n.value) > 10**6 or (n.digits is None and n.value.denominator > 10**6)):
            return True
        if isinstance(n, Pow) and isinstance(n.exponent, Num | Neg):
            power = _small_exact(n.exponent)
            if power is None or abs(power) > 6:
                return True
        if isinstance(n, Func) and n.name in ("factorial", "binom"):
            return True
    return False


def _confirm(gold: Node, prediction: Node, names: list[str], rng: random.Random) -> bool | None:
    field: Field = many_digits()
    for _ in range(6):
        point = {
            name: field.number(Fraction(rng.randint(3, 9)))
            if name.split("_")[0] in _INTEGER_NAMES
            else field.number(Fraction(rng.randint(30, 190), 97))
            for name in names
        }
        try:
            a, b = field.value(gold, point), field.value(prediction, point)
        except ARITHMETIC:
            continue
        return bool(abs(a - b) <= max(abs(a), abs(b)) * 1e-40)
    return None
