"""A faulty row is undecided whatever the answer is: an empty one, one that never ends to think, a right one."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from veritune import Cause, get_reward

GYM: dict[str, Any] = {"question": "2 + 3?", "answer": "5", "metadata": {"source_dataset": "chain_sum"}}
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("json_schema", {"schema": {"type": "objekt"}}), ("json_schema", {"schema": "{"}),
    ("json_schema", {"schema": None}),
    ("yaml", {"schema": {"type": "objekt"}}), ("yaml", {"schema": {"properties": 3}}), ("regex", {"pattern": "("}),
    ("regex", {"pattern": None}), ("xml", {"elements": []}), ("xml", {"elements": "<a><b></a>"}),
    ("bleu", {"gold": None}), ("chrf", {"gold": ""}), ("rouge", {"gold": []}),
    ("instructions", {"instruction_id_list": ["punctuation:no_commas"], "kwargs": [{}]}),
    ("puzzles", {"nums": [1, 2], "target": None}), ("puzzles", {"puzzle": "1..4..1..1..4..2", "solution": "1" * 16}),
    ("puzzles", {"names": [], "kind": "knights"}), ("puzzles", {"foo": 1}),
    ("reasoning_gym", {**GYM, "answer": None}), ("reasoning_gym", {**GYM, "answer": ""}),
    ("reasoning_gym", {**GYM, "metadata": {"source_dataset": "nope"}}), ("reasoning_gym", {**GYM, "metadata": None}),
]  # fmt: skip
NEEDS = {"reasoning_gym": "reasoning_gym", "bleu": "sacrebleu", "chrf": "sacrebleu", "rouge": "rouge_score",
         "json_schema": "jsonschema", "yaml": "jsonschema"}  # fmt: skip


@pytest.mark.parametrize(("name", "row"), ROWS)
def test_the_row_is_looked_at_first(name: str, row: dict[str, Any]) -> None:
    if importlib.util.find_spec(NEEDS.get(name, "re")) is None:
        pytest.skip(f"needs {NEEDS[name]}")
    reward = get_reward(name)
    for text in ("", "   ", "<think>never ends", "I don't know.", "<answer>5</answer>"):
        score = reward.score(text, **row)
        assert (score.value, score.cause) == (None, Cause.INVALID_GOLD), text


@pytest.mark.skipif(importlib.util.find_spec("reasoning_gym") is None, reason="needs reasoning-gym")
def test_a_good_row_without_an_answer_is_wrong() -> None:
    reward = get_reward("reasoning_gym")
    assert [reward.score(text, **GYM).value for text in ("", "<think>5", "<answer>5</answer>")] == [0.0, 0.0, 1.0]
