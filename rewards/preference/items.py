"""What a reward model reads: a prompt and the part of the completion that is judged. Plain data: it travels as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from veritune.plugins.types import Sample, Text
from veritune.rewards.text import THINK_CLOSE, THINK_OPEN, Prefilled, after_think, whole_text

View: TypeAlias = Literal["full", "summary", "reasoning"]
"""All of the completion, what follows the reasoning, or the reasoning alone."""


@dataclass(frozen=True)
class Item:
    """One text to be scored. ``completion`` is a string, or the chat turns that follow the prompt."""

    prompt: Text | None
    completion: Text


def view_text(sample: Sample, view: View, prefilled: Prefilled = "auto") -> str | None:
    """The part of a completion that ``view`` names; None where there is no such part.

    ``summary`` is what follows the last ``</think>``: the empty string where the reasoning never ended, because that
    is what a user would see, and everything where no tag occurs. ``reasoning`` is what stands before the last
    ``</think>`` without the tags; None where no tag occurs.
    """
    if view == "full":
        return sample.text
    text = whole_text(sample, prefilled)
    opened, closed = THINK_OPEN in text, THINK_CLOSE in text
    if view == "summary":
        if closed:
            return after_think(text).strip()
        return "" if opened else text
    if not opened and not closed:
        return None
    thought = text.rpartition(THINK_CLOSE)[0] if closed else text
    return thought.replace(THINK_OPEN, "").replace(THINK_CLOSE, "").strip()


def make_item(sample: Sample, view: View, prefilled: Prefilled = "auto") -> Item | None:
    """The item of one sample, or None where the completion has no part of that name."""
    if view == "full":
        return Item(_encodable(sample.prompt), _encodable(sample.completion))
    text = view_text(sample, view, prefilled)
    if text is None:
        return None
    prompt, text = _encodable(sample.prompt), _encodable(text)
    if isinstance(prompt, str) or prompt is None:
        return Item(prompt, text)
    return Item(prompt, [{"role": "assistant", "content": text}])


def _encodable(text: Any) -> Any:
    """Without lone surrogates, which no tokenizer and no request takes; messages and their parts likewise."""
    if isinstance(text, str):
        return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
    if isinstance(text, Mapping):
        return {key: _encodable(value) for key, value in text.items()}
    if isinstance(text, list | tuple):
        return [_encodable(value) for value in text]
    return text


def messages_of(text: Text | None, role: str) -> list[Mapping[str, Any]]:
    """Chat messages; a string becomes one message of ``role``."""
    if text is None or (isinstance(text, str) and not text):
        return []
    if isinstance(text, str):
        return [{"role": role, "content": text}]
    return list(text)


def to_json(items: Sequence[Item]) -> list[dict[str, Any]]:
    """Items as plain data."""
    return [{"prompt": _plain(item.prompt), "completion": _plain(item.completion)} for item in items]


def from_json(values: Sequence[Mapping[str, Any]]) -> list[Item]:
    """Items from plain data. Raises KeyError where one has no completion."""
    return [Item(value.get("prompt"), value["completion"]) for value in values]


def _plain(text: Text | None) -> Any:
    return text if text is None or isinstance(text, str) else [dict(message) for message in text]
