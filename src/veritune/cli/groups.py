"""What several completions of one prompt say together: pass@k, groups without signal, honest standard errors.

A group is the completions of one row (a list), or rows of one prompt that follow each other. Only a few numbers are
kept, however long the file or a group is.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

MOST_TRIES = 1024
"""The largest k of pass@k."""


def pass_rate(n: int, passed: int, k: int) -> float:
    """The chance that one of ``k`` completions passes, where ``passed`` of ``n`` did: 1 − C(n−c, k)/C(n, k)
    (2107.03374). ``k`` ≤ ``n``."""
    failing = n - passed
    if failing < k:
        return 1.0
    miss = 1.0
    for i in range(k):
        miss *= (failing - i) / (n - i)
    return 1.0 - miss


def tries(n: int) -> list[int]:
    """The numbers of tries that are counted for a group of ``n``: powers of two, and ``n`` itself."""
    powers = [2**e for e in range(11) if 2**e <= min(n, MOST_TRIES)]
    return powers if n in powers or n > MOST_TRIES else [*powers, n]


@dataclass
class Mean:
    """A mean over groups, and how sure it is."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        self.squares += value * value

    @property
    def value(self) -> float | None:
        return self.total / self.count if self.count else None

    @property
    def error(self) -> float | None:
        """The standard error; None below two groups."""
        if self.count < 2:
            return None
        mean = self.total / self.count
        return math.sqrt(max(self.squares / self.count - mean * mean, 0.0) / (self.count - 1))

    def as_dict(self) -> dict[str, Any]:
        return {"value": self.value, "se": self.error, "groups": self.count}


@dataclass
class Open:
    """The group that is being read."""

    completions: int = 0
    decided: int = 0
    passed: int = 0
    total: float = 0.0
    lowest: float = math.inf
    highest: float = -math.inf

    def add(self, value: float | None) -> None:
        self.completions += 1
        if value is None:
            return
        self.decided += 1
        self.passed += value > 0
        self.total += value
        self.lowest, self.highest = min(self.lowest, value), max(self.highest, value)


@dataclass
class Groups:
    """One reward over all groups. A completion passes where its value is above 0."""

    current: Open = field(default_factory=Open)
    groups: int = 0
    several: int = 0
    """Groups of more than one completion."""
    without_signal: int = 0
    """Of these: those in which no two decided completions differ, which teach a policy nothing."""
    undecided: int = 0
    """Of these: those without any decided completion."""
    largest: int = 0
    smallest: int = 0
    passes: dict[int, Mean] = field(default_factory=dict)
    # sums over groups of S (sum of x − origin) and n (decided completions): the clustered standard error's
    origin: float | None = None
    clusters: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0] * 5)

    def add(self, value: float | None) -> None:
        """One more completion of the current group."""
        self.current.add(value)

    def close(self) -> None:
        """The current group is whole."""
        group, self.current = self.current, Open()
        if not group.completions:
            return
        self.groups += 1
        self.largest = max(self.largest, group.completions)
        self.smallest = group.completions if self.groups == 1 else min(self.smallest, group.completions)
        if group.completions > 1:
            self.several += 1
            self.undecided += not group.decided
            self.without_signal += not (group.decided > 1 and group.highest > group.lowest)
        if not group.decided:
            return
        for k in tries(group.decided):
            self.passes.setdefault(k, Mean()).add(pass_rate(group.decided, group.passed, k))
        if self.origin is None:
            self.origin = group.total / group.decided
        self.clusters += 1
        n, s = group.decided, group.total - self.origin * group.decided
        self.sums = [a + b for a, b in zip(self.sums, (n, s, s * s, s * n, n * n), strict=True)]

    @property
    def error(self) -> float | None:
        """The standard error of the mean over completions, those of one group taken as dependent (cluster-robust);
        of groups of one it is the ordinary one. None below two groups."""
        if self.clusters < 2:
            return None
        n, s, ss, sn, nn = self.sums
        mean = s / n
        spread = max(ss - 2 * mean * sn + mean * mean * nn, 0.0)
        return math.sqrt(spread * self.clusters / (self.clusters - 1)) / n

    def as_dict(self) -> dict[str, Any]:
        """For programs: only where some prompt has several completions."""
        if not self.several:
            return {}
        shown = [k for k in sorted(self.passes) if k & (k - 1) == 0 or (k == self.largest == self.smallest)]
        return {
            "groups": self.several,
            "without_signal": self.without_signal,
            "undecided": self.undecided,
            "pass": {str(k): self.passes[k].as_dict() for k in shown},
        }

    def state(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        found = asdict(self)
        for name in ("lowest", "highest"):
            if math.isinf(found["current"][name]):
                del found["current"][name]
        return found

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Groups:
        passes = {int(k): Mean(**mean) for k, mean in state["passes"].items()}
        return cls(**{**state, "current": Open(**state["current"]), "passes": passes})
