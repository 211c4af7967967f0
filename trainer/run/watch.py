"""Warnings that matter, each once a run."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any

from veritune.rewards.appeal.estimate import Tally, from_metrics, risen

WINDOW = 20
DISPLACED = -5.0
"""Nats that the chosen answers of a step have lost on average, and that are said."""
WATCHED = ("length", "shift/chosen")
"""Metrics of steps in which completions are drawn, or pairs compared: the others are not watched."""


def watched(metrics: Mapping[str, Any]) -> bool:
    """Whether there is anything in a step's metrics to look at."""
    return any(name in metrics for name in WATCHED) or _was_skipped(metrics)


class Watch:
    """Looks at each step's metrics and at evaluations; says what a practitioner would want to know."""

    def __init__(self, metric: str) -> None:
        self.metric = metric
        self._steps: deque[dict[str, float]] = deque(maxlen=2 * WINDOW)
        self._said: set[str] = set()
        self._evaluations: list[tuple[int, float, float]] = []
        self._appeals: dict[str, list[Tally]] = defaultdict(list)
        self._appeal_steps = 0

    def evaluation(self, step: int, metrics: Mapping[str, float]) -> None:
        if "accuracy" in metrics:
            self._evaluations.append((step, metrics["accuracy"], metrics.get("reward", math.nan)))

    def replay(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Take over the log of a run that goes on: nothing is said twice."""
        for line in lines:
            numbers = {k: v for k, v in line.items() if isinstance(v, int | float)}
            if line["phase"] == "evaluation":
                self.evaluation(int(line["step"]), numbers)
            elif watched(line):
                self.step(int(line["step"]), numbers)

    def step(self, step: int, metrics: Mapping[str, float]) -> list[str]:
        """New warnings."""
        self._steps.append(dict(metrics))
        found = {
            "mismatch": self._mismatch(metrics),
            "undecided": self._undecided(metrics),
            "truncated": self._truncated(metrics),
            "silent": self._silent(),
            "hacked": self._hacked(),
            "flat": self._flat(),
            "displaced": self._displaced(metrics),
            "skipped": self._skipped(metrics),
            **self._verifiers(metrics),
        }
        new = [text for key, text in found.items() if text and key not in self._said]
        self._said |= {key for key, text in found.items() if text}
        return [f"step {step}: {text}" for text in new]

    def _mismatch(self, metrics: Mapping[str, float]) -> str:
        mismatch = metrics.get("mismatch", 0.0)
        if not mismatch > 0.05:  # nor where it is unknown
            return ""
        age = metrics.get("rollout/age") or 0.0
        if age > 0:
            return (
                f"the policy's log-probs differ from those of the weights that drew, {age:.3g} optimizer steps old, by "
                f"{mismatch:.3f} a token on average; lower grpo.lr or sampling.staleness"
            )
        return (
            f"the sampler's log-probs differ from the trainer's by {mismatch:.3f} a token on average: the data is "
            "off-policy; consider grpo.objective.importance: truncate"
        )

    def _undecided(self, metrics: Mapping[str, float]) -> str:
        share = metrics.get("undecided", 0.0)
        if share <= 0.2:
            return ""
        return f"{share:.0%} of the samples have no reward; see undecided/* in metrics.jsonl for the causes"

    def _truncated(self, metrics: Mapping[str, float]) -> str:
        share = metrics.get("truncated", 0.0)
        where = "sampling.max_tokens" + (", rollout.max_turns or rollout.turn_tokens" if "turns" in metrics else "")
        return f"{share:.0%} of the completions are cut at {where}" if share > 0.5 else ""

    def _silent(self) -> str:
        recent = list(self._steps)[-WINDOW:]
        if len(recent) < WINDOW or min(m.get("groups_without_signal", 0.0) for m in recent) < 0.9:
            return ""
        return f"for {WINDOW} steps over 90 % of the groups had the same reward for every sample: nothing is learnt"

    def _displaced(self, metrics: Mapping[str, float]) -> str:
        """The margin grows because both answers become less likely."""
        moved = metrics.get("shift/chosen", 0.0)
        if not moved < DISPLACED:
            return ""
        return (
            f"the chosen answers are {-moved:.1f} nats less likely than when the run began (likelihood displacement); "
            "lower dpo.lr, take fewer steps, or set dpo.objective.sft_weight"
        )

    def _skipped(self, metrics: Mapping[str, float]) -> str:
        if not _was_skipped(metrics):
            return ""
        return "the loss or its gradient is not finite, and the step was skipped: nothing is learnt of its rows"

    def _verifiers(self, metrics: Mapping[str, float]) -> dict[str, str]:
        """A verifier that errs more often in the later half of the run, by second opinions; looked at now and then."""
        found = from_metrics([metrics])
        for alias, tallies in found.items():
            self._appeals[alias] += tallies
        self._appeal_steps += bool(found)
        if not found or self._appeal_steps % WINDOW:
            return {}
        said = {alias: "; ".join(risen(self._appeals[alias])) for alias in found}
        return {f"verifier {alias}": f"{alias} {text}" for alias, text in said.items() if text}

    def _hacked(self) -> str:
        """Reward up, accuracy down between two evaluations."""
        if len(self._evaluations) < 2:
            return ""
        (_, first, reward), (_, accuracy, now) = self._evaluations[0], self._evaluations[-1]
        if now > reward and accuracy < first - 0.05:
            return f"the reward rose ({reward:.3f} → {now:.3f}) while accuracy fell ({first:.3f} → {accuracy:.3f})"
        return ""

    def _flat(self) -> str:
        """Every other component is solved, accuracy does not move."""
        if len(self._steps) < 2 * WINDOW:
            return ""
        name = f"reward/{self.metric}"
        before, after = list(self._steps)[:WINDOW], list(self._steps)[WINDOW:]
        if any(name not in m or "reward/format" not in m for m in (*before, *after)):
            return ""
        moved = _mean(after, name) - _mean(before, name)
        if _mean(after, "reward/format") < 0.98 or _mean(before, name) > 0.7 or moved > 0.01:
            return ""
        return f"the format is solved, and {self.metric} has not moved for {WINDOW} steps ({moved:+.3f})"


def _was_skipped(metrics: Mapping[str, Any]) -> bool:
    """Stages that count their ``skipped_updates`` have no gradient either where no group has signal."""
    return _not_finite(metrics.get("loss")) or (
        "skipped_updates" not in metrics and _not_finite(metrics.get("grad_norm"))
    )


def _not_finite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _mean(records: list[dict[str, float]], name: str) -> float:
    return sum(m[name] for m in records) / len(records)
