"""The ``dpo:`` section."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from veritune.trainer.config.optimizer import UpdateConfig
from veritune.trainer.config.pairs import PreferencesConfig
from veritune.trainer.config.run import PolicyRunConfig
from veritune.trainer.objective.dpo import PairObjective


class DPOConfig(UpdateConfig):
    """Direct preference optimisation. The reference is the policy as the run begins."""

    pairs: PreferencesConfig = Field(default_factory=PreferencesConfig)
    epochs: float = Field(default=1.0, gt=0)
    """Passes over the pairs."""
    steps: int | None = Field(default=None, ge=0)
    """In place of ``epochs``."""
    batch: int = Field(default=16, ge=1)
    """Pairs a step."""
    objective: PairObjective = Field(default_factory=PairObjective)
    max_tokens: int | None = Field(default=None, ge=2)
    """Pairs of which a prompt with its answer is longer are left out, and counted."""


class DPORunConfig(PolicyRunConfig):
    """``stage: dpo``. Rewards, and prompts to draw from (``data``), are for the evaluation. See docs/stages.md."""

    stage: Literal["dpo"] = "dpo"
    dpo: DPOConfig = Field(default_factory=DPOConfig)
