"""Where preference pairs come from: columns of files, or scored completions of an earlier run."""

from __future__ import annotations

from pydantic import Field, model_validator

from veritune.trainer.config.base import Strict


class PairFiles(Strict):
    """A file of pairs and its columns."""

    train: str | None = None
    eval: str | None = None
    """Held-out pairs; by default a share of the prompts of ``train``."""
    held_out: float = Field(default=0.0, ge=0, lt=1)
    """The share, picked by a checksum of the prompt: one prompt is never on both sides."""
    prompt: str | None = "prompt"
    chosen: str = "chosen"
    rejected: str = "rejected"
    limit: int | None = Field(default=None, ge=1)


class PreferencesConfig(PairFiles):
    """The pairs of ``stage: dpo``: the file ``train`` (by default ``data.train``), or made from ``completions``; those
    of ``stage: reward_model`` likewise."""

    completions: str | list[str] | None = None
    """Scored completions, in place of ``train``: files with the columns prompt, completion and reward, or folders of
    them, such as ``completions/`` of an earlier run (its ``evaluation-*`` files, of held-out prompts, are passed
    over). Of every prompt the best is paired with the worst, the second best with the second worst, and so on."""
    by: str = "reward"
    """The column that ranks them: the whole reward, or a component's, such as ``reward/helpful``."""
    per_prompt: int = Field(default=1, ge=1)
    """Most pairs of one prompt."""
    min_gap: float = Field(default=0.0, ge=0)
    """A pair's rewards (of ``by``) differ by more than this."""

    @model_validator(mode="after")
    def _one_source(self) -> PreferencesConfig:
        if self.train is not None and self.completions is not None:
            raise ValueError("give either train (a file of pairs) or completions (scored ones, to make pairs of)")
        fields = type(self).model_fields  # a resolved config says every default
        made = [name for name in ("per_prompt", "min_gap", "by") if getattr(self, name) != fields[name].default]
        if self.completions is None and made:
            raise ValueError(f"{made[0]} is for pairs made of completions; name them with completions")
        return self
