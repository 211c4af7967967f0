"""Notations of their own: permutations as cycles, continued fractions."""

from __future__ import annotations

import re
from fractions import Fraction

_CYCLES = re.compile(r"(?:\(\s*\d+(?:\s+\d+)*\s*\)\s*)+")
_CYCLE = re.compile(r"\(([^()]*)\)")
_CONTINUED = re.compile(r"\[\s*(-?\d{1,9})\s*;\s*(\d{1,9}(?:\s*,\s*\d{1,9}){0,40})\s*\]")


def cycles(text: str) -> dict[int, int] | None:
    """``(1 2 3)(4 5)`` as where it sends each number, rightmost cycle first; None of anything else."""
    if len(text) > 200 or not text.startswith("("):
        return None
    flat = re.sub(r"\\[ ,;:!]|~|\\quad", " ", text).replace("\\left", "").replace("\\right", "")
    if "," in flat and " " not in flat.replace(", ", ","):
        return None
    if not _CYCLES.fullmatch(flat):
        return None
    found = [[int(n) for n in inner.split()] for inner in _CYCLE.findall(flat)]
    if all(len(cycle) < 2 for cycle in found) or any(len(set(cycle)) != len(cycle) for cycle in found):
        return None
    moved = {n for cycle in found for n in cycle}
    sent = {n: n for n in moved}
    for n in moved:
        at = n
        for cycle in reversed(found):
            if at in cycle:
                at = cycle[(cycle.index(at) + 1) % len(cycle)]
        sent[n] = at
    return {n: to for n, to in sent.items() if n != to}


def continued_fraction(text: str) -> Fraction | None:
    """The value of ``[2; 3, 4]``; None of anything else."""
    found = _CONTINUED.fullmatch(text.strip())
    if found is None:
        return None
    parts = [int(found[1]), *(int(part) for part in found[2].split(","))]
    if any(part == 0 for part in parts[1:]):
        return None
    value = Fraction(parts[-1])
    for part in reversed(parts[:-1]):
        value = part + 1 / value
    return value
