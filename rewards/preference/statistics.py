"""From a raw score to a reward: standardised, clipped, squashed."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Literal, TypeAlias

Squash: TypeAlias = Literal["none", "sigmoid", "tanh"]


class Running:
    """Mean and standard deviation (population) of everything seen, by Welford's method. Thread-safe."""

    def __init__(self) -> None:
        self.count, self.mean, self._squares = 0, 0.0, 0.0
        self._lock = threading.Lock()

    def update(self, values: Sequence[float]) -> tuple[float, float]:
        """Add values; the mean and deviation with them."""
        with self._lock:
            for value in values:
                self.count += 1
                delta = value - self.mean
                self.mean += delta / self.count
                self._squares += delta * (value - self.mean)
            return self.mean, math.sqrt(self._squares / self.count) if self.count else 0.0


def calibrate(values: Sequence[float]) -> dict[str, float]:
    """``mean`` and ``std`` of scores on reference answers, as ``normalise: calibrated`` takes them."""
    mean = math.fsum(values) / len(values)
    return {"mean": mean, "std": math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))}


def standardise(value: float, mean: float, std: float) -> float:
    """(x − mean) / std; x − mean where there is no spread."""
    return (value - mean) / std if std > 1e-12 else value - mean


def sigmoid(value: float) -> float:
    """1 / (1 + e⁻ˣ), without overflow."""
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    return math.exp(value) / (1 + math.exp(value))


def squash(value: float, how: Squash) -> float:
    if how == "none":
        return value
    return sigmoid(value) if how == "sigmoid" else math.tanh(value)
