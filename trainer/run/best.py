"""Which evaluation was the best, and how many have passed since."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

LOWER = ("loss", "brier", "ece")
"""Numbers of an evaluation of which less is better, of held-out rows and of held-out pairs (``pairs/…``)."""


def less_is_better(name: str) -> bool:
    """Whether the best evaluation is the one with the lowest ``name``, as metrics.jsonl calls it. A reward that
    somebody calls ``loss`` is ``reward/loss``: more of it is better."""
    return name.removeprefix("pairs/") in LOWER


class Best:
    """The best ``metric`` of a run (by default accuracy; mean reward where it has none, loss where it has neither): the
    highest, the lowest of a loss; ``patience`` evaluations without a better one are enough."""

    def __init__(self, patience: int | None, metric: str | None = None) -> None:
        self.patience, self.metric = patience, metric
        self.value, self.step, self.since = math.nan, -1, 0

    def see(self, step: int, metrics: Mapping[str, Any]) -> bool:
        """Whether this evaluation is the best so far. An evaluation without a decided sample is not."""
        name = self.metric or next((n for n in ("accuracy", "reward", "loss") if n in metrics), "")
        found = metrics.get(name)
        value = float(found) if isinstance(found, int | float) else math.nan
        better = value < self.value if less_is_better(name) else value > self.value
        if better or (math.isnan(self.value) and not math.isnan(value)):
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
