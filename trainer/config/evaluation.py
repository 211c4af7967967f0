"""The ``evaluation:`` section."""

from __future__ import annotations

from pydantic import Field

from veritune.trainer.config.base import Strict


class EvaluationConfig(Strict):
    prompts: int = Field(default=128, ge=1)
    samples: int = Field(default=1, ge=1)
    """Completions a prompt; more than one adds pass@k."""
    every: int | None = Field(default=None, ge=0)
    """Steps between evaluations; before and after training there is always one, and with 0 or null no other."""
    temperature: float | None = Field(default=None, ge=0)
    """By default the sampling temperature; 0 is greedy."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=0)
    min_p: float | None = Field(default=None, ge=0, lt=1)
    max_tokens: int | None = Field(default=None, ge=1)
    """These four: by default as in training."""
    patience: int | None = Field(default=None, ge=1)
    """Evaluations in a row without a better ``metric`` (or, where it is no reward's name, mean reward) that end the
    stage."""
    metric: str = "accuracy"
    """The reward (by alias) that counts as accuracy in the summary and in pass@k."""
