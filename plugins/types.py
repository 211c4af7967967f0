"""The words everything else is written in: Sample, Verdict, Score, and why something stays undecided."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol, TypeAlias, cast

Message: TypeAlias = Mapping[str, Any]
Text: TypeAlias = str | Sequence[Message]
"""A string, or chat messages with ``role`` and ``content``."""


class Cause(str, Enum):
    """Why there is no number. None of these is ever a zero."""

    INVALID_GOLD = "invalid_gold"
    """The dataset's answer is missing or cannot be read."""
    TIMEOUT = "timeout"
    """Our own deadline ran out before the checker had its share of CPU."""
    INFRA_ERROR = "infra_error"
    """A worker, sandbox or service of ours failed."""
    INTERNAL_ERROR = "internal_error"
    """A fault of ours while a text was read or compared; its input is kept for a report (``plugins/faults.py``)."""
    ABSTAIN = "abstain"
    """The verifier cannot decide this kind of answer."""
    NOT_APPLICABLE = "not_applicable"
    """The reward has no opinion on this sample (rewards only)."""

    def __str__(self) -> str:
        return self.value


def message_text(message: Message) -> str:
    """What one chat message says; blocks with a text are joined, those of reasoning and all others are skipped."""
    content = message.get("content")
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        blocks = [block for block in content if isinstance(block, Mapping) and not _reasons(block)]
        parts = [block.get("text") or "" for block in blocks]
        return "".join(part for part in parts if isinstance(part, str))
    return str(content)


_REASONING = ("thinking", "reasoning")
_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_details", "thinking_blocks")
_SAID_IN = ("thinking", "reasoning", "text", "summary", "content")


def message_reasoning(message: Message) -> str:
    """The reasoning that a server parsed out of a message, ``""`` without.

    Read are the fields ``reasoning_content`` (vLLM, SGLang, DeepSeek), ``reasoning``, ``thinking``,
    ``reasoning_details`` and ``thinking_blocks`` (OpenRouter, Ollama, LiteLLM), and content blocks whose type begins
    with ``thinking`` or ``reasoning``, with their summaries: all of them, what two of them repeat once.
    """
    content = message.get("content")
    blocks = content if isinstance(content, Sequence) and not isinstance(content, str) else ()
    own = [block for block in blocks if isinstance(block, Mapping) and _reasons(block)]
    found: list[str] = []
    for said in (*(_reasoned(message.get(key)) for key in _FIELDS), _reasoned(own)):
        if said.strip() and not any(said.strip() in other for other in found):
            found.append(said)
    return "\n\n".join(found)


def _reasons(block: Mapping[str, Any]) -> bool:
    return str(block.get("type", "")).startswith(_REASONING)


def _reasoned(said: Any, depth: int = 0) -> str:
    """What a field or block of reasoning says: a text, or the texts of its parts."""
    if isinstance(said, str):
        return said
    if depth > 4:
        return ""
    if isinstance(said, Mapping):
        return "".join(_reasoned(said.get(key), depth + 1) for key in _SAID_IN)
    return "".join(_reasoned(each, depth + 1) for each in said) if isinstance(said, list | tuple) else ""


def _whole_message(message: Message) -> str:
    """A message with its parsed reasoning where the policy wrote it; never closed where no answer followed.

    An answer that still has the reasoning in it is whole; one that thinks again has thought twice. The server that cut
    the message kept or dropped the white space at the seam as it pleased, so that is one line break here, the shape
    every style takes; an indented first line of the answer stays indented.
    """
    answer, reasoning = message_text(message), message_reasoning(message)
    if not reasoning or ("</think>" in answer and reasoning.strip() in answer):
        return answer
    if not answer.strip() and not message.get("tool_calls"):
        return f"<think>\n{reasoning}"
    return f"<think>\n{reasoning}\n</think>\n{_SEAM.sub('', answer)}"


_SEAM = re.compile(r"\A(?:\s+(?=<)|\s*\n)")


def completion_text(completion: Text) -> str:
    """What the policy wrote, as one string: of chat messages, the last assistant turn.

    Tool runs end in ``assistant, tool, assistant``: the answer is in the last assistant message, not in the first.
    Reasoning that a server parsed into a field of its own stands before the answer in ``<think>`` again. A conversation
    without an assistant turn has the text ``""``. Raises TypeError for anything else.
    """
    if isinstance(completion, str):
        return completion
    if not is_chat(completion):
        raise TypeError(f"a completion is a text or a chat (a list of messages), got {completion!r:.120}")
    for message in reversed(completion):
        if message.get("role", "assistant") == "assistant":
            return _whole_message(message)
    return ""


def is_chat(value: object) -> bool:
    """Whether this is a list of chat messages."""
    is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    return is_list and all(isinstance(message, Mapping) for message in cast("Sequence[object]", value))


def prompt_text(prompt: Text | None) -> str:
    """A prompt as one string: of chat messages, all contents joined by blank lines."""
    if prompt is None:
        return ""
    if isinstance(prompt, str):
        return prompt
    return "\n\n".join(message_text(message) for message in prompt)


@dataclass(frozen=True, slots=True)
class Sample:
    """One completion with everything known about it."""

    completion: Text
    prompt: Text | None = None
    completion_ids: Sequence[int] | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    """The dataset's columns of this row."""

    @property
    def text(self) -> str:
        """The completion as one string (the last assistant turn)."""
        return completion_text(self.completion)

    @property
    def prompt_text(self) -> str:
        """The prompt as one string."""
        return prompt_text(self.prompt)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verifier's finding. ``correct`` is None exactly where ``cause`` says why it is undecided."""

    correct: bool | None
    cause: Cause | None = None
    score: float | None = None
    """In [0, 1], e.g. the fraction of tests passed; by default 1 or 0 by ``correct``, None where undecided."""
    extracted: str | None = None
    expected: str | None = None
    reason: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """Stage that decided, limits hit, isolation tier, seconds …"""

    def __post_init__(self) -> None:
        if (self.correct is None) != (self.cause is not None):
            raise ValueError("a Verdict is decided (correct is True or False) or has a cause, never both or neither")
        if self.score is None and self.correct is not None:
            object.__setattr__(self, "score", float(self.correct))
        if self.correct is None and self.score is not None:
            raise ValueError("an undecided Verdict has no score")
        if self.score is not None and not 0.0 <= self.score <= 1.0:
            raise ValueError(f"a Verdict's score lies in [0, 1], got {self.score!r}")

    @classmethod
    def right(cls, reason: str = "", **fields: Any) -> Verdict:
        return cls(True, reason=reason, **fields)

    @classmethod
    def wrong(cls, reason: str = "", **fields: Any) -> Verdict:
        return cls(False, reason=reason, **fields)

    @classmethod
    def undecided(cls, cause: Cause, reason: str = "", **fields: Any) -> Verdict:
        return cls(None, cause=cause, reason=reason, **fields)


@dataclass(frozen=True, slots=True)
class Score:
    """A reward's finding for one sample: a number, or None with its cause; always with a reason."""

    value: float | None
    reason: str = ""
    verdict: Verdict | None = None
    cause: Cause | None = None
    parts: Mapping[str, Any] = field(default_factory=dict)
    """Components of a composed score, by alias."""

    def __post_init__(self) -> None:
        if self.value is None:
            if self.cause is None:
                cause = self.verdict.cause if self.verdict is not None else None
                object.__setattr__(self, "cause", cause or Cause.NOT_APPLICABLE)
        elif self.cause is not None:
            raise ValueError(f"a Score with a value has no cause, got value={self.value!r} and cause={self.cause}")
        elif not math.isfinite(self.value):
            raise ValueError(f"a Score's value is a finite number or None, got {self.value!r}")

    @classmethod
    def of(cls, verdict: Verdict, right: float = 1.0, wrong: float = 0.0) -> Score:
        """The score of a verdict: ``right`` or ``wrong``, or None with the verdict's cause."""
        if verdict.correct is None:
            return cls(None, verdict.reason, verdict, verdict.cause)
        return cls(right if verdict.correct else wrong, verdict.reason, verdict)

    @classmethod
    def none(cls, reason: str, cause: Cause = Cause.NOT_APPLICABLE) -> Score:
        """No number: the reward does not apply, or could not decide (``cause``)."""
        return cls(None, reason, cause=cause)


class Verifier(Protocol):
    """Decides whether a completion is right. Undecided is a verdict with a cause, never an exception or a zero."""

    def verify(self, completion: str, gold: Any) -> Verdict:
        """The verdict on one completion."""

    def verify_batch(self, pairs: Sequence[tuple[str, Any]]) -> list[Verdict]:
        """One verdict a ``(completion, gold)`` pair, in order."""
