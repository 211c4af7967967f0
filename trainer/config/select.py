"""The ``select:`` section: rejection sampling."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from veritune.trainer.config.base import Strict
from veritune.trainer.config.run import PolicyRunConfig
from veritune.trainer.config.sft import ConversationsConfig


class MixConfig(ConversationsConfig):
    """Rows that stand among the selected ones as they are, such as writing and questions of fact."""

    train: str
    share: float = Field(default=0.25, gt=0, lt=1)
    """Of all rows that are written."""


class SelectConfig(Strict):
    """Draw ``samples`` completions of every prompt, keep the good ones, at most ``most`` a prompt."""

    steps: int = Field(default=100, ge=0)
    epochs: float | None = Field(default=None, gt=0)
    """Passes over the rows of ``data.train``, in place of ``steps``: these and no prompt more."""
    prompts: int = Field(default=16, ge=1)
    """Prompts a step."""
    samples: int = Field(default=8, ge=1)
    """Completions a prompt."""
    keep: dict[str, float] = Field(default_factory=dict)
    """The least value of each reward (by alias; ``reward`` is the whole): ``{accuracy: 1, language: 0.95}``. By default
    1 of ``evaluation.metric``. What is undecided is not kept."""
    most: int = Field(default=1, ge=1)
    """Completions kept of one prompt, however often it is met: in several rows, or in several passes."""
    choose: Literal["best", "shortest", "first"] = "best"
    """Which of them: the highest reward, the fewest tokens, or as they were drawn; equal ones as drawn."""
    truncated: bool = False
    """Whether completions cut at ``sampling.max_tokens`` may be kept."""
    least_tokens: int = Field(default=1, ge=1)
    most_tokens: int | None = Field(default=None, ge=1)
    longest_paragraph: int | None = Field(default=None, ge=1)
    """Characters of the longest paragraph; completions with a longer one are dropped."""
    code_blocks: bool = True
    """Whether completions with fenced code (three backticks or tildes) may be kept."""
    repeated: float | None = Field(default=None, ge=0, le=1)
    """The largest share of a completion's words that only repeats its own runs of ``repeated_run`` words."""
    repeated_run: int = Field(default=10, ge=2)
    duplicates: bool = False
    """Whether the same words may be kept twice for one prompt."""
    mix: MixConfig | None = None

    @model_validator(mode="after")
    def _lengths_make_sense(self) -> SelectConfig:
        if self.most_tokens is not None and self.most_tokens < self.least_tokens:
            raise ValueError("select.most_tokens is below select.least_tokens: nothing would be kept")
        if self.most > self.samples:
            raise ValueError(f"select.most={self.most} of select.samples={self.samples}: fewer are drawn")
        return self


class SelectRunConfig(PolicyRunConfig):
    """``stage: select``. See docs/recipe.md."""

    uses_mtp: ClassVar[bool] = True
    stage: Literal["select"] = "select"
    select: SelectConfig = Field(default_factory=SelectConfig)
