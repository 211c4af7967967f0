"""Optimizer and learning rate, as every stage has them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from veritune.plugins.errors import did_you_mean
from veritune.trainer.config.base import Strict

OPTIMIZERS = {
    "adamw": "AdamW", "adam": "Adam", "nadam": "NAdam", "radam": "RAdam", "adamax": "Adamax", "adagrad": "Adagrad",
    "adadelta": "Adadelta", "adafactor": "Adafactor", "rmsprop": "RMSprop", "sgd": "SGD",
}  # fmt: skip
"""What ``optimizer`` may say: classes of torch.optim."""


class OptimizerConfig(Strict):
    optimizer: str = "adamw"
    """A class of torch.optim: adamw, adam, nadam, radam, adamax, adagrad, adadelta, adafactor, rmsprop or sgd."""
    optimizer_params: dict[str, Any] = Field(default_factory=dict)
    """Further arguments of that class, such as ``{momentum: 0.9}``."""
    lr: float = Field(default=1e-6, gt=0)
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    warmup_steps: int = Field(default=0, ge=0)
    final_lr: float = Field(default=0.0, ge=0, le=1)
    """The schedule ends at this share of ``lr``."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Of the optimizers that have them."""
    weight_decay: float = Field(default=0.0, ge=0)
    clip_norm: float | None = Field(default=1.0, gt=0)

    @field_validator("optimizer")
    @classmethod
    def _known_optimizer(cls, name: str) -> str:
        if name not in OPTIMIZERS:
            raise ValueError(
                f"unknown optimizer {name!r}.{did_you_mean(name, OPTIMIZERS)} Known: {', '.join(OPTIMIZERS)}"
            )
        return name
