"""The ``evaluation:`` section."""

from __future__ import annotations

from pydantic import Field

from veritune.trainer.config.base import Strict


class EvaluationConfig(Strict):
    """How held-out completions are drawn; it applies to every set of ``data.eval`` that ``sets`` does not change."""

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
    """Evaluations in a row without a better ``best`` that end the stage."""
    metric: str = "accuracy"
    """The reward (by alias) that counts as accuracy in the summary and in pass@k."""
    best: str | None = None
    """The number that ``patience`` and ``checkpoint.best`` go by, as metrics.jsonl calls it: ``reward``, ``pass@4``,
    ``eval/gsm8k/accuracy`` …; by default accuracy, or the mean reward where there is none. Of several sets the plain
    names are the mean over them."""
    sets: dict[str, EvaluationSetConfig] = Field(default_factory=dict)
    """What is different for a set of ``data.eval``, by its name."""


class EvaluationSetConfig(Strict):
    """One set's own settings; what is not given is as in ``evaluation``."""

    prompts: int | None = Field(default=None, ge=1)
    samples: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=0)
    min_p: float | None = Field(default=None, ge=0, lt=1)
    max_tokens: int | None = Field(default=None, ge=1)
    metric: str | None = None


EvaluationConfig.model_rebuild()


def settings_of(config: EvaluationConfig, name: str) -> EvaluationConfig:
    """The settings of one set, its own filled up from those of all."""
    own = config.sets.get(name)
    return config if own is None else config.model_copy(update=own.model_dump(exclude_none=True))
