"""The ``warmup:`` and ``grpo:`` sections."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator, model_validator

from veritune.plugins.errors import did_you_mean
from veritune.trainer.config.optimizer import OptimizerConfig, UpdateConfig, check_minibatches
from veritune.trainer.objective.algorithms import ALGORITHMS, Objective


class WarmupConfig(OptimizerConfig):
    """Supervised warm-up on demonstrations: of the task, or the ``completion`` column of ``train``."""

    steps: int = Field(default=100, ge=0)
    batch: int = Field(default=64, ge=1)
    lr: float = Field(default=1e-5, gt=0)
    train: str | None = None
    completion: str = "completion"
    habits: list[dict[str, Any]] = Field(default_factory=list)
    """Of a task: how demonstrations look, in order; each entry has ``share`` (of the steps) and the task's options."""


class GRPOConfig(UpdateConfig):
    """The reinforcement stage. ``algorithm`` fills every part of ``objective`` that is not given."""

    steps: int = Field(default=100, ge=0)
    epochs: float | None = Field(default=None, gt=0)
    """Passes over the rows of ``data.train``, in place of ``steps``."""
    prompts: int = Field(default=16, ge=1)
    """Groups a step."""
    samples: int = Field(default=8, ge=1)
    """Completions a prompt (the group's size)."""
    algorithm: str = "grpo"
    objective: Objective = Field(default_factory=Objective)
    updates: int = Field(default=1, ge=1)
    """Passes over each batch of rollouts."""
    minibatches: int = Field(default=1, ge=1)
    """Optimizer steps a pass."""
    mask_truncated: bool = False
    """Completions cut at max_tokens count in their group's statistics, and get no gradient."""
    dynamic_sampling: bool = False
    """Draw further prompts until every group has signal (DAPO)."""
    max_draws: int = Field(default=4, ge=1)
    """Most rounds of drawing a step, with dynamic_sampling."""
    reference: str = "start"
    """What the KL is measured against: ``start``, the policy as this stage began; ``base``, the model without its
    adapter (of a whole model: as ``model.path`` holds it); or the folder of a model or an adapter."""
    reference_every: int | None = Field(default=None, ge=1)
    """Copy the policy into the reference model every so many steps; only with beta > 0."""
    reference_ema: float | None = Field(default=None, gt=0, lt=1)
    """The reference follows the policy as a moving average: every ``reference_every`` steps (by default each) it is
    this share of itself and the rest of the policy. Of an adapter its two factors are averaged."""
    reference_device: str | None = None
    """Where the reference model is: by default where the policy is, else for example ``cuda:1`` or ``cpu``."""
    entropy: bool = True
    """Log the policy's entropy."""

    @field_validator("algorithm")
    @classmethod
    def _known_algorithm(cls, name: str) -> str:
        if name not in ALGORITHMS:
            raise ValueError(
                f"unknown algorithm {name!r}.{did_you_mean(name, ALGORITHMS)} Known: {', '.join(ALGORITHMS)}"
            )
        return name

    @model_validator(mode="after")
    def _fill_objective(self) -> GRPOConfig:
        given = self.objective.model_dump(include=self.objective.model_fields_set)
        self.objective = Objective(**{**ALGORITHMS[self.algorithm], **given})
        if self.reference != "start" and (self.reference_every or self.reference_ema):
            moves = "reference_every" if self.reference_every else "reference_ema"
            raise ValueError(f"grpo.reference: {self.reference} stays what it is; leave out {moves}")
        check_minibatches(self.minibatches, self.prompts * self.samples)
        if self.samples < 2 and self.objective.baseline in ("group", "leave_one_out"):
            raise ValueError(f"grpo.samples must be 2 or more: {self.algorithm} compares completions of one prompt")
        return self
