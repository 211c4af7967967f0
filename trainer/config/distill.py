"""The ``teacher:`` and ``distill:`` sections."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from veritune.trainer.config.base import Strict
from veritune.trainer.config.optimizer import UpdateConfig
from veritune.trainer.config.run import PolicyRunConfig
from veritune.trainer.config.sft import ConversationsConfig
from veritune.trainer.objective.distillation import DistillationObjective


class TeacherConfig(Strict):
    """The model to learn from; its tokens must be the student's."""

    path: str
    """Folder or hub name. An adapter is merged into its base model."""
    device: str | None = None
    """By default where the student is, else for example ``cuda:1`` or ``cpu``."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    attention: str | None = None
    top_k: int | None = Field(default=None, ge=1)
    """Keep the teacher's so many most likely tokens of every position of the rows, and the probability of all others
    together: computed once, kept in the run's folder, and the teacher let go. For ``on_policy: 0``."""


class DistillConfig(UpdateConfig, ConversationsConfig):
    """White-box distillation: the student's distribution drawn to the teacher's, token by token."""

    steps: int | None = Field(default=None, ge=0)
    epochs: float | None = Field(default=None, gt=0)
    """Passes over the rows, in place of ``steps``; 1 where neither is given."""
    batch: int = Field(default=16, ge=1)
    """Completions a step."""
    on_policy: float = Field(default=0.0, ge=0, le=1)
    """The share of a step's completions that the student draws itself, to the prompts of ``data``."""
    train: str | None = None
    """The rows to learn from, in any of the forms that ``stage: sft`` reads; by default ``data.train``."""
    max_tokens: int | None = Field(default=None, ge=2)
    """Rows of which the prompt with its answer is longer are left out."""
    objective: DistillationObjective = Field(default_factory=DistillationObjective)

    @model_validator(mode="after")
    def _one_length(self) -> DistillConfig:
        if self.steps is not None and self.epochs is not None:
            raise ValueError("give either steps or epochs")
        if self.epochs is not None and self.on_policy == 1:
            raise ValueError("epochs are passes over rows, and with on_policy: 1 none is read; say steps")
        if self.on_policy == 1 and self.train is not None:
            raise ValueError("train: with on_policy: 1 no row is read")
        return self


class DistillRunConfig(PolicyRunConfig):
    """``stage: distill``. Rewards are for the evaluation. See docs/stages.md."""

    stage: Literal["distill"] = "distill"
    teacher: TeacherConfig
    distill: DistillConfig = Field(default_factory=DistillConfig)

    @model_validator(mode="after")
    def _cache_is_of_rows(self) -> DistillRunConfig:
        if self.teacher.top_k is not None and self.distill.on_policy > 0:
            raise ValueError("teacher.top_k keeps the teacher's words on rows; what the student draws is in none")
        return self
