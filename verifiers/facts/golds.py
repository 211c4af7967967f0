"""The acceptable answers of one row, in the shapes that question-answering sets have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from veritune.plugins.golds import gold_texts

_FIELDS = (
    "text",
    "value",
    "aliases",
    "normalized_aliases",
    "human_answers",
    "ground_truth",
    "target",
    "answer",
    "answers",
)
"""SQuAD ``{text: […], answer_start}``, TriviaQA ``{value, aliases, …}``, ``{ground_truth: {target: […]}}``."""
MAX_GOLDS = 1000


def fact_golds(gold: Any) -> tuple[str, ...]:
    """Every acceptable answer of a row: a text, a number, a truth value, a list of these, or a mapping of a known set.

    A truth value is ``yes``/``True`` or ``no``/``False``. Nothing is searched inside a text.
    """
    if hasattr(gold, "tolist"):
        gold = gold.tolist()
    if isinstance(gold, bool):
        return ("yes", "true") if gold else ("no", "false")
    if isinstance(gold, Mapping):
        parts = [fact_golds(gold[name]) for name in _FIELDS if gold.get(name) is not None]
    elif isinstance(gold, list | tuple | set | frozenset):
        parts = [fact_golds(item) for item in list(gold)[:MAX_GOLDS]]
    else:
        return gold_texts(gold)
    return tuple(dict.fromkeys(text for part in parts for text in part))[:MAX_GOLDS]
