"""What a GRPO run reads and checks before its first step; its first phase may be a warm-up."""

from __future__ import annotations

import torch

from veritune.trainer.config import RunConfig
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.models import Policy
from veritune.trainer.stages.curriculum import apply_curriculum
from veritune.trainer.stages.inputs import with_steps
from veritune.trainer.stages.interface import Inputs, Say, Stage
from veritune.trainer.stages.policy_stage import PolicyStage
from veritune.trainer.stages.preflight import check_demonstration_limits, check_demonstrations
from veritune.trainer.stages.warmup import Warmup, demonstrations


class GRPOInputs(PolicyStage):
    """The part of :class:`veritune.trainer.stages.grpo.GRPO` before there are steps."""

    name, title, config_type = "grpo", "GRPO", RunConfig
    optimizer: torch.optim.Optimizer

    @classmethod
    def phases(cls) -> tuple[type[Stage], ...]:
        return Warmup, cls

    @classmethod
    def describe(cls, config: RunConfig) -> str:
        return config.grpo.algorithm

    @classmethod
    def read(cls, config: RunConfig, world: World, say: Say) -> Inputs:
        inputs = super().read(config, world, say)
        assert inputs.source is not None
        inputs.demonstrations = demonstrations(config, inputs.source)
        inputs.source = apply_curriculum(config, inputs.source, inputs.rewards.aliases, say)
        inputs.config = with_steps(config, inputs.source, cls.name, config.grpo.prompts)
        check_demonstrations(config, inputs.demonstrations)
        return inputs

    @classmethod
    def check_model(cls, inputs: Inputs, policy: Policy, encode: PromptEncoder, say: Say) -> None:
        super().check_model(inputs, policy, encode, say)
        check_demonstration_limits(inputs, policy.model, encode, say)

    @classmethod
    def keeps_copy(cls, config: RunConfig) -> bool:
        return config.grpo.objective.beta > 0 and config.model.lora is None
