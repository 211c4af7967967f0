"""Rewards for TRL's ``GRPOTrainer(reward_funcs=…)``.

A single reward needs no adapter: ``reward_funcs=veritune.get_reward("accuracy")``. This module is for several:

    from veritune.adapters.trl import reward_function

    trainer = GRPOTrainer(model=…, reward_funcs=reward_function("rewards.yaml", dataset=dataset), …)
"""

from __future__ import annotations

import itertools
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from veritune.plugins import ConfigError
from veritune.rewards.composition import RewardSet, compose
from veritune.rewards.composition.component import Component
from veritune.rewards.composition.compose import Source

__all__ = ["RewardFunction", "SeparateReward", "TrlRewards", "reward_function", "reward_functions"]

RewardFunction: TypeAlias = Callable[..., Any]
"""What TRL calls with keyword lists; a coroutine function in the asynchronous form."""


def reward_function(
    rewards: Source, *, asynchronous: bool = False, name: str = "veritune", dataset: Any = None
) -> RewardFunction:
    """One composed function, to be the only entry of ``reward_funcs`` (weight 1).

    ``rewards`` is a YAML file, a mapping, a preset's name, a list of names, or a RewardSet. Weights, gates, schedules,
    ``combine`` and ``undecided`` are exactly those of the config: the step is TRL's ``trainer_state.global_step``, and
    an undecided sample is None, so TRL leaves it out of its group. Each component is logged as
    ``rewards/{alias}/mean`` and ``rewards/{alias}/{cause}``, its values and reasons are columns of the completions
    table. ``asynchronous`` gives a coroutine function, which TRL runs beside the others. Picklable.

    ``dataset`` (a Dataset, or the names of its columns) is looked at for the columns that the rewards read, before a
    model is loaded: ColumnError where one is missing.

    TRL does not say whether it trains or evaluates, so ``eval_only`` components do not run. Its experimental
    asynchronous trainer passes no ``trainer_state``: schedules raise there. Raises ConfigError for a wrong config.
    """
    composed = compose(rewards, name=name)
    check_dataset(composed, dataset)
    function = TrlRewards(composed.components, composed.combine, composed.undecided, composed.name)
    return function.as_async() if asynchronous else function


def check_dataset(rewards: RewardSet, dataset: Any) -> None:
    """Raise ColumnError where a dataset (or a list of column names) lacks a column that a reward reads."""
    columns = getattr(dataset, "column_names", dataset)  # a stream may not know its columns: None
    if columns is not None:
        rewards.check_columns([name for name in columns if name not in ("completion", "completions")])


def reward_functions(
    rewards: Source, *, asynchronous: bool = False, dataset: Any = None
) -> tuple[list[RewardFunction], list[float]]:
    """One function a component, and their weights: ``reward_funcs``, ``GRPOConfig(reward_weights=…)``.

    For what TRL does with separate functions: its own log line for each, and ``multi_objective_aggregation``. TRL adds
    weight × value and takes None for 0 as long as another function has a number, so an undecided component is left
    out of the sum (``undecided: component``) whatever the config says; only a sample without any number is excluded.
    Gates, schedules and combinations other than ``sum`` need the composed function: with them this raises
    ConfigError. ``where``, ``affine`` and ``clip`` are kept. ``eval_only`` components are left out. ``dataset`` is
    looked at for the columns, as for :func:`reward_function`.
    """
    composed = compose(rewards)
    check_dataset(composed, dataset)
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
    return [function.as_async() if asynchronous else function for function in functions], weights


class TrlRewards(RewardSet):
    """A composed set that sees to it, in a distributed run, that a reward over groups sees whole ones."""

    _looked = False
    _told = False

    def __call__(self, *args: Any, **columns: Any) -> list[float | None]:
        """TRL's convention. Raises ConfigError in the first call if a prompt's samples lie on two processes."""
        if not self._told and "trainer_state" in columns and columns.get("log_metric") is None:
            self._told = True
            warnings.warn(
                "veritune: this trainer passes no log_metric, as later TRL does: components and causes are not in its "
                "logs, only their combination is.",
                stacklevel=2,
            )
        if not self._looked and any(component.whole_groups(presume=False) for component in self.components):
            self._looked = True  # how samples lie on the processes does not change during a run
            refuse_split_groups(columns.get("prompts"))
        return super().__call__(*args, **columns)


def refuse_split_groups(prompts: Sequence[Any] | None) -> None:
    """Raise ConfigError, on every process, where one process ends with the prompt that the next begins with.

    A collective call: every process makes it. Nothing is done outside a distributed run, and off the main thread,
    where a process may not be on its own device.
    """
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not prompts or threading.current_thread() is not threading.main_thread():
        return
    if not distributed.is_available() or not distributed.is_initialized() or distributed.get_world_size() == 1:
        return
    ends: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(ends, (prompts[0], prompts[-1]))
    for rank, (here, after) in enumerate(itertools.pairwise(ends)):
        if here[1] == after[0]:
            raise ConfigError(
                f"a reward compares the completions of one prompt, and processes {rank} and {rank + 1} share a prompt. "
                "Make per_device_train_batch_size a multiple of num_generations (and likewise for evaluation)."
            )


class SeparateReward(TrlRewards):
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
