"""What a completion calls: of chat messages their ``tool_calls``, of texts the calls written in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from veritune.plugins.types import Message, Text, is_chat, message_text
from veritune.verifiers.math.extraction.echo import has_own_words
from veritune.verifiers.math.extraction.reasoning import opens_reasoning, strip_reasoning
from veritune.verifiers.tool_calls.calls import MAX_CALLS, MAX_LENGTH, Call, Malformed, checked, from_json, load
from veritune.verifiers.tool_calls.text import Written, calls_of

_MARKS = re.compile(r"[<\[{(]")
Prefilled = bool | Literal["auto"]


def completion_calls(completion: Text, prompt: str = "", prefilled: Prefilled = "auto") -> Written:
    """The calls of a completion; of a chat, those of all its assistant turns in order.

    A turn with ``tool_calls`` (OpenAI's objects, arguments as text or as transformers has them) makes these and no
    others. A text makes the calls that are written behind its reasoning; reasoning that never ends makes none.
    """
    if isinstance(completion, str):
        opened = opens_reasoning(prompt) if prefilled == "auto" else prefilled
        return Written() if _copied(completion, prompt) else _of_text(completion, opened)
    if not is_chat(completion):
        raise TypeError(f"a completion is a text or a chat (a list of messages), got {completion!r:.120}")
    calls: list[Call] = []
    form = ""
    for message in completion:
        if message.get("role", "assistant") != "assistant":
            continue
        found = _of_message(message)
        calls += found.calls
        form = found.form or form
        if found.fault:
            return Written(tuple(calls), form, found.fault)
    if len(calls) > MAX_CALLS:
        return Written((), form, f"it makes more than {MAX_CALLS} calls")
    return Written(tuple(calls), form)


def _copied(text: str, prompt: str) -> bool:
    """Whether a completion stands in its prompt, an example with words of its own before the call."""
    flat = " ".join(text[-MAX_LENGTH:].split())
    return len(flat) < len(prompt) and flat in " ".join(prompt.split()) and has_own_words(_MARKS.split(flat)[0])


def _of_text(text: str, opened: bool = False) -> Written:
    text = text[-MAX_LENGTH:]
    if "<|message|>" in text and "to=" in text:  # Harmony's calls stand in channels that are no answer
        found = calls_of(text)
        if found.form == "harmony":
            return found
    rest = strip_reasoning(text, opened=opened)
    return Written() if rest is None else calls_of(rest)


def _of_message(message: Message) -> Written:
    given: Any = message.get("tool_calls")
    if given is None and isinstance(message.get("function_call"), Mapping):
        given = [message["function_call"]]
    if hasattr(given, "tolist"):
        given = given.tolist()
    if not given:
        return _of_text(message_text(message))
    try:
        if not isinstance(given, Sequence) or isinstance(given, str):
            raise Malformed("tool_calls is no list")
        return Written(tuple(call for item in given[: MAX_CALLS + 1] for call in message_calls(item)), "tool_calls")
    except Malformed as error:
        return Written((), "tool_calls", f"a call cannot be read: {error}")


def message_calls(item: Any) -> list[Call]:
    """The call of an entry of ``tool_calls``; its arguments are an object or the JSON text of one. Raises Malformed."""
    entry = dict(item) if isinstance(item, Mapping) else item
    if isinstance(entry, dict) and isinstance(entry.get("function"), Mapping):
        entry = dict(entry["function"])
    if isinstance(entry, dict) and isinstance(entry.get("arguments"), str):
        text = entry["arguments"].strip()
        entry["arguments"] = load(text[:MAX_LENGTH]) if text else {}
    return list(from_json(checked(entry)))
