"""The rows of a dataset as an audit sees them: question, right answer, completions where there are any."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from veritune.plugins import ColumnError
from veritune.plugins.columns import GOLD_COLUMNS
from veritune.plugins.errors import did_you_mean
from veritune.plugins.golds import gold_texts
from veritune.plugins.types import Text, completion_text, is_chat, prompt_text

PROMPTS = ("prompt", "question", "problem", "instruction", "quiz", "statement", "query", "input")
COMPLETIONS = ("completions", "responses", "completion", "response", "output", "prediction")
_NOT_THE_QUESTION = ("id", "idx", "index", "source", "set", "split", "lang", "solvable", "solution", "label")


@dataclass(frozen=True)
class Layout:
    """Which columns hold what."""

    prompt: str | None
    completion: str | None
    gold: str | None


@dataclass(frozen=True)
class AuditRow:
    """One row of the data."""

    place: str
    data: Mapping[str, Any]
    layout: Layout = field(default_factory=lambda: Layout(None, None, None))

    @property
    def prompt(self) -> Text | None:
        value = self.data.get(self.layout.prompt) if self.layout.prompt is not None else None
        return value if value is None or isinstance(value, str) or is_chat(value) else str(value)

    @property
    def prompt_text(self) -> str:
        return prompt_text(self.prompt)

    @property
    def question(self) -> str:
        """What makes two rows the same question: the prompt, or without one all that is no answer and no name."""
        if self.layout.prompt is not None:
            return self.prompt_text
        skipped = {*_NOT_THE_QUESTION, *GOLD_COLUMNS, self.layout.gold, self.layout.completion}
        asked = {name: value for name, value in sorted(self.data.items()) if name not in skipped}
        return json.dumps(asked, ensure_ascii=False, sort_keys=True, default=str)

    @property
    def gold(self) -> str:
        """The right answer as text; empty where there is none."""
        texts = gold_texts(self.data.get(self.layout.gold)) if self.layout.gold is not None else ()
        return texts[0] if texts else ""

    @property
    def completions(self) -> list[str]:
        """The completions that stand in the row."""
        value = self.data.get(self.layout.completion) if self.layout.completion is not None else None
        if value is None:
            return []
        if isinstance(value, str) or is_chat(value):
            return [completion_text(value)] if value else []
        if isinstance(value, Sequence):
            return [completion_text(one) for one in value if isinstance(one, str) or is_chat(one)]
        return []


def choose_layout(
    columns: Collection[str], gold: str | None, prompt: str | None = None, completion: str | None = None
) -> Layout:
    """The columns by name; ``text`` is the prompt where nothing else is. Raises ColumnError for a missing one."""
    asked = _choose("--prompt", prompt, (*PROMPTS, "text"), columns)
    written = _choose("--completion", completion, COMPLETIONS, columns)
    return Layout(asked, written, gold)


def _choose(option: str, given: str | None, candidates: Sequence[str], columns: Collection[str]) -> str | None:
    if given is not None and given not in columns:
        listed = ", ".join(sorted(columns)) or "none"
        raise ColumnError(f"{option} {given}: not in the data.{did_you_mean(given, columns)} Columns: {listed}.")
    return given or next((name for name in candidates if name in columns), None)
