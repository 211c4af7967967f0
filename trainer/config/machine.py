"""Processes, checkpoints and logs: the ``distributed:``, ``checkpoint:`` and ``log:`` sections."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from veritune.trainer.config.base import Strict
from veritune.trainer.config.pipeline import PipelineConfig

Strategy = Literal["auto", "ddp", "fsdp2"]
"""How several processes train one model."""
Gather = Literal["auto", "step", "layer"]
"""How long the weights of a sharded model stay whole."""


class DistributedConfig(Strict):
    """Several processes, as ``accelerate launch`` or ``torchrun`` start them."""

    strategy: Strategy = "auto"
    """``ddp``: every process holds the whole model. ``fsdp2``: each a part of every parameter, gradient and moment.
    ``auto``: what ``accelerate launch`` was told (``--use_fsdp --fsdp_version 2``), else ``ddp``."""
    gather: Gather = "auto"
    """With ``fsdp2``. ``step``: weights are gathered once an optimizer step and gradients reduced once, whatever the
    number of micro-batches; both are whole meanwhile. ``layer``: each decoder layer is gathered for every pass and its
    gradients are reduced in each. ``auto``: ``step`` where whole weights and gradients take at most a sixth of the
    device's memory. The numbers are the same, to the order of sums."""
    pipeline: PipelineConfig | None = None
    """Layers spread over the processes instead; for ``stage: sft``."""


class CheckpointConfig(Strict):
    every: int | None = Field(default=None, ge=0)
    """Steps between checkpoints; 0 or null: only at the end. The last state is always saved, whatever ends the run."""
    keep: int = Field(default=2, ge=1)
    best: bool = False
    """Keep the model of the best evaluation in ``best/``."""


class LogConfig(Strict):
    completions_every: int = Field(default=10, ge=1)
    """Steps between saved batches of completions; first and last step always."""
    to: list[Literal["tensorboard", "wandb", "trackio"]] = Field(default_factory=list)
    """Beside metrics.jsonl, which is always written."""
    project: str = "veritune"
    """At Weights & Biases or Trackio."""
    name: str | None = None
    """The run's name there; by default its folder's."""
