"""One reward in its place: when it runs, what it weighs, which rows it sees, how its value is bent."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from veritune.plugins import ColumnError, ConfigError, Reward, Sample, Score
from veritune.plugins.columns import column_of, value_at
from veritune.plugins.errors import did_you_mean
from veritune.rewards.appeal.opinion import Appeal
from veritune.rewards.composition.bounded import BoundedReward
from veritune.rewards.composition.schema import ComponentConfig
from veritune.rewards.composition.validation import at

CORRECTED = "corrected"
"""Where a score's ``parts`` hold the value that counts in its place."""


@dataclass(frozen=True)
class Component:
    """A configured reward with its place in the composition."""

    alias: str
    reward: Reward
    config: ComponentConfig
    appeal: Appeal | None = None

    def score_batch(self, samples: Sequence[Sample], **injected: Any) -> list[Score]:
        """The reward's scores, within its ``deadline`` where it has one."""
        scorer = self.reward if self._bounded is None else self._bounded
        return scorer.score_batch(samples, **injected)

    @cached_property
    def _bounded(self) -> BoundedReward | None:
        """The processes that the reward runs in, where it is not to run in this one."""
        if self.config.deadline is None and not self.config.isolate:
            return None
        return BoundedReward(self.reward, self.config.deadline)

    @property
    def may_count(self) -> bool:
        """Whether it can ever be part of the reward."""
        weight = self.config.weight
        weights = weight.values() if isinstance(weight, dict) else [weight]
        return not self.config.eval_only and any(weights)

    def active(self, step: int | None, evaluation: bool) -> bool:
        """Whether it is evaluated at this step."""
        if self.config.eval_only and not evaluation:
            return False
        first, end = self.config.from_step, self.config.until_step
        now = step or 0
        return (first is None or now >= first) and (end is None or now < end)

    def weight_at(self, step: int | None) -> float:
        """Its weight: 0 for eval_only, else by the schedule (linear between the given steps)."""
        if self.config.eval_only:
            return 0.0
        if not isinstance(self.config.weight, dict):
            return self.config.weight
        return interpolate(self.config.weight, step or 0)

    def mismatch(self, sample: Sample) -> str | None:
        """Why ``where`` leaves this sample out, or None where it does not."""
        for column, wanted in self.config.where.items():
            value = value_at(sample.columns, column)
            accepted = wanted if isinstance(wanted, list) else [wanted]
            if not any(one in accepted for one in (value if isinstance(value, list | tuple) else [value])):
                return f"not for rows with {column}={value!r}"
        return None

    def bend(self, score: Score) -> Score:
        """``clip(scale · x + shift)``; None stays None."""
        if score.value is None:
            return score
        affine, (low, high) = self.config.affine, self.config.clip
        value = affine.scale * score.value + affine.shift
        value = max(value, low) if low is not None else value
        value = min(value, high) if high is not None else value
        return score if value == score.value else replace(score, value=value)

    def judged(self, scores: Sequence[Score], samples: Sequence[Sample], step: int | None) -> list[Score]:
        """What the reward found, with second opinions (part ``appeal``), the value corrected for known errors (part
        ``corrected``), bent."""
        found = list(scores) if self.appeal is None else self.appeal.add(self.alias, step, samples, scores)
        return [self.bend(self._corrected(score)) for score in found]

    def _corrected(self, score: Score) -> Score:
        noise = self.config.noise
        if noise is None or score.value is None:
            return score
        if score.value not in (0, 1):
            raise ConfigError(f"rewards.{self.alias}.noise: for rewards of 0 and 1, and this one gave {score.value:g}")
        value = noise.corrected(score.value)
        bent = self.bend(Score(value, f"{noise.correct} correction of {score.value:g}"))
        return replace(score, parts={**score.parts, CORRECTED: bent})

    def whole_groups(self, presume: bool = True) -> bool:
        """Whether the reward must see every sample of a prompt at once.

        ``groups:`` in the config says so, or ``needs_groups`` on the reward or its function; where neither does, a
        batch reward that takes the prompts is presumed to (with ``presume``).
        """
        if self.config.groups is not None:
            return self.config.groups
        for owner in (self.reward, self.reward.function):
            declared = getattr(owner, "needs_groups", None)
            if declared is not None:
                return bool(declared)
        return presume and self.reward.batch and "prompts" in self.reward.signature.inputs

    def check_columns(self, available: list[str]) -> None:
        """Raise ColumnError where the data lacks a column that the reward or ``where`` needs."""
        with at(f"rewards.{self.alias}"):
            self.reward.check_columns(available)
        if self.appeal is not None and self.appeal.reward is not None:
            with at(f"rewards.{self.alias}.appeal"):
                self.appeal.reward.check_columns(available)
        for column in self.config.where:
            if column_of(column, available) is None:
                raise ColumnError(
                    f"rewards.{self.alias}.where: the column {column!r} is not in the data."
                    f"{did_you_mean(column, available)} Columns: {', '.join(sorted(available)) or 'none'}."
                )

    def spec(self) -> dict[str, Any]:
        """Its settings, as in the YAML; what is at its default is left out."""
        spec: dict[str, Any] = {"use": self.reward.source, **self.placing()}
        for key, value in (("params", self.reward.params), ("columns", self.reward.columns)):
            if value:
                spec[key] = dict(value)
        if self.reward.compat_mode:
            spec["compat"] = self.reward.compat_mode
        return spec

    def placing(self) -> dict[str, Any]:
        """Its settings that are not the reward's own: weight, gates, schedule, rows; what is at its default is left
        out."""
        settings = self.config.model_dump(exclude_defaults=True, exclude={"use", "params", "compat", "columns"})
        if isinstance(self.config.weight, dict):
            settings["weight"] = dict(self.config.weight)
        if "clip" in settings:
            settings["clip"] = list(settings["clip"])
        return settings


def interpolate(points: Mapping[int, float], step: int) -> float:
    """The value at ``step`` of a line through ``points``, constant outside them."""
    steps = sorted(points)
    right = bisect_right(steps, step)
    if right == 0:
        return points[steps[0]]
    if right == len(steps):
        return points[steps[-1]]
    before, after = steps[right - 1], steps[right]
    share = (step - before) / (after - before)
    return points[before] + share * (points[after] - points[before])
