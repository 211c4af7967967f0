"""Two scores of every completion: which differ, in which component, and what that does to the groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from veritune.lab.replay.effect import Effect
from veritune.lab.replay.logged import REWARD, Logged, same
from veritune.plugins import Score


@dataclass(frozen=True)
class Change:
    """One completion's score by one component, or by their combination, that is another one."""

    alias: str
    before: Score
    after: Score

    def as_dict(self) -> dict[str, Any]:
        def one(score: Score) -> dict[str, Any]:
            cause = None if score.cause is None else str(score.cause)
            return {"value": score.value, "cause": cause, "reason": score.reason}

        return {"before": one(self.before), "after": one(self.after)}


@dataclass
class Column:
    """One component over all completions."""

    compared: int = 0
    changed: int = 0
    before: list[float] = field(default_factory=lambda: [0.0, 0.0])
    """Decided ones, and their sum."""
    after: list[float] = field(default_factory=lambda: [0.0, 0.0])
    moves: Counter[str] = field(default_factory=Counter)
    """How often a value, or cause, became another one."""

    def add(self, before: Score, after: Score, equal: bool) -> None:
        self.compared += 1
        for sums, score in ((self.before, before), (self.after, after)):
            if score.value is not None:
                sums[0] += 1
                sums[1] += score.value
        if not equal:
            self.changed += 1
            if len(self.moves) < 1000 or move(before, after) in self.moves:
                self.moves[move(before, after)] += 1

    def as_dict(self) -> dict[str, Any]:
        means = {
            name: sums[1] / sums[0] if sums[0] else None
            for name, sums in (("before", self.before), ("after", self.after))
        }
        return {
            "compared": self.compared,
            "changed": self.changed,
            "mean": means,
            "moves": dict(self.moves.most_common(20)),
        }


def move(before: Score, after: Score) -> str:
    """``1 → 0``, ``0 → timeout``."""
    return f"{shown(before)} → {shown(after)}"


def shown(score: Score) -> str:
    """A value, or the cause why there is none."""
    return f"{score.value:g}" if score.value is not None else str(score.cause)


class Comparison:
    """Counts; keeps no completions."""

    def __init__(self, aliases: Sequence[str]) -> None:
        self.aliases = [*aliases, REWARD]
        self.columns = {alias: Column() for alias in self.aliases}
        self.effect = Effect()
        self.completions = 0
        self.changed = 0
        self.skipped = 0
        self.faults: list[str] = []
        self._group: str | None = None
        self._values: tuple[list[float | None], list[float | None]] = ([], [])

    def add(
        self, logged: Logged, before: Mapping[str, Score], after: Mapping[str, Score], single: bool
    ) -> list[Change]:
        """A completion under both; a component that only one of them has is not compared. What changed."""
        self.completions += 1
        changes = []
        for alias in self.aliases:
            old, new = before.get(alias), after.get(alias)
            if old is None or new is None:
                continue
            equal = same(old, new, single)
            self.columns[alias].add(old, new, equal)
            if not equal:
                changes.append(Change(alias, old, new))
        self.changed += bool(changes)
        if REWARD in before and REWARD in after:
            if logged.group is None or logged.group != self._group:
                self.close()
            self._group = logged.group
            rounded = changes and any(change.alias == REWARD for change in changes)
            self._values[0].append(before[REWARD].value)
            self._values[1].append(after[REWARD].value if rounded else before[REWARD].value)
        return changes

    def skip(self, fault: str) -> None:
        """A completion that could not be scored again."""
        self.skipped += 1
        if len(self.faults) < 20:
            self.faults.append(fault)

    def close(self) -> None:
        """The group is whole."""
        self.effect.add(*self._values)
        self._values = ([], [])

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        found: dict[str, Any] = {"completions": self.completions, "changed": self.changed}
        if self.skipped:
            found |= {"skipped": self.skipped, "faults": self.faults}
        columns = {alias: column.as_dict() for alias, column in self.columns.items() if column.compared}
        combined = {"reward": columns.pop(REWARD)} if REWARD in columns else {}
        return {**found, "rewards": columns, **combined, **self.effect.as_dict()}


def by_name(score: Score) -> dict[str, Score]:
    """A composed score by component, with the combination under :data:`REWARD`."""
    return {**score.parts, REWARD: Score(score.value, score.reason, cause=score.cause)}
