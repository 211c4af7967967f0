"""What a chat completion says: a text, or why there is none and whether asking again may help."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from veritune.plugins.types import Cause
from veritune.rewards.judge.backend import Reply


def read_response(response: Any) -> tuple[Reply, bool]:
    """The text of a chat completion. A body that is none is the service's failure; a refusal is the judge's choice."""
    try:
        body = response.json()
        choice = body["choices"][0]
        message = choice["message"]
        refusal, text, ending = message.get("refusal"), _said(message.get("content")), choice.get("finish_reason")
        thought = message.get("reasoning_content") or message.get("reasoning")
        usage = body.get("usage")
    except (
        Exception
    ) as error:  # whatever a body can be: nested a thousand deep, a number without end, a list for a dict
        problem = f"not a chat completion ({type(error).__name__}): {_start(response)}"
        return Reply(None, Cause.INFRA_ERROR, problem), True
    used = usage if isinstance(usage, Mapping) else {}
    spent = (_count(used.get("prompt_tokens")), _count(used.get("completion_tokens")))
    if refusal or ending == "content_filter":
        return _none(f"the judge refused: {str(refusal or 'content filter')[:500]}", spent), False
    if not text.strip():
        if thought:
            cut = "it was cut at max_tokens" if ending == "length" else f"finish_reason {ending}"
            return _none(f"the judge reasoned and gave no answer ({cut}); raise max_tokens", spent), False
        return _none("the judge answered nothing", spent), False
    if ending == "length":
        return _none("the judge's answer was cut at max_tokens", spent), False
    return Reply(text, prompt_tokens=spent[0], completion_tokens=spent[1]), False


def _none(problem: str, spent: tuple[int, int]) -> Reply:
    return Reply(None, Cause.ABSTAIN, problem, prompt_tokens=spent[0], completion_tokens=spent[1])


def _said(content: Any) -> str:
    """A content, or the texts among its parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        return ""
    parts = [part.get("text") for part in content if isinstance(part, Mapping) and part.get("type") != "reasoning"]
    return "".join(part for part in parts if isinstance(part, str))


def _count(tokens: Any) -> int:
    """A number of tokens; 0 for what is none, because an answer that was paid for is worth more than its bill."""
    if isinstance(tokens, bool) or not isinstance(tokens, int | float) or not math.isfinite(tokens):
        return 0
    return max(0, int(tokens))


def _start(response: Any) -> str:
    try:
        return str(response.text)[:200]
    except Exception:  # an encoding that nobody knows
        return "a body that cannot be read"
