"""Results: rows that are the same, and whether rows may be the result of a gold with its ties."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

Row: TypeAlias = tuple[Any, ...]

_DIGITS = 10
"""Significant digits in which floats are the same: sums in another order differ in the last of sixteen."""
_MOST_ORDERS = 5040


@dataclass(frozen=True)
class Segment:
    """Rows of the gold that tie: ``take`` of them, in any order."""

    rows: Sequence[Row]
    take: int


@dataclass(frozen=True)
class Expected:
    """What a gold's result may be: one segment behind another."""

    segments: Sequence[Segment]
    columns: int
    ordered: bool
    reads: bool = True
    """The gold reads a table, so that a query has to."""

    @property
    def size(self) -> int:
        return sum(segment.take for segment in self.segments)

    @property
    def empty(self) -> bool:
        return self.size == 0

    def difference(self, rows: Sequence[Row], columns: int, *, distinct: bool = False) -> str:
        """Why rows are not this result; empty where they are. ``distinct``: however often a row stands there."""
        if columns != self.columns:
            return f"it has {columns} columns, not {self.columns}"
        if distinct and not self.ordered:
            wanted = {key(row) for segment in self.segments for row in segment.rows}
            same = {key(row) for row in rows} == wanted or _near(list(map(key, set(rows))), list(wanted))
            return "" if same else "its rows are others"
        if len(rows) != self.size:
            return f"it has {len(rows)} rows, not {self.size}"
        at = 0
        for segment in self.segments:
            part = rows[at : at + segment.take]
            at += segment.take
            if not _among(part, segment):
                everything = Segment([row for one in self.segments for row in one.rows], len(rows))
                return "its rows stand in another order" if self.ordered and _among(rows, everything) else _first(
                    part, segment
                )  # fmt: skip
        return ""


def key(row: Row) -> Row:
    """A row in a form whose equality is that of results: 1 is 1.0, floats by ten digits, text and numbers apart."""
    return tuple(map(_key, row))


def _key(value: Any) -> Any:
    if value is None:
        return (0,)
    if isinstance(value, int):
        return (1, _rounded(float(value))) if abs(value) < 2**53 else (1, value)
    if isinstance(value, float):
        return (1, _rounded(value))
    return (2, value) if isinstance(value, str) else (3, bytes(value))


def _rounded(value: float) -> float:
    if value == 0 or not math.isfinite(value):
        return value + 0.0
    return float(f"{value:.{_DIGITS - 1}e}")


def _among(rows: Sequence[Row], segment: Segment) -> bool:
    """Whether rows are ``take`` of a segment's, each as often at most."""
    given, wanted = Counter(map(key, rows)), Counter(map(key, segment.rows))
    if len(rows) == segment.take and all(count <= wanted[one] for one, count in given.items()):
        return True
    return len(rows) == len(segment.rows) and _near(list(map(key, rows)), list(map(key, segment.rows)))


def _near(one: list[Row], other: list[Row]) -> bool:
    """Whether rows are the same where a float lies at the edge of its rounding."""
    if len(one) != len(other) or not any(_has_float(row) for row in one):
        return False
    return all(_close(a, b) for a, b in zip(sorted(one), sorted(other), strict=True))


def _has_float(row: Row) -> bool:
    return any(value[0] == 1 and isinstance(value[1], float) and not value[1].is_integer() for value in row)


def _close(one: Row, other: Row) -> bool:
    return len(one) == len(other) and all(
        a == b or (a[0] == b[0] == 1 and math.isclose(a[1], b[1], rel_tol=1e-9, abs_tol=1e-12))
        for a, b in zip(one, other, strict=True)
    )


def _first(rows: Sequence[Row], segment: Segment) -> str:
    wanted = Counter(map(key, segment.rows))
    for row in rows:
        if not wanted[key(row)]:
            return f"a row is not of the result: {row!r:.80}"
        wanted[key(row)] -= 1
    return "its rows are others"


def orders(expected: Expected, rows: Sequence[Row]) -> Sequence[Sequence[int]]:
    """The ways to put the columns of ``rows`` in the gold's order, by what stands in them; at most 5040."""
    if not rows or expected.columns > 12:
        return [range(expected.columns)]
    wanted = [row for segment in expected.segments for row in segment.rows]
    have = [Counter(_key(row[at]) for row in rows) for at in range(expected.columns)]
    full = len(wanted) == len(rows)
    want = [Counter(_key(row[at]) for row in wanted) for at in range(expected.columns)]
    fits = [[i for i in range(expected.columns) if (have[i] == want[at] if full else have[i] <= want[at])]
            for at in range(expected.columns)]  # fmt: skip
    return list(islice(_assignments(fits, ()), _MOST_ORDERS))


def _assignments(fits: Sequence[Sequence[int]], chosen: tuple[int, ...]) -> Any:
    if len(chosen) == len(fits):
        yield chosen
        return
    for column in fits[len(chosen)]:
        if column not in chosen:
            yield from _assignments(fits, (*chosen, column))
