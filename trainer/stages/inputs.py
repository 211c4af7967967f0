"""What a run with a policy needs before there is a model: rewards, rows, the user's function, and checks of what its
stages would only find later."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, TypeVar

import torch

from veritune.plugins import ConfigError
from veritune.plugins.errors import did_you_mean
from veritune.rewards.composition import RewardSet, compose
from veritune.rewards.composition.on_ray import RayRewardSet
from veritune.rewards.composition.validation import at
from veritune.trainer.config import OptimizerConfig, PolicyRunConfig, RunConfig, rewards_section
from veritune.trainer.data.sources import FileSource, Source, held_out_sources, make_sources
from veritune.trainer.data.tasks import get_task
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.models import looks_like_a_folder, pick_device
from veritune.trainer.policy.optimization import make_optimizer
from veritune.trainer.rollout.ahead import in_background
from veritune.trainer.rollout.decode.rescore import truncated
from veritune.trainer.rollout.episodes import load_episode
from veritune.trainer.rollout.evaluation import evaluation_sampling
from veritune.trainer.stages.interface import Inputs, Say
from veritune.trainer.stages.preflight import check_data


def read_inputs(config: PolicyRunConfig, world: World, say: Say, prompts: bool = True, scored: bool = True) -> Inputs:
    """Rewards and rows, checked. Raises ConfigError, DataError, ColumnError.

    ``prompts``: whether there are prompts to train on. ``scored``: whether there are rewards; without them nothing is
    drawn, and held-out prompts are not read.
    """
    if not scored:
        check_stages(config, world)
        task = None if config.data.task is None else get_task(config.data.task, config.data.params)
        return Inputs(config, RewardSet((), "sum", "sample"), task, draws=False)
    rewards = make_rewards(config, world, say)
    source: Source | None = None
    if prompts:
        source, held_out, task = make_sources(config.data, config.seed)
    else:
        held_out, task = held_out_sources(config.data, config.seed)
    check_data(config, rewards, source, held_out, say)
    episode = None if config.rollout is None else load_episode(config.rollout)
    for each in [source] if source is not None else held_out.values():
        if episode is not None:
            episode.check_columns(each.columns())
    check_stages(config, world)
    return Inputs(config, rewards, task, source, held_out, episode)


def check_stages(config: PolicyRunConfig, world: World) -> None:
    """Raise ConfigError for what the stages would only find when they begin: optimizers and the reference's device."""
    for name in type(config).model_fields:
        section = getattr(config, name)
        if isinstance(section, OptimizerConfig):
            _check_section(name, section, config, world)
    if world.sharded and config.model.lora is not None and config.model.lora.save == "merged":
        raise ConfigError("model.lora.save: merged needs the whole model in one process; with fsdp2 save the adapter")
    if world.sharded and config.model.quantize is not None:
        raise ConfigError("model.quantize: weights of a few bits cannot be spread over processes; use strategy: ddp")
    if world.sharded and config.model.lora is not None and config.model.lora.modules_to_save:
        raise ConfigError("model.lora.modules_to_save is not for fsdp2; use strategy: ddp")
    check_drawing(config, world)
    if config.sampling.engine in ("vllm", "vllm_server"):
        drawn = {"sampling": config.sampling, "evaluation": evaluation_sampling(config)}
        drawn |= {f"evaluation.sets.{name}": evaluation_sampling(config, name) for name in config.evaluation.sets}
        for where, sampling in drawn.items():
            if not 0.01 <= sampling.temperature <= 2:
                raise ConfigError(
                    f"{where}.temperature={sampling.temperature:g}: vLLM draws at 0.01 to 2 only (below that it takes "
                    "0.01 without a word); use another engine"
                )


def check_drawing(config: PolicyRunConfig, world: World) -> None:
    """Raise ConfigError where completions cannot be drawn on that device, or not while the policy is updated."""
    sampling = config.sampling
    if sampling.device is not None:
        where = f"sampling.device: {sampling.device}"
        device = pick_device(sampling.device)
        if sampling.engine in ("vllm", "vllm_server"):
            raise ConfigError(f"{where}: vLLM has its device from its own settings; leave it out")
        if world.size > 1:
            raise ConfigError(f"{where} is for one process, and these are {world.size}; use engine: vllm_server")
        if device.type == "cuda" and device == pick_device(config.device):
            raise ConfigError(f"{where} is the policy's own device; leave it out, and drawing and update take turns")
    where = f"sampling.staleness: {sampling.staleness}"
    if not sampling.staleness:
        return
    if not isinstance(config, RunConfig):
        raise ConfigError(f"{where}: stage {config.stage} draws for each step when it comes; only grpo draws ahead")
    if config.curriculum is not None and config.curriculum.online:
        raise ConfigError(
            f"{where}: a curriculum that goes by the run's own pass rates needs a step's scores before the next is "
            "drawn; keep curriculum.column with min and max, or staleness: 0"
        )
    if not in_background(sampling):
        return
    if world.sharded:
        raise ConfigError(
            f"{where}: with fsdp2 weights are gathered by all processes, which the update keeps from it; use "
            "distributed.strategy: ddp, or staleness: 0"
        )
    if not config.scoring.overlap:
        raise ConfigError(
            f"{where}: rewards that need the main thread (scoring.overlap: false) would wait for the update; "
            "use staleness: 0"
        )
    if sampling.engine == "vllm_server" and truncated(sampling):
        raise ConfigError(
            f"{where}: with top_k, top_p or min_p a server's log-probs need a pass of the weights that drew, which the "
            "policy no longer has; leave them out, or use sampling.device"
        )


def _check_section(name: str, section: OptimizerConfig, config: PolicyRunConfig, world: World) -> None:
    with at(name):
        make_optimizer(torch.nn.Linear(2, 2), section)
    if section.optimizer == "adafactor" and world.sharded:
        raise ConfigError(
            f"{name}.optimizer: adafactor cannot go on from a checkpoint of sharded weights (with {world.kind}); use "
            "adamw"
        )
    wanted, device = getattr(section, "reference", "start"), getattr(section, "reference_device", None)
    check_reference(name, wanted, section, config)
    if device is not None:
        pick_device(device)
        own = wanted in ("start", "base")
        if own and (config.model.lora is not None or config.model.adapter == "continue"):
            raise ConfigError(f"{name}.reference_device: with an adapter the reference is the policy's own model")
        if world.sharded:
            raise ConfigError(f"{name}.reference_device: with fsdp2 the reference model is sharded like the policy")


def check_reference(name: str, wanted: str, section: OptimizerConfig, config: PolicyRunConfig) -> None:
    """Raise ConfigError for a ``reference`` that is not there. ``name``: the section's."""
    if getattr(section, "reference_ema", None) is not None:
        if getattr(getattr(section, "objective", None), "beta", None) == 0:
            raise ConfigError(f"{name}.reference_ema: no KL is measured; set {name}.objective.beta")
        if config.model.dtype == "bfloat16":
            raise ConfigError(f"{name}.reference_ema: bfloat16 weights lose such small steps; use model.dtype: auto")
    if wanted == "start":
        return
    objective = getattr(section, "objective", None)
    if getattr(objective, "beta", None) == 0:
        raise ConfigError(f"{name}.reference needs a KL to measure: set {name}.objective.beta")
    if wanted == "base":
        if config.model.path is None and config.model.lora is None:
            raise ConfigError(f"{name}.reference: base is what model.path holds, and this model is made from scratch")
    elif "/" not in wanted and did_you_mean(wanted, ("start", "base")) and not Path(wanted).is_dir():
        raise ConfigError(f"{name}.reference: {wanted!r}.{did_you_mean(wanted, ('start', 'base'))}")
    elif looks_like_a_folder(wanted) and not Path(wanted).expanduser().is_dir():
        raise ConfigError(f"{name}.reference: there is no folder {wanted!r}; or say start or base")


def make_rewards(config: PolicyRunConfig, world: World, say: Say) -> RewardSet:
    """The composed rewards, here or on Ray; of Ray's actors every process of the run has its share."""
    rewards, scoring = compose(rewards_section(config), where="rewards"), config.scoring
    if scoring.executor == "local":
        return rewards
    actors = math.ceil(scoring.actors / world.size)
    return RayRewardSet(rewards, actors, timeout=scoring.timeout, wait_s=scoring.wait, say=say)


Config = TypeVar("Config", bound=PolicyRunConfig)


def with_steps(config: Config, source: Source, name: str, rows: int) -> Config:
    """The section's ``epochs`` as steps of so many rows. Raises ConfigError where the data has no end."""
    section: Any = getattr(config, name)
    if section.epochs is None:
        return config
    if not isinstance(source, FileSource):
        raise ConfigError(f"{name}.epochs: a generated task has no end; say {name}.steps")
    steps = math.ceil(section.epochs * len(source.rows) / rows)
    return config.model_copy(update={name: section.model_copy(update={"steps": steps, "epochs": None})})
