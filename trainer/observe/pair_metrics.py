"""How good a reward model is on pairs: accuracy with its interval, calibration, and what length alone would give."""

from __future__ import annotations

import math
from collections.abc import Sequence


def wilson(right: float, total: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a share (95 % by default)."""
    if not total:
        return 0.0, 1.0
    share = right / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, centre - half), min(1.0, centre + half)


def pair_metrics(differences: Sequence[float], bins: int = 10) -> dict[str, float]:
    """Metrics of d = r_chosen − r_rejected over pairs; the model's P(chosen is better) is p = σ(d).

    ``accuracy``: share of d > 0, a tie counts half; ``accuracy_low`` and ``accuracy_high``: its 95 % Wilson interval.
    ``loss``: mean −log p. ``brier``: mean (1 − p)². ``ece``: expected calibration error of the confidence max(p, 1 − p)
    against how often it is right, in equal bins over [0.5, 1].
    """
    count = len(differences)
    credits = [1.0 if d > 0 else 0.5 if d == 0 else 0.0 for d in differences]
    low, high = wilson(sum(credits), count)
    chances = [_sigmoid(d) for d in differences]
    return {
        "accuracy": sum(credits) / count,
        "accuracy_low": low,
        "accuracy_high": high,
        "loss": sum(_softplus(-d) for d in differences) / count,
        "brier": sum((1 - p) ** 2 for p in chances) / count,
        "ece": _ece([max(p, 1 - p) for p in chances], credits, bins),
        "pairs": float(count),
    }


def length_accuracy(pairs: Sequence[tuple[str, str]]) -> float:
    """How often the longer answer is the chosen one; a tie counts half."""
    credits = [1.0 if len(a) > len(b) else 0.5 if len(a) == len(b) else 0.0 for a, b in pairs]
    return sum(credits) / len(credits)


def _ece(confidences: Sequence[float], credits: Sequence[float], bins: int) -> float:
    groups: dict[int, list[int]] = {}
    for i, confidence in enumerate(confidences):
        groups.setdefault(min(bins - 1, int((confidence - 0.5) * 2 * bins)), []).append(i)
    gaps = [abs(sum(confidences[i] for i in g) - sum(credits[i] for i in g)) for g in groups.values()]
    return sum(gaps) / len(confidences)


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


def _softplus(value: float) -> float:
    return max(value, 0.0) + math.log1p(math.exp(-abs(value)))
