"""Are two values equal? Exactly, or rounded as far as a decimal says, or at points where they vary."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from veritune.verifiers.math.options import MathOptions
from veritune.verifiers.math.syntax.nodes import (
    Add,
    Degree,
    Div,
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
from veritune.verifiers.math.values.numeric import FLOAT, as_fraction, free_symbols, many_digits
from veritune.verifiers.math.values.operators import is_approximate
from veritune.verifiers.math.values.sampling import ARITHMETIC as ARITHMETIC
from veritune.verifiers.math.values.sampling import at_points, cancels, near, small_exact

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
            inner, scale = printed(head), small_exact(power)
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
    return at_points(gold, prediction, sorted(symbols), _tolerance(gold, prediction, options))


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
    return bool(prediction_print) and _rounds_exact(gold, prediction, error, gold_print, prediction_print, options)


def _is_rounding(gold: Fraction, error: Fraction, gold_print: Printed, prediction_print: Printed | None) -> bool:
    """The gold is the prediction rounded to the gold's last place. A whole number (``18.0``) counts as exact."""
    if gold.denominator == 1 or gold_print.digits < 2 or not gold_print.ulp:
        return False
    if prediction_print and prediction_print.ulp > gold_print.ulp:
        return False
    near = 200 if prediction_print else 60
    return error * 2 <= gold_print.ulp and error * near <= abs(gold)


def _rounds_exact(
    gold: Fraction,
    prediction: Fraction,
    error: Fraction,
    gold_print: Printed | None,
    print_: Printed | None,
    options: MathOptions,
) -> bool:
    """The prediction is the gold rounded or cut at the prediction's last place, and shows enough digits.

    A gold that ends by that place itself is no longer than what is printed: there is nothing to round.
    """
    if print_ is None:
        return False
    if print_.digits >= _FLOAT_DIGITS and error <= abs(gold) * Fraction(1, 10**13):
        return True
    if gold.denominator == 1 or print_.digits < options.min_digits:
        return False
    if not print_.ulp:
        return error <= abs(gold) * Fraction(1, 10 ** (options.min_digits - 1)) / 2
    if gold_print is not None and gold_print.ulp >= print_.ulp:
        return False
    if (gold / print_.ulp).denominator == 1:
        return False
    cut = error < print_.ulp and abs(prediction) < abs(gold)
    return error * 2 <= print_.ulp or cut


def _constants(
    gold: Node, prediction: Node, gold_exact: Fraction | None, prediction_exact: Fraction | None, options: MathOptions
) -> bool | None:
    a, b = _float_of(gold, gold_exact), _float_of(prediction, prediction_exact)
    if b is None and _undefined(prediction):
        return False
    if a is not None and b is not None and not (near(a, b, 2e-2) or abs(a - b) < 1e-12):
        return False
    if is_approximate(gold) or is_approximate(prediction):
        return _settled(a, b, gold, prediction, options)
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


def _settled(a: complex | None, b: complex | None, gold: Node, prediction: Node, options: MathOptions) -> bool | None:
    """Two values of which one takes a limit, so that floats are all there is."""
    if a is None or b is None:
        return None
    if near(a, b, 1e-9) or abs(a - b) < 1e-12:
        return True
    if abs(a.imag) + abs(b.imag) > 1e-9:
        return False
    return equal_numbers(Fraction(a.real), Fraction(b.real), printed(gold), printed(prediction), options)


def _compare_many(x: Any, y: Any, gold: Node, prediction: Node, options: MathOptions) -> bool | None:
    size = max(abs(x), abs(y))
    if size == 0:
        return True
    if abs(x - y) <= size * 1e-45:
        return True
    if size < 1e-50 and (cancels(gold) or cancels(prediction)):
        return _both_vanish(gold, prediction)
    if abs(complex(x).imag) > 1e-12 * abs(x) or abs(complex(y).imag) > 1e-12 * abs(y):
        rounding = [p for p in (printed(gold), printed(prediction)) if p]
        return (
            bool(rounding)
            and abs(x - y) <= size * 10.0 ** (1 - min(p.digits for p in rounding)) / 2
            and _many(rounding, options)
        )
    real = [as_fraction(z.real) for z in (x, y)]
    return equal_numbers(real[0], real[1], printed(gold), printed(prediction), options)


def _both_vanish(gold: Node, prediction: Node) -> bool | None:
    """Two values that 60 digits cannot tell from zero: noise of a cancellation shrinks with more digits."""
    field = many_digits(400)
    try:
        x, y = field.value(gold, {}), field.value(prediction, {})
    except ARITHMETIC:
        return None
    size = max(abs(x), abs(y))
    tiny = field.number(Fraction(1, 10**350))
    return bool(size < tiny or abs(x - y) <= size * field.number(Fraction(1, 10**300)))


def _many(prints: list[Printed], options: MathOptions) -> bool:
    return all(p.digits >= options.min_digits for p in prints)


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


def _tolerance(gold: Node, prediction: Node, options: MathOptions) -> float:
    """Floats are compared to nine digits; a long decimal inside an expression, only to its own digits."""
    digits = [n.digits for side in (gold, prediction) for n in walk(side) if isinstance(n, Num) and n.digits]
    long = [d for d in digits if d >= options.min_digits]
    return max(1e-9, 0.6 * 10.0 ** (1 - min(long))) if long else 1e-9
