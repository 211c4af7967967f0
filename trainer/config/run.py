"""The run configuration: what a YAML file may say, a section a file, with defaults.

Every stage has its own: :class:`CommonConfig`, or (where a policy draws and is scored) :class:`PolicyRunConfig`, with
the stage's section added.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from veritune.trainer.config.base import Strict
from veritune.trainer.config.curriculum import CurriculumConfig
from veritune.trainer.config.data import DataConfig
from veritune.trainer.config.evaluation import EvaluationConfig
from veritune.trainer.config.grpo import GRPOConfig, WarmupConfig
from veritune.trainer.config.machine import CheckpointConfig, DistributedConfig, LogConfig
from veritune.trainer.config.model import ModelConfig
from veritune.trainer.config.rollout import RolloutConfig, ScoringConfig
from veritune.trainer.config.sampling import SamplingConfig


class CommonConfig(Strict):
    """What every run has, whatever its stage does."""

    stage: str
    """What the run does: a name of :data:`veritune.trainer.stages.table.STAGES`."""
    seed: int = 0
    output: str = "runs/run"
    resume: bool = False
    """Go on from the newest checkpoint in ``output``."""
    device: str = "auto"
    threads: int | None = Field(default=None, ge=1)
    """CPU threads of torch; by default one for models under 5 million parameters."""
    model: Any
    distributed: DistributedConfig = Field(default_factory=DistributedConfig)
    checkpoint: CheckpointConfig = Field(default_factory=CheckpointConfig)
    log: LogConfig = Field(default_factory=LogConfig)
    note: str | None = None
    """Printed at the end and in the report."""
    note_from: dict[str, float] = Field(default_factory=dict)
    """Metric of the last evaluation → what it must reach for the note to be true (``{accuracy: 0.6}``); a run that has
    not says so instead."""

    @property
    def evaluation_or_default(self) -> EvaluationConfig:
        """How evaluations are made, where the config has a section for it."""
        return EvaluationConfig()


class PolicyRunConfig(CommonConfig):
    """A run with a policy and prompts, whose completions are drawn and scored."""

    uses_mtp: ClassVar[bool] = False
    """Whether the stage trains, or draws with, the modules of ``model.mtp``."""
    model: ModelConfig
    data: DataConfig
    rewards: Any = None
    """As ``veritune score`` takes them; checked by :func:`veritune.rewards.composition.compose`."""
    preset: str | None = None
    combine: str | None = None
    undecided: str | None = None
    sampling: SamplingConfig = Field(default_factory=SamplingConfig)
    rollout: RolloutConfig | None = None
    scoring: ScoringConfig = Field(default_factory=ScoringConfig)
    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig)

    @model_validator(mode="after")
    def _stage_has_mtp(self) -> PolicyRunConfig:
        if self.model.mtp is not None and not self.uses_mtp:
            raise ValueError(f"model.mtp: the stage {self.stage} does not train it; sft and grpo do")
        if self.sampling.speculative and self.model.mtp is None:
            raise ValueError("sampling.speculative drafts with a module for multi-token prediction: set model.mtp")
        return self

    @model_validator(mode="after")
    def _stage_replays(self) -> PolicyRunConfig:
        if self.model.moe is not None and self.model.moe.replay:
            if self.stage not in ("grpo", "ppo"):
                raise ValueError(f"model.moe.replay: the stage {self.stage} does not train on what it drew; grpo does")
            if self.rollout is not None:
                raise ValueError("model.moe.replay: what episodes (rollout) draw is not recorded; leave one out")
        return self

    @property
    def evaluation_or_default(self) -> EvaluationConfig:
        return self.evaluation


class RunConfig(PolicyRunConfig):
    """``stage: grpo``, after a supervised warm-up where ``warmup`` is given. See docs/training.md."""

    uses_mtp: ClassVar[bool] = True
    stage: Literal["grpo"] = "grpo"
    warmup: WarmupConfig | None = None
    grpo: GRPOConfig = Field(default_factory=GRPOConfig)
    curriculum: CurriculumConfig | None = None

    @model_validator(mode="before")
    @classmethod
    def _stale_completions_are_weighted(cls, values: Any) -> Any:
        """With ``sampling.staleness`` the importance correction is ``truncate`` where none is named."""
        if not isinstance(values, Mapping) or not _stale(values.get("sampling")):
            return values
        grpo = values.get("grpo") or {}
        objective = grpo.get("objective") or {} if isinstance(grpo, Mapping) else None
        if not isinstance(objective, Mapping):
            return values
        return {**values, "grpo": {**grpo, "objective": {"importance": "truncate", **objective}}}


def _stale(sampling: Any) -> bool:
    found = sampling.get("staleness") if isinstance(sampling, Mapping) else None
    return isinstance(found, int) and found > 0
