"""The figures of a scored file, kept in a few numbers however long the file is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from veritune.cli.groups import Groups
from veritune.plugins import Cause, Score
from veritune.plugins.errors import DataError
from veritune.rewards.appeal.estimate import Tally, rates, tally

MOST_FAULTS = 20
"""Skipped rows whose errors are kept."""


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
    groups: Groups = field(default_factory=Groups)

    def add(self, score: Score | None, label: bool | None) -> None:
        """One completion's score; None where this reward was not asked."""
        self.groups.add(None if score is None else score.value)
        if score is None:
            return
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
            "se": self.groups.error,
            "min": self.lowest if self.decided else None,
            "max": self.highest if self.decided else None,
            "causes": {str(cause): count for cause, count in sorted(self.causes.items())},
        }
        if self.agreement.rows:
            values["agreement"] = self.agreement.as_dict()
        if groups := self.groups.as_dict():
            values["groups"] = groups
        return values

    def state(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        bounds = {"lowest": self.lowest, "highest": self.highest} if self.decided else {}
        causes = {str(cause): count for cause, count in self.causes.items()}
        return {
            **{"decided": self.decided, "total": self.total, **bounds, "causes": causes},
            **{"agreement": asdict(self.agreement), "groups": self.groups.state()},
        }

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Column:
        causes: Counter[Cause] = Counter({Cause(name): count for name, count in state["causes"].items()})
        agreement, groups = Agreement(**state["agreement"]), Groups.restored(state["groups"])
        return cls(**{**state, "causes": causes, "agreement": agreement, "groups": groups})


@dataclass
class Summary:
    """Every reward of a set over all rows, and their combination where that says something new."""

    aliases: list[str]
    combined: bool
    rows: int = 0
    """Scored."""
    completions: int = 0
    skipped: int = 0
    faults: list[dict[str, str]] = field(default_factory=list)
    """Of the first rows that were skipped."""
    group: str | None = None
    columns: dict[str, Column] = field(default_factory=dict)
    appeals: dict[str, Tally] = field(default_factory=dict)
    """What second opinions say, by reward."""
    total: Column = field(default_factory=Column)

    def __post_init__(self) -> None:
        self.columns = {alias: Column() for alias in self.aliases}

    def add(self, group: str | None, scores: Sequence[Score], labels: Sequence[bool | None]) -> None:
        """The scores of a row. Rows that follow each other with the same ``group`` are one; None is one of its own."""
        if group is None or group != self.group:
            self.close()
        self.group = group
        for score, label in zip(scores, labels, strict=True):
            self.completions += 1
            self.total.add(score, label)
            for alias, column in self.columns.items():
                column.add(score.parts.get(alias), label)
        for alias in self.columns:
            found = tally(score.parts.get(alias) for score in scores)
            if found is not None:
                self.appeals[alias] = self.appeals.get(alias, Tally()) + found
        self.rows += 1

    def close(self) -> None:
        """What follows is another group."""
        for column in (self.total, *self.columns.values()):
            column.groups.close()

    def skip(self, place: str, error: str) -> None:
        """A row that could not be scored."""
        self.skipped += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append({"row": place, "error": error})

    @property
    def shown(self) -> dict[str, Column]:
        """The columns by the names that tables have for them."""
        return {**self.columns, **({"= reward": self.total} if self.combined else {})}

    def as_dict(self) -> dict[str, Any]:
        values: dict[str, Any] = {"rows": self.rows}
        if self.completions != self.rows:
            values["completions"] = self.completions
        if self.skipped:
            values |= {"skipped": self.skipped, "faults": self.faults}
        values["rewards"] = {name: column.as_dict() for name, column in self.columns.items()}
        for alias, found in self.appeals.items():
            values["rewards"][alias]["errors"] = asdict(rates(found))
        return {**values, "reward": self.total.as_dict()} if self.combined else values

    def state(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        names = ("rows", "completions", "skipped", "faults", "group")
        columns = {alias: column.state() for alias, column in self.columns.items()}
        appeals = {alias: asdict(found) for alias, found in self.appeals.items()}
        kept = {name: getattr(self, name) for name in names}
        return {**kept, "columns": columns, "total": self.total.state(), "appeals": appeals}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        for name in ("rows", "completions", "skipped", "faults", "group"):
            setattr(self, name, state[name])
        self.columns = {alias: Column.restored(each) for alias, each in state["columns"].items()}
        self.total = Column.restored(state["total"])
        self.appeals = {alias: Tally(**found) for alias, found in state["appeals"].items()}


def read_label(value: Any, column: str, place: str) -> bool:
    """A boolean label: true/false, 0/1, or these as text. Raises DataError for anything else."""
    known = {"true": True, "1": True, "1.0": True, "yes": True, "false": False, "0": False, "0.0": False, "no": False}
    label = known.get(str(value).strip().lower())
    if label is None:
        raise DataError(f"{place}: --label {column}: true or false is expected, got {value!r}")
    return label
