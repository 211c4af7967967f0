"""The ``ppo:`` section."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from veritune.trainer.config.optimizer import UpdateConfig, check_minibatches
from veritune.trainer.config.run import PolicyRunConfig
from veritune.trainer.objective.ppo import PPOObjective


class PPOConfig(UpdateConfig):
    """Reinforcement with a value model in place of a group's mean."""

    steps: int = Field(default=100, ge=0)
    prompts: int = Field(default=64, ge=1)
    """Prompts a step."""
    samples: int = Field(default=1, ge=1)
    """Completions a prompt."""
    objective: PPOObjective = Field(default_factory=PPOObjective)
    updates: int = Field(default=4, ge=1)
    """Passes over each batch of completions."""
    minibatches: int = Field(default=1, ge=1)
    """Optimizer steps a pass."""
    value: Literal["copy", "head"] = "copy"
    """The value model: a copy of the policy with a head of its own, or a head on the policy's own last states."""
    value_lr: float | None = Field(default=None, gt=0)
    """Learning rate of the value model (of its head alone, with ``head``); by default ``lr``."""
    reference: str = "start"
    """As in ``grpo``: the policy as the run begins, ``base`` (what ``model.path`` holds, without an adapter), or the
    folder or hub name of another model or adapter."""
    reference_device: str | None = None
    """Where the reference model is: by default where the policy is."""
    entropy: bool = True
    """Log the policy's entropy."""

    @model_validator(mode="after")
    def _minibatches_have_completions(self) -> PPOConfig:
        check_minibatches(self.minibatches, self.prompts * self.samples)
        return self


class PPORunConfig(PolicyRunConfig):
    """``stage: ppo``. See docs/stages.md."""

    stage: Literal["ppo"] = "ppo"
    ppo: PPOConfig = Field(default_factory=PPOConfig)
