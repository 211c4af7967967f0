"""What draws and scores a run's completions, made from its configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from veritune.plugins import Text
from veritune.rewards.composition import RewardSet
from veritune.trainer.config import PolicyRunConfig
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.models import Policy, pick_device
from veritune.trainer.rollout.ahead import in_background
from veritune.trainer.rollout.drawing import Drawing
from veritune.trainer.rollout.episodes import EpisodeFunction, Episodes
from veritune.trainer.rollout.interface import Sampler
from veritune.trainer.rollout.patience import Patience


def make_drawing(
    config: PolicyRunConfig,
    policy: Policy,
    sampler: Sampler,
    rewards: RewardSet,
    episode: EpisodeFunction | None,
    encode: PromptEncoder,
    folder: Path,
    world: World,
    say: Callable[[str], None],
    interrupt: Callable[[BaseException], None],
) -> Drawing:
    """``say`` is told what takes long; ``interrupt`` raises an error in the main thread."""
    objective = getattr(getattr(config, config.stage, None), "objective", None)
    if config.sampling.staleness and getattr(objective, "importance", None) == "none":
        say("sampling.staleness, and objective.importance is none: completions of older weights are not corrected")
    episodes = None
    if episode is not None and config.rollout is not None:
        episodes = Episodes(episode, config.rollout, sampler, policy.tokenizer, policy.eos_ids, encode.chat)
    return Drawing(
        sampler,
        rewards,
        folder,
        _begun(config, rewards, encode),
        config.scoring.overlap,
        world,
        episodes,
        Patience(say, config.scoring.timeout),
        interrupt,
        drawing_device(config, policy),
    )


def drawing_device(config: PolicyRunConfig, policy: Policy) -> torch.device:
    """Where random numbers are drawn: beside the sampler. For a server on the CPU: on the policy's GPU they would wait
    for the update to end."""
    if config.sampling.device is not None:
        return pick_device(config.sampling.device)
    return torch.device("cpu") if in_background(config.sampling) else policy.device


def _begun(config: PolicyRunConfig, rewards: RewardSet, encode: PromptEncoder) -> Callable[[Text], str]:
    """What rewards see before a completion. A reward that was told of a prefilled tag puts it there itself."""
    told = any(component.reward.params.get("prefilled") is True for component in rewards.components)
    prefill = config.data.prefill
    return (lambda prompt: prefill) if told else encode.begun
