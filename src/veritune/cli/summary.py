"""The figures of a scored file, kept in a few numbers however long the file is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from veritune.plugins import Cause, Score
from veritune.plugins.errors import DataError


@dataclass
class Agreement:
    """A reward against a boolean label: it says yes where its value is above 0."""

    agree: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    undecided: int = 0

    def add(self, value: float | None, label: bool) -> None:
        if value is None:
            self.undecided += 1
        elif (value > 0) == label:
            self.agree += 1
        elif label:
            self.false_negatives += 1
        else:
            self.false_positives += 1

    @property
    def rows(self) -> int:
        return self.agree + self.false_positives + self.false_negatives + self.undecided

    def as_dict(self) -> dict[str, Any]:
        share = self.agree / self.rows if self.rows else None
        return {
            "agree": self.agree,
            "rows": self.rows,
            "share": share,
            "false_positives": self.false_positives,
            "false_negatives": self.false_negatives,
            "undecided": self.undecided,
        }


@dataclass
class Column:
    """One reward over all rows."""

    decided: int = 0
    total: float = 0.0
    lowest: float = math.inf
    highest: float = -math.inf
    causes: Counter[Cause] = field(default_factory=Counter)
    agreement: Agreement = field(default_factory=Agreement)

    def add(self, score: Score, label: bool | None) -> None:
        if score.value is None:
            self.causes[score.cause or Cause.NOT_APPLICABLE] += 1
        else:
            self.decided += 1
            self.total += score.value
            self.lowest, self.highest = min(self.lowest, score.value), max(self.highest, score.value)
        if label is not None:
            self.agreement.add(score.value, label)

    @property
    def mean(self) -> float | None:
        """Over the decided rows."""
        return self.total / self.decided if self.decided else None

    def as_dict(self) -> dict[str, Any]:
        values: dict[str, Any] = {
            "decided": self.decided,
            "mean": self.mean,
            "min": self.lowest if self.decided else None,
            "max": self.highest if self.decided else None,
            "causes": {str(cause): count for cause, count in sorted(self.causes.items())},
        }
        if self.agreement.rows:
            values["agreement"] = self.agreement.as_dict()
        return values


@dataclass
class Summary:
    """Every reward of a set over all rows, and their combination where that says something new."""

    aliases: list[str]
    combined: bool
    rows: int = 0
    columns: dict[str, Column] = field(default_factory=dict)
    total: Column = field(default_factory=Column)

    def __post_init__(self) -> None:
        self.columns = {alias: Column() for alias in self.aliases}

    def add(self, scores: Iterable[Score], labels: Iterable[bool | None]) -> None:
        for score, label in zip(scores, labels, strict=True):
            self.rows += 1
            self.total.add(score, label)
            for alias, part in score.parts.items():
                self.columns[alias].add(part, label)

    def as_dict(self) -> dict[str, Any]:
        values = {"rows": self.rows, "rewards": {name: column.as_dict() for name, column in self.columns.items()}}
        return {**values, "reward": self.total.as_dict()} if self.combined else values


def read_label(value: Any, column: str, place: str) -> bool:
    """A boolean label: true/false, 0/1, or these as text. Raises DataError for anything else."""
    known = {"true": True, "1": True, "1.0": True, "yes": True, "false": False, "0": False, "0.0": False, "no": False}
    label = known.get(str(value).strip().lower())
    if label is None:
        raise DataError(f"{place}: --label {column}: true or false is expected, got {value!r}")
    return label
