"""Are two expressions with variables equal? At points, and then a second look where points alone see too little.

The same pair always gets the same verdict: the points depend on nothing but the names and the constants.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from veritune.verifiers.math.syntax.nodes import Add, Func, Neg, Node, Num, Operator, Pow, Sym, walk
from veritune.verifiers.math.values.exact import PrecisionError, TooBigError, exact
from veritune.verifiers.math.values.numeric import FLOAT, free_symbols, many_digits
from veritune.verifiers.math.values.operators import is_approximate
from veritune.verifiers.math.values.pieces import all_pieces_agree

ARITHMETIC = (ArithmeticError, ValueError, TypeError, RecursionError)
_INTEGER_NAMES = frozenset("nkmlj")
_POINTS = 8
_RANGES = ((0.35, 2.6), (0.05, 0.95), (2.1, 9.7), (-4.0, -0.3), (1.1, 4.9))
_EDGES = 160
_TOGETHER = 48
_SMALL = (
    *(Fraction(n, 6) for n in (-75, -29, -15, -7, -2, 0, 2, 7, 9, 11, 15, 29, 55, 161)),
    *(Fraction(n, 4) for n in (11, 30, 82)),  # just past e, e^2 and e^3: the steps of a logarithm
)
_STEPPED = frozenset(["floor", "ceil", "abs", "sgn", "rem", "cases", "min", "max"])
_WHOLE = frozenset(["gcd", "lcm", "rem", "factorial2", "perm", "sum", "prod"])
_EXACT_BITS = 20_000
_SWAMPS = 1e7
"""Values from which on floats may agree where a whole number between them is lost."""


def at_points(gold: Node, prediction: Node, names: list[str], tolerance: float) -> bool | None:
    """Whether two expressions agree wherever they are tried; None if they could not be tried often enough.

    Floats at a few points say no. Their yes is looked at again: at the edges of steps and pieces, and in exact
    rational arithmetic or many digits where one term may swamp another.
    """
    whole = _needs_whole(gold) or _needs_whole(prediction)
    rng = random.Random("|".join(names))
    compared = noise = 0
    imaginary = _imaginary(gold) or _imaginary(prediction)
    too_big: TooBigError | None = None
    for index in range(_POINTS * 3):
        if compared >= _POINTS or (index >= _POINTS * 2 and compared >= 3):
            break
        point = {name: _coordinate(name, rng, index, whole) for name in names}
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
        if not near(a, b, tolerance):
            if not _cancelled(gold, prediction, a, b):
                return False
            noise += 1
        compared += 1
    if compared < 3:
        if too_big is not None:
            raise too_big
        return None
    return _second_look(gold, prediction, names, whole, tolerance, noise > 0)


def _second_look(
    gold: Node, prediction: Node, names: list[str], whole: bool, tolerance: float, noise: bool
) -> bool | None:
    if is_approximate(gold) or is_approximate(prediction):
        return True
    stepped = _stepped(gold) or _stepped(prediction)
    pieces: bool | None = True
    if stepped:
        if not (
            _same_at_edges(gold, prediction, names, whole, tolerance)
            and _same_together(gold, prediction, names, whole, tolerance)
        ):
            return False
        pieces = all_pieces_agree(
            gold,
            prediction,
            names,
            lambda name: whole or _is_whole(name),
            lambda point: _agree_exactly(gold, prediction, point, tolerance),
        )
        if pieces is False:
            return False
    if tolerance > 1e-9:
        return pieces
    found = _confirm(gold, prediction, names, whole, stepped)
    if found is False:
        return False
    hidden = stepped or noise or _risky(gold) or _risky(prediction)
    return pieces if found or not hidden else None


def _is_whole(name: str) -> bool:
    """Whether a variable of that name is a positive whole number."""
    return name.split("_")[0] in _INTEGER_NAMES


def _coordinate(name: str, rng: random.Random, index: int, whole: bool) -> float:
    if whole:
        return float(rng.randint(1, 6) * rng.choice((1, 2, 3)))
    if _is_whole(name):
        return float(rng.randint(2, 11))
    low, high = _RANGES[index % len(_RANGES)]
    return rng.uniform(low, high)


def _complex(value: complex) -> bool:
    return abs(value.imag) > 1e-9 * (abs(value) + 1e-9)


def _imaginary(node: Node) -> bool:
    return any(n == Sym("i") for n in walk(node))


def _cancelled(gold: Node, prediction: Node, a: complex, b: complex) -> bool:
    """Both values are noise of a cancellation around zero."""
    return max(abs(a), abs(b)) < 1e-9 and abs(a - b) < 1e-9 and (cancels(gold) or cancels(prediction))


def cancels(node: Node) -> bool:
    """Whether a sum or a function in `node` may leave noise where the value is zero."""
    return any(isinstance(n, Add | Func) for n in walk(node))


def near(a: complex, b: complex, tolerance: float) -> bool:
    """Whether two floats agree, relative to the larger."""
    return abs(a - b) <= tolerance * max(abs(a), abs(b))


def small_exact(node: Node) -> Fraction | None:
    """The rational value of an exponent, if it has one of moderate size."""
    try:
        return exact(node, 4000)
    except ArithmeticError:
        return None


def is_constant(node: Node, names: list[str]) -> bool:
    """Whether the value of `node` is the same at every point where it is tried."""
    rng = random.Random("constant|" + "|".join(names))
    values: list[complex] = []
    sizes: list[float] = []
    for index in range(_POINTS * 3):
        point = {name: _coordinate(name, rng, index, False) for name in names}
        try:
            value = complex(FLOAT.value(node, point))
        except ARITHMETIC:
            continue
        if value == value and not _complex(value):
            values.append(value)
            sizes.append(max(1.0, *(abs(x) for x in point.values())))
    return len(values) >= 6 and all(
        abs(v - values[0]) <= 1e-8 * max(1.0, abs(values[0]), s**3) for v, s in zip(values, sizes, strict=True)
    )


# The second look


def _all_nodes(node: Node) -> Iterator[Node]:
    for n in walk(node):
        yield n
        if isinstance(n, Operator):
            for part in n.parts:
                yield from _all_nodes(part)


def _stepped(node: Node) -> bool:
    return any(isinstance(n, Func | Operator) and n.name in _STEPPED for n in _all_nodes(node))


def _needs_whole(node: Node) -> bool:
    return any(isinstance(n, Func | Operator) and n.name in _WHOLE for n in _all_nodes(node))


def _edges(gold: Node, prediction: Node, whole: bool) -> list[Fraction]:
    """Where steps and pieces may begin: around every constant, its double and its negative, and small numbers."""
    constants = {
        abs(n.value) for side in (gold, prediction) for n in _all_nodes(side) if isinstance(n, Num) and n.value
    }
    found = [Fraction(n) for n in range(0, 41)]
    for constant in sorted(constants)[:12]:
        for scale in (1, 2, 10):
            at = constant * scale
            found += [at - 1, at, at + 1]
            if not whole:
                found += [at - Fraction(1, 3), at + Fraction(1, 3), -at - Fraction(1, 3), -at, Fraction(1, 3) - at]
    if not whole:
        found += [Fraction(sign * n, 7) for n in (1, 5, 9, 16, 24, 333, 7001) for sign in (1, -1)]
    return list(dict.fromkeys(found))[:_EDGES]


def _same_at_edges(gold: Node, prediction: Node, names: list[str], whole: bool, tolerance: float) -> bool:
    rng = random.Random("edges|" + "|".join(names))
    edges = _edges(gold, prediction, whole)
    for name in names:
        only_whole = whole or _is_whole(name)
        for edge in edges:
            if only_whole and (edge.denominator != 1 or edge < 1):
                continue
            point = {other: Fraction(rng.randint(1, 12)) if whole else rng.choice(edges) for other in names}
            point[name] = edge
            if _agree_exactly(gold, prediction, point, tolerance) is False:
                return False
    return True


def _same_together(gold: Node, prediction: Node, names: list[str], whole: bool, tolerance: float) -> bool:
    """Agreement where every variable is small at once: which piece holds may hang on all of them."""
    rng = random.Random("together|" + "|".join(names))
    for _ in range(_TOGETHER):
        point = {
            name: Fraction(rng.randint(1, 4)) if whole or _is_whole(name) else Fraction(rng.choice(_SMALL))
            for name in names
        }
        if _agree_exactly(gold, prediction, point, tolerance) is False:
            return False
    return True


def _agree_exactly(gold: Node, prediction: Node, point: Mapping[str, Fraction], tolerance: float) -> bool | None:
    """Whether two values agree at a rational point: exactly where both are rational, otherwise as floats do.

    None where one of them has no real value there.
    """
    pair = _exact_pair(gold, prediction, point)
    if pair is not None:
        return pair[0] == pair[1]
    floats = {name: complex(float(value)) for name, value in point.items()}
    try:
        a, b = complex(FLOAT.value(gold, floats)), complex(FLOAT.value(prediction, floats))
    except ARITHMETIC:
        return _many(gold, prediction, point)
    if a != a or b != b or _complex(a) or _complex(b):
        return None
    size = max(abs(a), abs(b))
    if tolerance <= 1e-9 and near(a, b, 1e-9) and (size > _SWAMPS or abs(a - b) > 1e-12 * size):
        return _many(gold, prediction, point)  # a term so large that floats do not see the others
    return near(a, b, max(tolerance, 1e-9)) or (abs(a - b) < 1e-9 and _many(gold, prediction, point) is not False)


def _exact_pair(gold: Node, prediction: Node, point: Mapping[str, Fraction]) -> tuple[Fraction, Fraction] | None:
    try:
        a = exact(gold, _EXACT_BITS, point)
        b = None if a is None else exact(prediction, _EXACT_BITS, point)
    except ARITHMETIC:
        return None
    return None if a is None or b is None else (a, b)


def _risky(node: Node) -> bool:
    """Whether `node` may hold something too small or too large for floats to see."""
    for n in _all_nodes(node):
        if isinstance(n, Num):
            size = abs(n.value)
            if size > 10**6 or 0 < size < Fraction(1, 10**5) or (n.digits is None and n.value.denominator > 10**6):
                return True
        if isinstance(n, Pow):
            if not isinstance(n.exponent, Num | Neg):
                if free_symbols(n.exponent):
                    return True
                continue
            power = small_exact(n.exponent)
            if power is None or abs(power) > 6 or (isinstance(n.base, Num) and abs(n.base.value) > 10):
                return True
        if isinstance(n, Func) and n.name in ("factorial", "binom", "exp", "sinh", "cosh"):
            return True
    return False


def _confirm(gold: Node, prediction: Node, names: list[str], whole: bool, stepped: bool) -> bool | None:
    """Agreement in exact arithmetic where it goes, otherwise in many digits: as many as the values are long."""
    rng = random.Random("confirm|" + "|".join(names))
    seen, wanted = 0, 12 if stepped else 3
    for _ in range(2 * wanted + 2):
        point = {
            name: Fraction(rng.randint(1, 9))
            if whole or _is_whole(name)
            else Fraction(rng.randint(-400 if stepped else 30, 700 if stepped else 190), 97)
            for name in names
        }
        pair = _exact_pair(gold, prediction, point)
        if pair is None and not whole:
            pair = _exact_pair(gold, prediction, {name: Fraction(max(1, round(v * 2))) for name, v in point.items()})
        if pair is not None:
            if pair[0] != pair[1]:
                return False
        else:
            found = _many(gold, prediction, point)
            if found is False:
                return False
            if found is None:
                continue
        seen += 1
        if seen == wanted:
            return True
    return True if seen else None


def _many(gold: Node, prediction: Node, point: Mapping[str, Fraction]) -> bool | None:
    agreed: bool | None = None
    for digits in (60, 400):
        field = many_digits(digits)
        numbers: dict[str, Any] = {name: field.number(value) for name, value in point.items()}
        try:
            a, b = field.value(gold, numbers), field.value(prediction, numbers)
        except PrecisionError:
            continue  # one of them is there, and asks for more digits
        except ARITHMETIC:
            return None
        size = max(abs(a), abs(b))
        if abs(a - b) > size * field.number(Fraction(1, 10 ** (digits - 20))):
            return False
        if size < 1e15:
            return True
        agreed = True
    return agreed
