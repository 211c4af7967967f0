"""What stages share that learn from rows: rewards, and prompts to draw from, are for the evaluation alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from veritune.trainer.config import PolicyRunConfig
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.data.sources import training_source
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.models import Policy
from veritune.trainer.stages.inputs import read_inputs
from veritune.trainer.stages.interface import Inputs, Say
from veritune.trainer.stages.policy_stage import PolicyStage
from veritune.trainer.stages.preflight import check_model_limits


class SupervisedStage(PolicyStage):
    """Without rewards nothing is drawn, and without ``data.eval`` (or a task) no held-out prompt is."""

    @classmethod
    def reads_prompts(cls, config: Any) -> bool:
        """Whether ``data.train`` holds prompts, and not rows of the stage's own kind alone."""
        return True

    @classmethod
    def read(cls, config: Any, world: World, say: Say) -> Inputs:
        inputs = read_inputs(config, world, say, prompts=False, scored=has_rewards(config))
        if cls.reads_prompts(config):
            inputs.source = training_source(config.data, config.seed, inputs.task)
        inputs.draws = bool(inputs.held_out)
        return inputs

    @classmethod
    def check_model(cls, inputs: Inputs, policy: Policy, encode: PromptEncoder, say: Say) -> None:
        """Held-out prompts against the model's limits; those of ``data.train`` are not drawn from."""
        check_model_limits(replace(inputs, source=None), policy.model, encode, say)


def has_rewards(config: PolicyRunConfig) -> bool:
    """Whether completions are scored at all."""
    return config.rewards is not None or config.preset is not None
