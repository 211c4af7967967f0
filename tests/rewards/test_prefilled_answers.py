"""Reasoning that never ends holds no answer, whoever opened it; a copied example is none either."""

from __future__ import annotations

from typing import Any

import pytest

from veritune import get_reward

OPENED = "How many?<|assistant|><think>\n"
REWARDS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("accuracy", {}, {"gold": "5"}, r"\boxed{5}"),
    ("cosine", {}, {"gold": "5"}, r"\boxed{5}"),
    ("exact_answer", {}, {"gold": "5"}, "<answer>5</answer>"),
    ("countdown", {}, {"nums": [2, 3], "target": 5}, "<answer>2 + 3</answer>"),
]


@pytest.mark.parametrize(("name", "params", "columns", "answer"), REWARDS, ids=[row[0] for row in REWARDS])
def test_unfinished_reasoning_is_not_paid(
    name: str, params: dict[str, Any], columns: dict[str, Any], answer: str
) -> None:
    def value(completion: str, prompt: Any, **more: Any) -> float:
        found = get_reward(name, **params, **more).score(completion, prompt=prompt, **columns).value
        assert found is not None
        return found

    interim = f"So maybe {answer}. But wait,"
    assert value(interim, OPENED) <= 0
    assert value(interim, [{"role": "user", "content": "How many?"}, {"role": "assistant", "content": "<think>"}]) <= 0
    assert value(f"<think>{interim}", "How many?") <= 0
    assert value(interim, "How many?", prefilled=True) <= 0
    assert value(f"Hm.</think>{answer}", OPENED) > 0
    assert value(answer, "How many?") > 0
    assert value(answer, OPENED, prefilled=False) > 0


def test_an_example_answer_of_the_prompt_is_not_paid() -> None:
    prompt = r"How many? Answer like this: \boxed{5}"
    reward = get_reward("accuracy")
    assert reward.score(r"Answer like this: \boxed{5}", prompt=prompt, gold="5").value == 0
    assert reward.score(r"2 + 3 makes \boxed{5}", prompt=prompt, gold="5").value == 1
    assert get_reward("accuracy", options={"echo": False}).score(r"\boxed{5}", prompt=prompt, gold="5").value == 1
