"""What a log keeps of a scored sample, so that it can be scored again and its second opinions counted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from veritune.plugins import Sample, Score
from veritune.rewards.appeal.opinion import APPEAL

LONGEST_INPUTS = 64_000
"""Characters of a sample's columns that are kept; of more the step alone."""


def opinion_columns(alias: str, part: Score | None) -> dict[str, Any]:
    """Of a component with appeals: ``appeal/…`` 1 for right, 0 for wrong, null where undecided or not asked;
    ``appeal_p/…`` the chance it was asked with, null where it was not; ``appeal_reason/…``."""
    opinion = None if part is None else part.parts.get(APPEAL)
    if opinion is None:
        return {}
    verdict = opinion.verdict
    asked = verdict is not None
    return {
        f"appeal/{alias}": opinion.value,
        f"appeal_p/{alias}": float(verdict.evidence["probability"]) if asked else None,
        f"appeal_reason/{alias}": opinion.reason if asked else None,
    }


def scoring_inputs(sample: Sample, step: int | None) -> str:
    """What rewards saw beyond the prompt's and the completion's text, as JSON: ``columns``, ``step``, and the
    ``prompt`` and ``completion`` themselves where they are chats."""
    found: dict[str, Any] = {"step": step, "columns": dict(sample.columns)}
    for name, text in (("prompt", sample.prompt), ("completion", sample.completion)):
        if text is not None and not isinstance(text, str):
            found[name] = [dict(message) for message in text]
    try:
        written = json.dumps(found, ensure_ascii=False, default=_refuse)
    except (TypeError, ValueError, RecursionError):
        written = ""  # a column that JSON has no word for
    return written if 0 < len(written) <= LONGEST_INPUTS else json.dumps({"step": step})


def _refuse(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
