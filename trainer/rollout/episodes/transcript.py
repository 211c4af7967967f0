"""What one episode has so far: its tokens, who wrote them, and how they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from veritune.trainer.data.rollouts import Finish, Rollout


@dataclass(frozen=True)
class Turn:
    """What the policy wrote before the word went to the function. A function can be tested with ``Turn("a text")``."""

    text: str
    """Without a closing end-of-sequence token."""
    token_ids: list[int] = field(default_factory=list)
    """As drawn, with it."""
    finish: Finish = "stop"
    """``eos``, ``stop`` (one of ``sampling.stop`` came) or ``length`` (cut at ``rollout.turn_tokens``)."""
    messages: list[dict[str, Any]] = field(default_factory=list)
    """The completion so far as chat messages; this turn ends the last one."""
    number: int = 1
    """The first turn is 1."""


@dataclass
class Transcript:
    """The completion while it grows. ``token_ids``, ``logprobs`` and ``written`` have one entry a token."""

    prompt_index: int
    prompt_ids: list[int]
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    written: list[bool] = field(default_factory=list)
    text: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)
    is_chat: bool = False
    """The environment has answered with messages."""
    turns: int = 0
    forwards: int | None = None
    """Of speculative decoding, over all turns: as in a rollout."""
    drafted: int = 0
    accepted: int = 0

    @property
    def context(self) -> list[int]:
        return self.prompt_ids + self.token_ids

    def write(self, token_ids: Sequence[int], logprobs: Sequence[float], text: str, finish: Finish) -> Turn:
        """Append a turn of the policy, token by token as it was drawn."""
        self.token_ids += token_ids
        self.logprobs += logprobs
        self.written += [True] * len(token_ids)
        self._continue(text)
        self.turns += 1
        return Turn(text, list(token_ids), finish, [dict(m) for m in self.messages], self.turns)

    def count(self, turn: Rollout) -> None:
        """What drawing a turn took, where drafts were checked. What was drawn beyond the episode's limit is part of
        it."""
        if turn.forwards is not None:
            self.forwards = (self.forwards or 0) + turn.forwards
            self.drafted, self.accepted = self.drafted + turn.drafted, self.accepted + turn.accepted

    def insert_text(self, text: str, token_ids: Sequence[int]) -> None:
        """Append environment text, inside the assistant's message."""
        self._insert(token_ids)
        self._continue(text)

    def insert_messages(self, messages: Sequence[Mapping[str, Any]], rendered: str, token_ids: Sequence[int]) -> None:
        """Append environment messages; what the policy writes next is a message of its own."""
        self._insert(token_ids)
        self.text += rendered
        self.messages += [dict(m) for m in messages]
        self.is_chat = True

    def rollout(self, finish: Finish) -> Rollout:
        messages = self.messages if self.is_chat else None
        return Rollout(
            self.prompt_index,
            self.prompt_ids,
            self.token_ids,
            self.logprobs,
            finish,
            self.text,
            self.written,
            messages,
            self.turns,
            forwards=self.forwards,
            drafted=self.drafted,
            accepted=self.accepted,
        )

    def _insert(self, token_ids: Sequence[int]) -> None:
        self.token_ids += token_ids
        self.logprobs += [0.0] * len(token_ids)
        self.written += [False] * len(token_ids)

    def _continue(self, text: str) -> None:
        self.text += text
        if not self.messages or self.messages[-1]["role"] != "assistant":
            self.messages.append({"role": "assistant", "content": ""})
        self.messages[-1]["content"] += text
