"""The columns that a log lacks (golds, tests), from the data set that the prompts came of."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from veritune.cli.rows import Row
from veritune.cli.scoring import PROMPTS, choose_column
from veritune.plugins import DataError
from veritune.plugins.types import is_chat, message_text, prompt_text


class Data:
    """Rows of a data set by their prompts. A prompt that came of several rows is ambiguous where these differ in a
    column that is read."""

    def __init__(self, rows: Iterable[Row], prompt: str | None, read: Collection[str] | None = None) -> None:
        self.column = prompt
        self.read = read
        """The columns that rewards read; None: all."""
        self._rows: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in rows:
            if self.column is None:
                self.column = choose_column("--data-prompt", None, PROMPTS, list(row.data))
            for key in _keys(row.data.get(self.column)):
                self._rows[key].append(row.data)

    def columns(self, prompt: Any) -> dict[str, Any]:
        """The columns of the row with that prompt. Raises DataError where there is none, or several that differ."""
        for key in _keys(prompt):
            found = self._rows.get(key)
            if not found:
                continue
            first = found[0]
            names = [name for name in first if name != self.column and (self.read is None or name in self.read)]
            if any(other.get(name) != first.get(name) for other in found[1:] for name in names):
                raise DataError(f"{len(found)} rows of the data have this prompt, and differ in what is read")
            return {name: value for name, value in first.items() if name != self.column}
        raise DataError(f"no row of the data has the prompt {prompt_text(prompt)[-80:]!r}")


def _keys(prompt: Any) -> list[str]:
    """How a prompt may be recognised: itself; its text; of a chat, what the user said last."""
    if prompt is None:
        return []
    if isinstance(prompt, str):
        return [f"text {prompt}"]
    if not is_chat(prompt):
        return [f"text {prompt}"]
    messages = [{k: v for k, v in dict(message).items() if v is not None} for message in prompt]
    users = [message_text(message) for message in messages if message.get("role") == "user"]
    texts = [prompt_text(messages), *users[-1:]]
    return [f"chat {json.dumps(messages, sort_keys=True, default=str)}", *(f"text {text}" for text in texts)]
