"""Multi-token prediction: the ``model.mtp:`` section."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from veritune.trainer.config.base import Strict


class MTPConfig(Strict):
    """Modules that predict further tokens, one after the other (DeepSeek-V3, arXiv 2412.19437, section 2.2)."""

    depth: int = Field(default=1, ge=1, le=8)
    """Modules: the k-th predicts the token k beyond the next one."""
    weight: float = Field(default=0.3, ge=0)
    """λ: the loss has λ times the mean of the modules' cross-entropies added."""
    schedule: Literal["constant", "step", "linear"] = "constant"
    """Of the weight over the stage's steps: ``step`` changes it once, ``linear`` goes evenly to ``final_weight``."""
    final_weight: float = Field(default=0.1, ge=0)
    """The weight that ``step`` and ``linear`` end with."""
    switch: float = Field(default=2 / 3, gt=0, lt=1)
    """``step``: after this share of the steps."""
    detach: bool = False
    """The modules learn alone: no gradient of theirs reaches the model, its embedding or its head."""

    @model_validator(mode="after")
    def _schedule_takes_them(self) -> MTPConfig:
        if self.schedule == "constant":
            self._refuse(
                "final_weight", "switch", why="is of schedule: step and linear, and with constant the weight stays"
            )
        elif self.schedule == "linear":
            self._refuse("switch", why="is of schedule: step, and linear goes evenly over all steps")
        return self

    def weight_at(self, step: int, steps: int) -> float:
        """λ of step ``step`` (from 0) of ``steps``."""
        done = step / max(1, steps)
        if self.schedule == "step":
            return self.final_weight if done >= self.switch else self.weight
        if self.schedule == "linear":
            return self.weight + (self.final_weight - self.weight) * step / max(1, steps - 1)
        return self.weight
