"""What another reward does to training: advantages, rankings and signal within groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

EPSILON = 1e-4
"""Added to a standard deviation, as in the trainer."""

Values = Sequence["float | None"]


def has_signal(rewards: Values) -> bool:
    """Whether at least two decided rewards of a group differ."""
    decided = [r for r in rewards if r is not None]
    return len(decided) > 1 and max(decided) > min(decided)


def advantages(rewards: Values) -> list[float | None]:
    """GRPO's, of one group: (r − mean) / (std + ε) over the decided samples; None where undecided, 0 without signal."""
    decided = [r for r in rewards if r is not None]
    if not has_signal(rewards):
        return [None if r is None else 0.0 for r in rewards]
    mean = math.fsum(decided) / len(decided)
    std = math.sqrt(math.fsum((r - mean) ** 2 for r in decided) / (len(decided) - 1))
    return [None if r is None else (r - mean) / (std + EPSILON) for r in rewards]


@dataclass
class Effect:
    """Sums over groups."""

    groups: int = 0
    signal_before: int = 0
    signal_after: int = 0
    gained: int = 0
    lost: int = 0
    samples: int = 0
    """Completions of groups of two and more."""
    moved: int = 0
    """Of these: those whose advantage is another one."""
    flipped: int = 0
    """Of these: those whose advantage has the other sign."""
    distance: float = 0.0
    """Σ |new advantage − old advantage|; of an undecided sample it is 0."""
    before_squares: float = 0.0
    after_squares: float = 0.0
    product: float = 0.0
    pairs: int = 0
    """Pairs of completions of a group that are decided before and after."""
    reversed: int = 0
    """Of these: those that are ranked the other way round."""
    tied: int = 0
    """Of these: those that differed, and do so no more."""
    parted: int = 0
    """Of these: those that were equal, and are so no more."""
    best_changed: int = 0
    """Groups whose best completions are others."""

    def add(self, before: Values, after: Values) -> None:
        """One group under both rewards."""
        if len(before) < 2:
            return
        self.groups += 1
        old, new = has_signal(before), has_signal(after)
        self.signal_before, self.signal_after = self.signal_before + old, self.signal_after + new
        self.gained, self.lost = self.gained + (new and not old), self.lost + (old and not new)
        for a, b in zip(advantages(before), advantages(after), strict=True):
            x, y = a or 0.0, b or 0.0
            self.samples += 1
            self.moved += abs(x - y) > 1e-9
            self.flipped += x * y < 0
            self.distance += abs(x - y)
            self.before_squares, self.after_squares = self.before_squares + x * x, self.after_squares + y * y
            self.product += x * y
        self._rank(before, after)

    def _rank(self, before: Values, after: Values) -> None:
        both = [(a, b) for a, b in zip(before, after, strict=True) if a is not None and b is not None]
        for (a, b), (c, d) in combinations(both, 2):
            self.pairs += 1
            old, new = (a > c) - (a < c), (b > d) - (b < d)
            self.reversed += old * new < 0
            self.tied += old != 0 and new == 0
            self.parted += old == 0 and new != 0
        self.best_changed += _best(before) != _best(after)

    @property
    def cosine(self) -> float | None:
        """Between the vectors of all advantages: the direction of a policy-gradient step, other things equal."""
        norm = math.sqrt(self.before_squares * self.after_squares)
        return self.product / norm if norm else None

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        shares = ("moved", "flipped")
        return {
            "groups": self.groups,
            "signal": {
                "before": self.signal_before,
                "after": self.signal_after,
                "gained": self.gained,
                "lost": self.lost,
            },
            "advantages": {
                "samples": self.samples,
                **{name: getattr(self, name) for name in shares},
                "mean_change": self.distance / self.samples if self.samples else None,
                "cosine": self.cosine,
            },
            "ranking": {
                **{name: getattr(self, name) for name in ("pairs", "reversed", "tied", "parted", "best_changed")},
            },
        }


def _best(values: Values) -> list[int]:
    decided = [v for v in values if v is not None]
    return [i for i, v in enumerate(values) if decided and v == max(decided)]
