"""A completion as tokens: what the samplers draw and the update trains on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Finish = Literal["eos", "stop", "length"]


@dataclass
class Rollout:
    """One completion as tokens. ``token_ids`` includes the end-of-sequence token where the model wrote it."""

    prompt_index: int
    prompt_ids: list[int]
    token_ids: list[int]
    logprobs: list[float]
    finish: Finish
    text: str = ""
    written: list[bool] | None = None
    """Which tokens the policy wrote; None: all. What an environment put between its turns is not trained on."""
    messages: list[dict[str, Any]] | None = None
    """The completion as chat messages, where a conversation went to and fro; rewards then see these."""
    turns: int = 1
    """How often the policy had the word."""
    age: int = 0
    """How many optimizer steps old the weights that drew it are when training on it begins."""
    scored_at: int = 0
    """The step by which its rewards' schedules went."""

    @property
    def truncated(self) -> bool:
        return self.finish == "length"

    @property
    def tokens_written(self) -> int:
        return len(self.token_ids) if self.written is None else sum(self.written)
