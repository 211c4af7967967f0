"""Optimizer and learning rate, as every stage has them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

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

    @field_validator("betas")
    @classmethod
    def _shares(cls, betas: tuple[float, float]) -> tuple[float, float]:
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError("both are at least 0 and below 1")
        return betas

    @field_validator("optimizer")
    @classmethod
    def _known_optimizer(cls, name: str) -> str:
        if name not in OPTIMIZERS:
            raise ValueError(
                f"unknown optimizer {name!r}.{did_you_mean(name, OPTIMIZERS)} Known: {', '.join(OPTIMIZERS)}"
            )
        return name


def check_minibatches(minibatches: int, completions: int) -> None:
    """Raise ValueError for more optimizer steps a pass than there are completions for them."""
    if minibatches > completions:
        raise ValueError(
            f"minibatches={minibatches} of {completions} completions (prompts · samples): at most one each"
        )


class UpdateConfig(OptimizerConfig):
    """Optimizer and forward passes of a stage that trains the policy on completions."""

    micro_batch_tokens: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """Tokens of one forward pass; more is faster and takes more memory, the result is the same. ``auto``: as many as
    keep a GPU busy, fewer where the model leaves less room on it; 6144 on a CPU."""
    head: Literal["auto", "fused", "reference"] = "auto"
    """The language head: ``fused`` never holds the logits of all tokens; ``auto``: fused on a GPU and where large."""
    share_prompts: bool = True
    """Run a prompt once for several short completions of it, where the model allows."""
    bad_steps: int = Field(default=5, ge=1)
    """Non-finite losses or gradients in a row that stop the run; each such step is skipped and counted."""
