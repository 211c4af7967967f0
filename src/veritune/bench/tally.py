"""Counts of one grader on one set of rows, and the figures they give with their intervals."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from veritune.bench.rows import Row

Z95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


def wilson(hits: int, of: int, z: float = Z95) -> tuple[float, float]:
    """The Wilson score interval of a share (E. B. Wilson, 1927); of nothing: from 0 to 1."""
    if not of:
        return 0.0, 1.0
    share, square = hits / of, z * z / of
    middle = (share + square / 2) / (1 + square)
    half = z / (1 + square) * math.sqrt(share * (1 - share) / of + square / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """Between 0 and 1; None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        return wilson(self.hits, self.of)

    def as_dict(self) -> dict[str, Any]:
        return {"value": self.value, "interval": list(self.interval), "hits": self.hits, "of": self.of}


@dataclass(slots=True)
class Tally:
    """Counts of one grader. An undecided row is a miss; one that it raised or hung on is in no share."""

    rows: int = 0
    """Rows that it answered, undecided ones among them."""
    right: int = 0
    accepted: int = 0
    true: int = 0
    false_accepts: int = 0
    false_rejects: int = 0
    undecided: int = 0
    errors: int = 0
    timeouts: int = 0

    def add(self, label: bool, found: bool | None) -> None:
        """Count an answer."""
        self.rows += 1
        self.right += found is label
        self.accepted += found is True
        self.true += label
        self.false_accepts += found is True and not label
        self.false_rejects += label and found is not True
        self.undecided += found is None

    @property
    def accuracy(self) -> Share:
        """Rows with the label's verdict, of those answered."""
        return Share(self.right, self.rows)

    @property
    def precision(self) -> Share:
        """Rightly accepted rows, of those accepted."""
        return Share(self.accepted - self.false_accepts, self.accepted)

    @property
    def recall(self) -> Share:
        """Rightly accepted rows, of those answered and labelled true."""
        return Share(self.true - self.false_rejects, self.true)

    @property
    def false_accept_share(self) -> Share:
        """Wrongly accepted rows, of those answered and labelled false."""
        return Share(self.false_accepts, self.rows - self.true)

    def as_dict(self) -> dict[str, Any]:
        counts = ("rows", "false_accepts", "false_rejects", "undecided", "errors", "timeouts")
        shares = {name: getattr(self, name).as_dict() for name in ("accuracy", "precision", "recall")}
        return {**{name: getattr(self, name) for name in counts}, **shares}


@dataclass(slots=True)
class Report:
    """What one grader did on the rows of one set; times in seconds."""

    grader: str
    total: Tally = field(default_factory=Tally)
    kinds: dict[str, Tally] = field(default_factory=dict)
    causes: Counter[str] = field(default_factory=Counter)
    """Why it did not decide, raised or hung, and how often."""
    latencies: list[float] = field(default_factory=list)
    """Of the rows that it answered."""
    mistakes: list[tuple[Row, str]] = field(default_factory=list)
    """Rows that it did not judge as labelled, and what it said."""

    @property
    def seconds(self) -> float:
        """Spent on the rows that it answered."""
        return sum(self.latencies)

    @property
    def rate(self) -> float:
        """Pairs a second, one after the other, over the rows that it answered."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def latency(self, quantile: float) -> float:
        """The latency below which `quantile` of the pairs lie."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))] if ordered else 0.0

    def of_kind(self, kind: str) -> Tally:
        """The tally of one kind."""
        return self.kinds.setdefault(kind, Tally())

    def as_dict(self) -> dict[str, Any]:
        """All figures, and the rows that were judged otherwise than labelled."""
        return {
            "grader": self.grader,
            **self.total.as_dict(),
            "pairs_per_second": self.rate,
            **{f"p{q}_ms": 1e3 * self.latency(q / 100) for q in (50, 99, 100)},
            "causes": dict(self.causes),
            "kinds": {name: tally.as_dict() for name, tally in self.kinds.items()},
            "mistakes": [
                {"row": row.name, "kind": row.kind, "label": row.label, "said": said} for row, said in self.mistakes
            ],
        }
