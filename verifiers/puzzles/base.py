"""What every kind of puzzle is to the verifier: rows in, answers read, a verdict against the puzzle itself."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from veritune.plugins.types import Verdict


class InvalidPuzzle(ValueError):
    """The row is no puzzle of its kind, or contradicts itself."""


@dataclass(frozen=True)
class NoSolution:
    """An answer that says that there is none."""

    def __str__(self) -> str:
        return "no solution"


@dataclass(frozen=True)
class Unclear:
    """An answer that cannot be taken as one: it contradicts itself, or something is missing."""

    why: str
    open: bool = False
    """Whether it cannot be told, rather than that it is no answer: undecided."""


Answer = Hashable
NONE = NoSolution()


class Puzzle(Protocol):
    """One row's puzzle."""

    what: str
    """What an answer is, for "there is no …": ``completed grid``."""

    def readings(self, text: str) -> Sequence[Answer]:
        """The different answers that a text gives; none where it gives none."""

    def judge(self, answer: Any) -> Verdict:
        """The verdict on one answer; :data:`NONE` and :class:`Unclear` never come here."""

    def solvable(self) -> bool | None:
        """Whether there is a solution; None where that is not known within the bounds."""

    def declared_unsolvable(self) -> bool:
        """Whether the row itself says that there is none."""


def declares_none(row: Mapping[str, Any]) -> bool:
    """A row with ``solvable: false`` (or ``satisfiable``, ``has_solution``)."""
    return any(
        row.get(name) is False for name in ("solvable", "satisfiable", "has_solution", "colorable", "colourable")
    )


def first(row: Mapping[str, Any], *names: str) -> Any:
    """The first of these columns that holds something."""
    for name in names:
        value: Any = row.get(name)
        if hasattr(value, "tolist"):
            value = value.tolist()
        if value is not None and not (isinstance(value, str | list | tuple | dict) and len(value) == 0):
            return value
    return None
