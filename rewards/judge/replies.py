"""What a chat completion says: a text, or why there is none and whether asking again may help."""

from __future__ import annotations

import codecs
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from veritune.plugins.types import Cause
from veritune.rewards.judge.backend import Reply


def read_response(response: Any) -> tuple[Reply, bool]:
    """The text of a chat completion. A body that is none is the service's failure; a refusal is the judge's choice."""
    try:
        body = _body(response)
        choice = _first(body["choices"])
        message = choice["message"]
        refusal, text, ending = message.get("refusal"), _said(message.get("content")), choice.get("finish_reason")
        text = text if text.strip() else _called(message.get("tool_calls"))
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


def _body(response: Any) -> Any:
    """The JSON of a body in the charset that it declares; in one that nobody knows, in what it looks like."""
    raw: bytes | str = response.content
    try:
        declared = codecs.lookup(response.charset_encoding or "utf-8").name
        if not declared.startswith("utf-8"):
            raw = response.content.decode(declared)
    except LookupError:
        pass
    return json.loads(raw, parse_int=_whole)


def _whole(digits: str) -> int | float:
    """A whole number of any length; one that Python would refuse to read is infinite."""
    return int(digits) if len(digits) < 1000 else math.inf


def _first(choices: Any) -> Any:
    """The choice that says it is the first, else the one that stands first."""
    if isinstance(choices, Mapping) or not choices:
        raise ValueError("no choices")
    return next((each for each in choices if isinstance(each, Mapping) and each.get("index") == 0), choices[0])


def _said(content: Any) -> str:
    """A content, or the texts among its parts; an object in a text's place is what a judge was to write as text."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        return _said(content["text"]) if "text" in content else json.dumps(content)
    if not isinstance(content, Sequence):
        return ""
    return "".join(map(_part, content))


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping) or part.get("type") in ("reasoning", "thinking"):
        return ""
    text = part.get("text")
    text = text.get("value") if isinstance(text, Mapping) else text
    return text if isinstance(text, str) else ""


def _called(calls: Any) -> str:
    """The arguments of the one tool that a judge called in place of writing."""
    if not isinstance(calls, list) or len(calls) != 1:
        return ""
    arguments = calls[0]["function"]["arguments"]
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def _count(tokens: Any) -> int:
    """A number of tokens; 0 for what is none, because an answer that was paid for is worth more than its bill."""
    if isinstance(tokens, bool) or not isinstance(tokens, int | float) or tokens != tokens:
        return 0
    return 0 if tokens == math.inf else int(min(max(0, tokens), _MOST_TOKENS))


_MOST_TOKENS = 10**12


def _start(response: Any) -> str:
    try:
        return str(response.text)[:200]
    except Exception:  # an encoding that nobody knows
        return "a body that cannot be read"
