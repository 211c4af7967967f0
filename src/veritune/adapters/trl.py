"""Rewards for TRL's ``GRPOTrainer(reward_funcs=…)``.

A single reward needs no adapter: ``reward_funcs=veritune.get_reward("accuracy")``. This module is for several:

    from veritune.adapters.trl import reward_function

    trainer = GRPOTrainer(model=…, reward_funcs=reward_function("rewards.yaml"), …)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from veritune.plugins import ConfigError
from veritune.rewards.composition import RewardSet, compose
from veritune.rewards.composition.component import Component
from veritune.rewards.composition.compose import Source

__all__ = ["RewardFunction", "SeparateReward", "reward_function", "reward_functions"]

RewardFunction: TypeAlias = Callable[..., Any]
"""What TRL calls with keyword lists; a coroutine function in the asynchronous form."""


def reward_function(rewards: Source, *, asynchronous: bool = False, name: str = "veritune") -> RewardFunction:
    """One composed function, to be the only entry of ``reward_funcs`` (weight 1).

    ``rewards`` is a YAML file, a mapping, a preset's name, a list of names, or a RewardSet. Weights, gates, schedules,
    ``combine`` and ``undecided`` are exactly those of the config: the step is TRL's ``trainer_state.global_step``, and
    an undecided sample is None, so TRL leaves it out of its group. Each component is logged as
    ``rewards/{alias}/mean`` and ``rewards/{alias}/{cause}``, its values and reasons are columns of the completions
    table. ``asynchronous`` gives a coroutine function, which TRL runs beside the others. Picklable.

    TRL does not say whether it trains or evaluates, so ``eval_only`` components do not run. Its experimental
    asynchronous trainer passes no ``trainer_state``: schedules raise there. Raises ConfigError for a wrong config.
    """
    composed = compose(rewards, name=name)
    return composed.as_async() if asynchronous else composed


def reward_functions(rewards: Source, *, asynchronous: bool = False) -> tuple[list[RewardFunction], list[float]]:
    """One function a component, and their weights: ``reward_funcs``, ``GRPOConfig(reward_weights=…)``.

    For what TRL does with separate functions: its own log line for each, and ``multi_objective_aggregation``. TRL adds
    weight × value and takes None for 0 as long as another function has a number, so an undecided component is left
    out of the sum (``undecided: component``) whatever the config says; only a sample without any number is excluded.
    Gates, schedules and combinations other than ``sum`` need the composed function: with them this raises
    ConfigError. ``where``, ``affine`` and ``clip`` are kept. ``eval_only`` components are left out.
    """
    composed = compose(rewards)
    problems = [f"combine: {composed.combine}"] if composed.combine != "sum" else []
    problems += [f"rewards.{c.alias}.gate" for c in composed.components if c.config.gate]
    problems += [f"rewards.{c.alias}: a schedule by step" for c in composed.components if c.config.scheduled]
    if problems:
        raise ConfigError(
            f"separate functions cannot do this: {'; '.join(problems)}. "
            "Use reward_function(…), one composed function, which does."
        )
    components = [component for component in composed.components if not component.config.eval_only]
    functions = [SeparateReward(component) for component in components]
    weights = [component.weight_at(None) for component in components]
    return [RewardSet.as_async(f) if asynchronous else f for f in functions], weights


class SeparateReward(RewardSet):
    """One component as a reward function of its own, unweighted."""

    def __init__(self, component: Component) -> None:
        alone = replace(component, config=component.config.model_copy(update={"weight": 1.0}))
        super().__init__((alone,), "sum", "sample", name=component.alias)

    def __call__(self, *args: Any, **columns: Any) -> list[float | None]:
        """As a RewardSet, but what TRL logs itself (mean, values) is not logged twice."""
        log_metric, log_extra = columns.get("log_metric"), columns.get("log_extra")
        if log_metric is not None:
            columns["log_metric"] = lambda metric, value: metric.endswith("/mean") or log_metric(metric, value)
        if log_extra is not None:
            columns["log_extra"] = lambda column, values: column == self.name or log_extra(column, values)
        return super().__call__(*args, **columns)
