"""Completions of several turns and how completions are scored: the ``rollout:`` and ``scoring:`` sections."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from veritune.trainer.config.base import Strict


class RolloutConfig(Strict):
    """Completions of several turns, between the policy and a function of the user's. See docs/episodes.md."""

    use: str
    """``file.py:function`` or ``package.module:function``: a generator function, one episode a call."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Its parameters: what it takes after ``*``."""
    max_turns: int = Field(default=8, ge=1)
    """Most turns of the policy; asked for one more, the completion counts as truncated."""
    turn_tokens: int | None = Field(default=None, ge=1)
    """Most tokens of one turn; ``sampling.max_tokens`` bounds the whole completion, the environment's text too."""
    special_tokens: bool = False
    """Special tokens in a *text* that the function answers count; without it they are broken up, as in messages."""
    threads: int = Field(default=1, ge=1)
    """Episodes whose function runs at once: more than one pays where it waits for something."""

    @field_validator("use")
    @classmethod
    def _is_a_path(cls, use: str) -> str:
        if not all(use.rpartition(":")[::2]):
            raise ValueError(f"write file.py:function or package.module:function, got {use!r}")
        return use


class ScoringConfig(Strict):
    """Where completions are scored: in this process, or on a Ray cluster by several actors of one CPU each."""

    executor: Literal["local", "ray"] = "local"
    actors: int = Field(default=4, ge=1)
    """With Ray: how many at most; as many work as the cluster has room for. Several processes share them out."""
    wait: float = Field(default=300.0, gt=0)
    """With Ray: seconds to wait for a first actor, or for the next one where all were lost, before the run ends."""
    overlap: bool = True
    """Score groups as they are complete, while others are still being drawn."""
    timeout: float | None = Field(default=None, gt=0)
    """Seconds that one call of the rewards may take; beyond it the run ends, its state saved, and says where the
    reward stands. Without it, a call of over a minute is said and waited for."""
