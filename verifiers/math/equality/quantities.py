"""Values with units: converted to one another by what they measure."""

from __future__ import annotations

from fractions import Fraction

from veritune.verifiers.math.equality.leaves import Leaves, Tri
from veritune.verifiers.math.syntax.nodes import Mul, Node, Num
from veritune.verifiers.math.values.measures import Measure, in_kelvin, in_radians, is_angle, measure
from veritune.verifiers.math.values.units import convert, refuses, temperature


class Quantities(Leaves):
    """The comparison of values that carry units."""

    def same(self, gold: Node, prediction: Node) -> Tri:
        """Whether two trees say the same; the comparison proper defines it."""
        raise NotImplementedError

    def units(self, gold: Node, prediction: Node) -> Tri:
        a, b = measure(gold), measure(prediction)
        if b.unit and refuses(b.unit):
            return self.no("the words behind the value take it back")
        if not self.options.units and bool(a.unit) != bool(b.unit):
            return self.no("a unit stands on one side only")
        if is_angle(a) and is_angle(b) and "rad" in (a.unit, b.unit):
            return self._angles(a, b)
        if not (a.unit and b.unit):
            return self.same(a.value, b.value)
        warm = temperature(a.unit), temperature(b.unit)
        if warm[0] and warm[1]:
            return self.same(in_kelvin(a.value, *warm[0]), in_kelvin(b.value, *warm[1]))
        factor = None if warm[0] or warm[1] else convert(a.unit, b.unit, self.options.unit_table)
        if factor is None:
            return self.no(f"the unit is {b.unit!r}, not {a.unit!r}")
        if factor == 1:
            return self.same(a.value, b.value)
        return self.same(a.value, Mul((Num(factor), b.value)))

    def letter_units(self, gold: Node, prediction: Node) -> Tri:
        """``1 m/s`` against ``1 km/h``: letters on both sides that name different units of one kind."""
        a, b = measure(gold), measure(prediction)
        if not (a.unit and b.unit) or a.unit == b.unit:
            return None
        factor = convert(a.unit, b.unit, self.options.unit_table)
        return None if factor in (None, 1) else self.same(a.value, Mul((Num(factor or Fraction(1)), b.value)))

    def _angles(self, a: Measure, b: Measure) -> Tri:
        """Radians that say so against degrees: one is converted."""
        x, y = in_radians(a), in_radians(b)
        return self.same(x, y)
