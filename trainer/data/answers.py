"""Answers and prompts of rows, each fault with the row it is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from veritune.plugins import DataError, Text, VerituneError
from veritune.plugins.types import completion_text
from veritune.trainer.data.prompts import PromptEncoder


def one_answer(answer: Any) -> str | None:
    """The text of an answer: a text, or the one message of the assistant's that a list holds; else None."""
    if isinstance(answer, str):
        return answer
    message = answer[0] if isinstance(answer, list) and len(answer) == 1 else None
    if not isinstance(message, Mapping) or message.get("role", "assistant") != "assistant":
        return None
    return completion_text([message]) if message.get("content") is not None else None


def encode_prompts(
    prompts: Sequence[Text], encode: PromptEncoder, where: str, what: str = "row", first: int = 1
) -> list[list[int]]:
    """Token ids of prompts. Raises DataError for what cannot be rendered, naming the first that cannot."""
    try:
        return encode.many(prompts)
    except (VerituneError, ValueError, TypeError):
        for number, prompt in enumerate(prompts, first):
            try:
                encode(prompt)
            except (VerituneError, ValueError, TypeError) as error:
                raise DataError(f"{where}, {what} {number}: {error}") from error
        raise
