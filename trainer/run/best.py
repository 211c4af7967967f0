"""Which evaluation was the best, and how many have passed since."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


class Best:
    """The highest ``metric`` of a run (by default accuracy; mean reward where it has none, lowest loss where it has
    neither); ``patience`` evaluations without a better one are enough."""

    def __init__(self, patience: int | None, metric: str | None = None) -> None:
        self.patience, self.metric = patience, metric
        self.value, self.step, self.since = -math.inf, -1, 0

    def see(self, step: int, metrics: Mapping[str, Any]) -> bool:
        """Whether this evaluation is the best so far. An evaluation without a decided sample is not."""
        name = self.metric or next((n for n in ("accuracy", "reward", "loss") if n in metrics), "")
        found = metrics.get(name)
        value = float(found) if isinstance(found, int | float) else math.nan
        value = -value if name == "loss" else value
        if value > self.value:
            self.value, self.step, self.since = value, step, 0
            return True
        self.since += 1
        return False

    def replay(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Take over the log of a run that goes on."""
        for line in lines:
            if line["phase"] == "evaluation":
                self.see(int(line["step"]), line)

    def exhausted(self) -> bool:
        return self.patience is not None and self.since >= self.patience

    def __str__(self) -> str:
        return f"{self.since} evaluations without a better one than after step {self.step} ({self.value:.3f})"
