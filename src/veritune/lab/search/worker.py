"""In the killable process: many completions scored at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from veritune.plugins.types import Sample, Score, Text
from veritune.rewards.attack.worker import loaded, token_ids

Asked = tuple[Text | None, str, Mapping[str, Any]]
"""Prompt, completion, columns."""
Answered = tuple[float | None, str, str]
"""Value, cause where there is none, reason."""


def score_many(packed: bytes, asked: Sequence[Asked]) -> list[Answered]:
    """One answer a completion, in order."""
    reward = loaded(packed)
    samples = [Sample(text, prompt, token_ids(text), columns) for prompt, text, columns in asked]
    return [(score.value, str(score.cause or ""), _reason(score)) for score in reward.score_batch(samples)]


def _reason(score: Score) -> str:
    """A composed score's own reason says only what each component gave: theirs say why."""
    told = [f"{alias}: {part.reason}" if len(score.parts) > 1 else part.reason for alias, part in score.parts.items()]
    return "; ".join(filter(None, told)) or score.reason
