"""The run configuration: what a YAML file may say, a section a file, with defaults."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from veritune.trainer.config.base import Strict
from veritune.trainer.config.data import DataConfig
from veritune.trainer.config.evaluation import EvaluationConfig
from veritune.trainer.config.grpo import GRPOConfig, WarmupConfig
from veritune.trainer.config.machine import CheckpointConfig, DistributedConfig, LogConfig
from veritune.trainer.config.model import ModelConfig
from veritune.trainer.config.rollout import RolloutConfig, ScoringConfig
from veritune.trainer.config.sampling import SamplingConfig


class RunConfig(Strict):
    """One run, one folder. See docs/training.md."""

    seed: int = 0
    output: str = "runs/run"
    resume: bool = False
    """Go on from the newest checkpoint in ``output``."""
    device: str = "auto"
    threads: int | None = Field(default=None, ge=1)
    """CPU threads of torch; by default one for models under 5 million parameters."""
    model: ModelConfig
    data: DataConfig
    rewards: Any = None
    """As ``veritune score`` takes them; checked by :func:`veritune.rewards.composition.compose`."""
    preset: str | None = None
    combine: str | None = None
    undecided: str | None = None
    warmup: WarmupConfig | None = None
    grpo: GRPOConfig = Field(default_factory=GRPOConfig)
    sampling: SamplingConfig = Field(default_factory=SamplingConfig)
    rollout: RolloutConfig | None = None
    scoring: ScoringConfig = Field(default_factory=ScoringConfig)
    distributed: DistributedConfig = Field(default_factory=DistributedConfig)
    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig)
    checkpoint: CheckpointConfig = Field(default_factory=CheckpointConfig)
    log: LogConfig = Field(default_factory=LogConfig)
    note: str | None = None
    """Printed at the end and in the report."""
