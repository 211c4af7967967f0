"""A value with its unit, however the unit is written: as words, as letters with powers and quotients, as a sign."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from veritune.verifiers.math.syntax.nodes import (
    Add,
    Degree,
    Div,
    Group,
    Mul,
    Neg,
    Node,
    Num,
    Percent,
    Pow,
    Sym,
    Unit,
    Words,
)
from veritune.verifiers.math.values.numeric import free_symbols
from veritune.verifiers.math.values.units import dimension, is_degrees, is_percent, scaled, temperature

_LETTERS = frozenset("mgshLlNJWVACKFTHt")
_ONE = Num(Fraction(1))


@dataclass(frozen=True, slots=True)
class Measure:
    """``unit`` is empty of a bare value. ``sure``: the unit is written so that it can be nothing else."""

    value: Node
    unit: str = ""
    sure: bool = True


def measure(node: Node) -> Measure:
    """`node` as a value and a unit."""
    return _read(node) or Measure(node)


def is_measured(node: Node) -> bool:
    """Whether a unit stands at the top of `node`."""
    return isinstance(node, Unit) or bool(measure(node).unit)


def _read(node: Node) -> Measure | None:
    match node:
        case Unit(of, unit):
            return _worded(of, unit)
        case Neg(of):
            inner = _read(of)
            return None if inner is None else Measure(Neg(inner.value), inner.unit, inner.sure)
        case Mul(factors):
            return _product(factors)
        case Div(over, under):
            above = _read(over) or (Measure(over) if not free_symbols(over) else None)
            below = _spelled(under)
            if above is None or below is None:
                return None
            return Measure(above.value, f"{above.unit or '1'} /({below})".removeprefix("1 "), above.sure)
    return None


def _worded(of: Node, unit: str) -> Measure:
    if is_percent(unit):
        return Measure(Percent(of))
    if is_degrees(unit):
        return Measure(Degree(of))
    if isinstance(of, Degree) and temperature("degrees " + unit) is not None:
        return Measure(of.of, "degrees " + unit)
    if unit.lower().strip(" .") in ("rad", "rads", "radian", "radians", "弧度"):
        return Measure(of, "rad")
    factor, rest = scaled(unit)
    value = of if factor == 1 else Mul((Num(Fraction(factor)), of))
    inner = _read(of)
    if inner is not None and inner.unit:
        return Measure(inner.value, f"{inner.unit} {rest}".strip())
    return Measure(value, rest)


def _product(factors: tuple[Node, ...]) -> Measure | None:
    """``12 · m · s^-1``: numbers first, then nothing but units."""
    for at in range(1, len(factors)):
        spelled = _spelled(Mul(factors[at:])) if at < len(factors) - 1 else _spelled(factors[at])
        head = Mul(factors[:at]) if at > 1 else factors[0]
        if spelled is not None and not free_symbols(head) and not isinstance(head, Group | Words):
            inner = _read(head)
            if inner is not None and inner.unit:
                return Measure(inner.value, f"{inner.unit} {spelled}", inner.sure)
            return Measure(head, spelled, False)
    return None


def _spelled(node: Node) -> str | None:
    """A product of units as text; None if anything in it is none."""
    match node:
        case Sym("Omega"):
            return "Ω"
        case Sym(name) if name in _LETTERS:
            return name
        case Words(text) if dimension(text) is not None:
            return text
        case Unit(of, unit):
            inner = _spelled(of)
            return None if inner is None or dimension(unit) is None else f"{inner} {unit}"
        case Pow(base, exponent):
            inner, power = _spelled(base), _whole(exponent)
            return None if inner is None or power is None else f"{inner}^{power}"
        case Mul(factors):
            return _run(factors)
        case Div(over, under):
            a, b = _spelled(over), _spelled(under)
            return None if a is None or b is None else f"{a} /({b})"
    return None


def _run(factors: tuple[Node, ...]) -> str | None:
    out: list[str] = []
    prefix = ""
    for factor in factors:
        if factor == Sym("mu") and not prefix:
            prefix = "µ"
            continue
        spelled = _spelled(factor)
        if spelled is None:
            return None
        out.append(prefix + spelled)
        prefix = ""
    return None if prefix or not out else " ".join(out)


def _whole(node: Node) -> int | None:
    if isinstance(node, Neg):
        inner = _whole(node.of)
        return None if inner is None else -inner
    return int(node.value) if isinstance(node, Num) and node.value.denominator == 1 and abs(node.value) < 100 else None


def is_angle(found: Measure) -> bool:
    """Whether a measure says that it is an angle, in degrees or in radians."""
    return found.unit == "rad" or (not found.unit and isinstance(found.value, Degree))


def in_radians(found: Measure) -> Node:
    """The number of radians of an angle."""
    if isinstance(found.value, Degree):
        return Mul((found.value.of, Sym("pi"), Num(Fraction(1, 180))))
    return found.value


def in_kelvin(value: Node, factor: Fraction, offset: Fraction) -> Node:
    """A temperature of any unit in kelvin."""
    return value if factor == 1 and not offset else Add((Mul((Num(factor), value)), Num(offset)))
