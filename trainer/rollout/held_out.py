"""Several held-out sets, one after the other, as one evaluation: each set's numbers, and the mean over sets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from veritune.plugins import ConfigError, Text
from veritune.plugins.errors import did_you_mean
from veritune.trainer.config import PolicyRunConfig
from veritune.trainer.config.evaluation import settings_of
from veritune.trainer.data.sources import Source
from veritune.trainer.policy.models import Policy
from veritune.trainer.rollout.drawing import Drawing
from veritune.trainer.rollout.evaluation import Evaluator, ks

PREFIX = "eval/"
"""Before a set's name in its metrics: ``eval/gsm8k/accuracy``."""


def evaluate(
    config: PolicyRunConfig,
    policy: Policy,
    drawing: Drawing,
    sets: Mapping[str, Source],
    encode: Callable[[Text], list[int]],
    step: int,
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Metrics and completions of every set. Of a single one without a name, its own and nothing more."""
    found: dict[str, dict[str, float]] = {}
    records: list[dict[str, Any]] = []
    for name, source in sets.items():
        metrics, drawn = Evaluator(config, policy, drawing, source, encode, name).run(step)
        if not name:
            return metrics, drawn
        found[name] = metrics
        records += [{"set": name, **record} for record in drawn]
    named = {f"{PREFIX}{name}/{key}": value for name, metrics in found.items() for key, value in metrics.items()}
    return {**mean_over(list(found.values())), **named}, records


def mean_over(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean over sets of what each of them has; a set without a decided sample is in no mean."""
    names = [name for name in parts[0] if all(name in part for part in parts)]
    means: dict[str, float] = {}
    for name in names:
        values = [part[name] for part in parts if not math.isnan(part[name])]
        means[name] = sum(values) / len(values) if values else math.nan
    return means


def check_sets(config: PolicyRunConfig, names: Sequence[str], aliases: Sequence[str]) -> None:
    """Raise ConfigError for settings of a set that is not there, and for names that are no reward's."""
    evaluation = config.evaluation
    for name, own in evaluation.sets.items():
        if name not in names:
            known = ", ".join(filter(None, names)) or "none, since data.eval names none"
            raise ConfigError(f"evaluation.sets: no set is called {name!r}.{did_you_mean(name, names)} Sets: {known}")
        _check_alias(own.metric, aliases, f"evaluation.sets.{name}.metric")
    _check_alias(evaluation.metric, aliases, "evaluation.metric")


def best_numbers(config: PolicyRunConfig, names: Sequence[str], aliases: Sequence[str]) -> list[str]:
    """What ``evaluation.best`` may name of held-out sets of these names: of several the means over them, and each
    one's own."""
    if not names:
        return []
    numbers = [_numbers(config, name, aliases) for name in names]
    shared = [number for number in numbers[0] if all(number in each for each in numbers)]
    return [*shared, *(f"{PREFIX}{n}/{x}" for n, each in zip(names, numbers, strict=True) if n for x in each)]


def _check_alias(metric: str | None, aliases: Iterable[str], where: str) -> None:
    """Only the default may be absent."""
    if metric is not None and metric not in ("accuracy", *aliases):
        raise ConfigError(
            f"{where}: no reward is called {metric!r}.{did_you_mean(metric, aliases)} Rewards: {', '.join(aliases)}"
        )


def _numbers(config: PolicyRunConfig, name: str, aliases: Sequence[str]) -> list[str]:
    """The metrics of a set in which more is better."""
    settings = settings_of(config.evaluation, name)
    passed = ["accuracy", *(f"pass@{k}" for k in ks(settings.samples))] if settings.metric in aliases else []
    return [*passed, "reward", *(f"reward/{alias}" for alias in aliases)]
