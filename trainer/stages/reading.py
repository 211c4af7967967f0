"""Everything of a run that needs no model: a stage's own reading, and whether its evaluations have what is asked."""

from __future__ import annotations

from typing import Any

from veritune.plugins import ConfigError
from veritune.plugins.errors import did_you_mean
from veritune.trainer.config import PolicyRunConfig
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.pipeline.places import SPLIT
from veritune.trainer.stages.idle import idle_settings
from veritune.trainer.stages.interface import Inputs, Say, Stage


def read_stage(stage: type[Stage], config: Any, world: World, say: Say) -> Inputs:
    """Rows, rewards and every check that needs no model. Raises ConfigError, DataError, ColumnError; says which
    settings of evaluations come to nothing."""
    if config.distributed.pipeline is not None:
        check_pipeline(stage, config)
    inputs = stage.read(config, world, say)
    if config.distributed.pipeline is not None and inputs.draws:
        raise ConfigError(
            "distributed.pipeline: no process has the whole model to draw with; leave out rewards (sft.eval measures "
            "the loss of held-out rows), and evaluate the model that the run leaves"
        )
    check_evaluations(stage, inputs, say)
    say_without_effect(inputs, world, say)
    for words in idle_settings(inputs.config):
        say(words)
    return inputs


def say_without_effect(inputs: Inputs, world: World, say: Say) -> None:
    """Which settings come to nothing in this run, whatever they are. Those that no run could use are refused where the
    configuration is read."""
    config = inputs.config
    how = config.distributed
    if how.gather != "auto" and world.mesh is None:
        say(f"distributed.gather: {how.gather} is of strategy: fsdp2, and nothing comes of it here")
    section = getattr(config, config.stage, None)
    if how.pipeline is not None and how.pipeline.micro_batches is not None:
        given = getattr(section, "micro_batch_tokens", "auto")
        if given != "auto" and not getattr(section, "packing", False):
            say(
                f"{config.stage}.micro_batch_tokens: {given}: a step is cut into distributed.pipeline.micro_batches: "
                f"{how.pipeline.micro_batches}, and nothing comes of it"
            )
    if not isinstance(config, PolicyRunConfig):
        return
    sampling, mtp = config.sampling, config.model.mtp
    if sampling.speculative and not inputs.draws:
        say("sampling.speculative: this run draws nothing, and nothing comes of it")
    elif sampling.speculative and sampling.max_tokens == 1:
        say("sampling.speculative: with max_tokens: 1 there is one pass a completion, and no draft saves another")
    if mtp is None:
        return
    if config.stage == "select" and not sampling.speculative:
        say("model.mtp: this stage trains nothing and draws without sampling.speculative; nothing comes of it")
    elif config.stage != "select" and mtp.weight == 0 and (mtp.schedule == "constant" or mtp.final_weight == 0):
        say("model.mtp.weight: 0: the modules are run and learn nothing")


def check_pipeline(stage: type[Stage], config: Any) -> None:
    """Raise ConfigError where a pipeline's layers cannot be trained so."""
    where = "distributed.pipeline"
    if not stage.pipelines:
        raise ConfigError(f"{where} is for stage: sft; {config.stage} takes distributed.strategy: ddp or fsdp2")
    if config.model.lora is not None or config.model.adapter == "continue" or config.model.quantize is not None:
        raise ConfigError(f"{where}: a pipeline trains whole weights; leave out model.lora and model.quantize")
    if config.model.mtp is not None:
        raise ConfigError(f"{where}: modules of multi-token prediction are in no stage; leave out model.mtp")
    if config.distributed.pipeline.schedule in SPLIT and config.model.activation_checkpointing:
        raise ConfigError(
            f"{where}.schedule: {config.distributed.pipeline.schedule} takes gradients in two passes, and with "
            "model.activation_checkpointing would run every layer once more for each; use 1f1b or interleaved"
        )


def check_evaluations(stage: type[Stage], inputs: Inputs, say: Say) -> None:
    """Raise ConfigError for an ``evaluation.best`` that no evaluation has."""
    config = inputs.config
    settings, numbers = config.evaluation_or_default, stage.numbers(inputs)
    if not numbers:
        if settings.best is not None and inputs.rewards.components and stage.product != "rows":
            raise ConfigError("evaluation.best: there is no evaluation to have it; give data.eval")
        asked = ["checkpoint.best"] if config.checkpoint.best else []
        asked += [f"evaluation.{name}" for name in ("best", "patience", "every") if getattr(settings, name)]
        if asked:
            say(f"{' and '.join(asked)}: this stage has no evaluation, and nothing comes of it")
        return
    named = {"evaluation.best": [settings.best] if settings.best is not None else [], "note_from": config.note_from}
    for key, names in named.items():
        for name in names:
            if name not in numbers:
                raise ConfigError(
                    f"{key}: no evaluation has {name!r}.{did_you_mean(name, numbers)} It has: {', '.join(numbers)}"
                )
    if settings.patience is None:
        return
    steps = getattr(getattr(config, config.stage), "steps", None)
    if not settings.every:
        say(
            "evaluation.patience: without evaluation.every there is one evaluation before training and one after, and "
            "nothing ends early"
        )
    elif steps is not None and settings.patience * settings.every >= steps:
        say(
            f"evaluation.patience: {settings.patience} evaluations, one every {settings.every} steps, take as long as "
            f"{config.stage}.steps: {steps} or longer, and nothing ends early"
        )
