"""The configuration of ``stage: reward_model``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from veritune.rewards.preference.encoding import Template, TooLong
from veritune.rewards.preference.items import View
from veritune.trainer.config.base import Strict
from veritune.trainer.config.optimizer import OptimizerConfig
from veritune.trainer.config.pairs import PreferencesConfig
from veritune.trainer.config.run import CommonConfig


class RewardModelModel(Strict):
    """A checkpoint (``path``: a classifier, or a language model that gets a fresh head) or a model from scratch."""

    path: str | None = None
    build: dict[str, Any] | None = None
    """``model_type`` and the fields of its transformers config."""
    tokenizer: str | None = None
    """Folder or hub name; by default the checkpoint's, and with ``build`` one made from the training pairs."""
    vocabulary: int = Field(default=4096, ge=300)
    """Size of a tokenizer made from the training pairs (byte-level BPE)."""
    attention: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> RewardModelModel:
        if (self.path is None) == (self.build is None):
            raise ValueError("give either model.path (a checkpoint) or model.build (a model from scratch)")
        if self.build is not None and "model_type" not in self.build:
            raise ValueError("model.build needs a model_type, such as qwen3")
        return self


class PairsConfig(PreferencesConfig):
    """Preference pairs: a prompt (text, messages or none), a chosen and a rejected answer (text or messages). From the
    file ``train``, or made from scored ``completions``."""

    held_out: float = Field(default=0.2, gt=0, lt=1)
    """The share, picked by a checksum of the prompt: one prompt is never on both sides."""
    margin: str | None = None
    """Column of how much better the chosen answer is."""
    view: View = "full"
    """What is read of each answer, as ``preference`` will show it: all of it, the ``summary`` after the thought, or the
    ``reasoning``. Pairs that are alike in that are left out."""
    template: Template = "auto"
    eos: bool = False
    """Train with the end-of-text token. It is written into the checkpoint for ``preference``; TRL does not add it."""
    max_length: int = Field(default=1024, ge=8)
    too_long: TooLong = "cut_middle"
    """``refuse`` drops the pair."""

    @model_validator(mode="after")
    def _has_pairs(self) -> PairsConfig:
        if self.train is None and self.completions is None:
            raise ValueError("name a file of pairs (train) or scored completions to make them of (completions)")
        if self.margin is not None and self.completions is not None:
            raise ValueError("margin is a column of a file of pairs; pairs made of completions are preferences alone")
        return self


class RewardModelStage(OptimizerConfig):
    """loss = −log σ(r_chosen − r_rejected − margin) + centre · (r_chosen + r_rejected)²."""

    epochs: int = Field(default=1, ge=1)
    batch: int = Field(default=16, ge=1)
    """Pairs a step."""
    lr: float = Field(default=1e-5, gt=0)
    centre: float = Field(default=0.0, ge=0)
    """Weight of the term that keeps rewards around zero (Eisenstein et al. 2312.09244); TRL's
    ``center_rewards_coefficient``."""
    token_budget: int = Field(default=16_384, ge=1)
    """Padded tokens of one forward pass; changes memory, never the result."""


class RewardModelConfig(CommonConfig):
    """``veritune train CONFIG`` with ``stage: reward_model``. See docs/preference.md."""

    stage: Literal["reward_model"] = "reward_model"
    output: str = "runs/reward_model"
    model: RewardModelModel
    data: PairsConfig
    reward_model: RewardModelStage = Field(default_factory=RewardModelStage)
