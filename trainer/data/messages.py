"""Whether a prompt is one: a text, or chat messages with a role and a content each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from veritune.plugins.errors import did_you_mean

ROLES = ("system", "developer", "user", "assistant", "tool", "function", "ipython", "environment")
KEYS = ("role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content", "thinking")


def prompt_fault(prompt: Any) -> str | None:
    """Why this is no prompt, or None where it is one."""
    if isinstance(prompt, str):
        return None if prompt else "it is empty"
    if not isinstance(prompt, list):
        return f"a text or a list of messages is expected, got {prompt!r:.80} ({type(prompt).__name__})"
    if not prompt:
        return "the list of messages is empty"
    for number, message in enumerate(prompt, 1):
        fault = _message_fault(message)
        if fault is not None:
            return f"message {number}: {fault}"
    return None


def tidy(prompt: Any) -> Any:
    """Messages without keys of no value: Parquet gives every message the keys of all."""
    if not isinstance(prompt, list):
        return prompt
    return [{k: v for k, v in m.items() if v is not None} if isinstance(m, Mapping) else m for m in prompt]


def _message_fault(message: Any) -> str | None:
    if not isinstance(message, Mapping):
        return f"an object with role and content is expected, got {message!r:.80}"
    for key in ("role", "content"):
        if key not in message and not (key == "content" and message.get("tool_calls")):
            others = [name for name in message if name not in KEYS]
            close = did_you_mean(key, others)
            named = f" Its keys: {', '.join(map(str, message)) or 'none'}."
            return f"it has no {key!r}.{close.replace('Did you mean', 'Is it under')}{named}"
    role, content = message["role"], message.get("content")
    if not isinstance(role, str) or not role.strip():
        return f"its role is {role!r:.80}, not a name such as 'user'"
    if role not in ROLES and did_you_mean(role.strip().lower(), ROLES):
        return f"its role is {role!r}.{did_you_mean(role.strip().lower(), ROLES)}"
    if content is None and message.get("tool_calls"):
        return None
    if isinstance(content, str):
        return None
    if isinstance(content, list) and content:
        for block in content:
            kind = block.get("type", "text") if isinstance(block, Mapping) else None
            if kind != "text" or not isinstance(block.get("text"), str):
                return f"a block of its content is no text: {block!r:.80}"
        return None
    return f"its content is {content!r:.80}, not a text"
