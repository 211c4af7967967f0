"""The right number in another unit; only asked where the gold has a unit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from veritune.rewards.attack.target import Attack, Target

OTHERS = {
    "mm": "m", "cm": "km", "m": "km", "km": "m", "kg": "mg", "g": "kg", "mg": "g", "s": "h", "h": "s", "min": "h",
    "apples": "pears", "dollars": "cents", "cents": "dollars", "degrees": "radians", "liters": "milliliters",
}  # fmt: skip


def units(target: Target) -> Iterator[Attack]:
    """Another unit, a power of the unit, a multiple of it."""
    found = re.fullmatch(r"(-?\d+(?:\.\d+)?)\s*([A-Za-z]+)", target.gold.strip())
    if found is None:
        return
    number, unit = found.groups()
    other = OTHERS.get(unit, "parsecs")
    yield from target.written("another unit", f"{number} {other}")
    yield from target.written("squared unit", f"{number} {unit}^2")
    yield from target.written("unit per unit", f"{number} {unit}/{other}")
    yield from target.written("a unit and no number", unit)
