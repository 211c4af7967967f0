"""A completion as tokens: what the samplers draw and the update trains on."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    experts: Any = field(default=None, compare=False, repr=False)
    """(L, M, K) the experts that each of its tokens but the last had in each router when it was drawn, where the
    sampler recorded them; the prompt's tokens first."""

    forwards: int | None = None
    """Of speculative decoding: how often the model was run for it, and how many drafts were checked and accepted."""
    drafted: int = 0
    accepted: int = 0

    @property
    def truncated(self) -> bool:
        return self.finish == "length"

    @property
    def tokens_written(self) -> int:
        return len(self.token_ids) if self.written is None else sum(self.written)
