"""What stages share that learn from rows: rewards, and prompts to draw from, are for the evaluation alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from veritune.rewards.composition import RewardSet
from veritune.trainer.config import PolicyRunConfig
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.data.sources import Source, make_held_out, make_sources
from veritune.trainer.data.tasks import Task
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.models import Policy
from veritune.trainer.rollout.episodes import load_episode
from veritune.trainer.stages.inputs import check_stages, make_rewards
from veritune.trainer.stages.interface import Inputs, Say
from veritune.trainer.stages.policy_stage import PolicyStage
from veritune.trainer.stages.preflight import check_data, check_model_limits


class SupervisedStage(PolicyStage):
    """Without rewards nothing is drawn, and without ``data.eval`` (or a task) no held-out prompt is."""

    @classmethod
    def reads_prompts(cls, config: Any) -> bool:
        """Whether ``data.train`` holds prompts, and not rows of the stage's own kind."""
        return True

    @classmethod
    def read(cls, config: Any, world: World, say: Say) -> Inputs:
        scored = has_rewards(config)
        rewards = make_rewards(config, world, say) if scored else RewardSet((), "sum", "sample")
        source: Source | None = None
        task: Task | None = None
        if cls.reads_prompts(config):
            source, held_out, task = make_sources(config.data, config.seed)
        else:
            held_out = make_held_out(config.data, config.seed)
        if scored:
            check_data(config, rewards, None, held_out, say)
        episode = None if config.rollout is None else load_episode(config.rollout)
        if episode is not None:
            for each in held_out.values():
                episode.check_columns(each.columns())
        check_stages(config, world)
        return Inputs(
            config, rewards, task, source, held_out if scored else {}, episode, draws=scored and bool(held_out)
        )

    @classmethod
    def check_model(cls, inputs: Inputs, policy: Policy, encode: PromptEncoder, say: Say) -> None:
        """Held-out prompts against the model's limits; those of ``data.train`` are not drawn from."""
        check_model_limits(replace(inputs, source=None), policy.model, encode, say)


def has_rewards(config: PolicyRunConfig) -> bool:
    """Whether completions are scored at all."""
    return config.rewards is not None or config.preset is not None
