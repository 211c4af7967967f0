"""Everything of a run that needs no model: a stage's own reading, and whether its evaluations have what is asked."""

from __future__ import annotations

from typing import Any

from veritune.plugins import ConfigError
from veritune.plugins.errors import did_you_mean
from veritune.trainer.policy.distributed import World
from veritune.trainer.stages.interface import Inputs, Say, Stage


def read_stage(stage: type[Stage], config: Any, world: World, say: Say) -> Inputs:
    """Rows, rewards and every check that needs no model. Raises ConfigError, DataError, ColumnError; says which
    settings of evaluations come to nothing."""
    inputs = stage.read(config, world, say)
    check_evaluations(stage, inputs, say)
    return inputs


def check_evaluations(stage: type[Stage], inputs: Inputs, say: Say) -> None:
    """Raise ConfigError for an ``evaluation.best`` that no evaluation has."""
    config = inputs.config
    settings, numbers = config.evaluation_or_default, stage.numbers(inputs)
    if not numbers:
        if settings.best is not None and inputs.rewards.components and stage.product != "rows":
            raise ConfigError("evaluation.best: there is no evaluation to have it; give data.eval")
        asked = ["checkpoint.best"] if config.checkpoint.best else []
        asked += [f"evaluation.{name}" for name in ("best", "patience") if getattr(settings, name)]
        if asked:
            say(f"{' and '.join(asked)}: this stage has no evaluation, and nothing comes of it")
        return
    if settings.best is not None and settings.best not in numbers:
        raise ConfigError(
            f"evaluation.best: no evaluation has {settings.best!r}.{did_you_mean(settings.best, numbers)} "
            f"It has: {', '.join(numbers)}"
        )
    if settings.patience is not None and not settings.every:
        say(
            "evaluation.patience: without evaluation.every there is one evaluation before training and one after, and "
            "nothing ends early"
        )
