"""reasoning_gym's scorers decide, in a process that ends; what they cannot decide is undecided, never zero."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from typing import Any

import pytest

from veritune import Cause, Sample, get_reward
from veritune.plugins import ConfigError, MissingExtraError
from veritune.rewards.attack import attack

Rows = Callable[[str], list[dict[str, Any]]]
INSTALLED = importlib.util.find_spec("reasoning_gym") is not None
needs_package = pytest.mark.skipif(not INSTALLED, reason="needs reasoning-gym: pip install 'veritune[reasoning-gym]'")
SUM: dict[str, Any] = {"task": "chain_sum", "question": "What is 2 + 3?", "answer": "5", "metadata": {}}


def tag(answer: str) -> str:
    return f"<think>x</think>\n<answer>{answer}</answer>"


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'veritune\[reasoning-gym\]'"):
        get_reward("reasoning_gym").score(tag("5"), **SUM)


@needs_package
def test_the_own_answer_of_every_kind_of_row_is_right_and_a_changed_one_is_not(shared_rows: Rows) -> None:
    rows = list({row["task"]: row for row in shared_rows("puzzles/reasoning_gym.jsonl")}.values())
    rows = [row for row in rows if row["oracle_score"] == 1.0]
    reward = get_reward("reasoning_gym")
    named = [{key: row[key] for key in ("question", "answer", "metadata")} for row in rows]
    right = reward.score_batch([Sample(tag(row["answer"]), None, None, row) for row in named])
    assert not [(r["task"], s.reason) for r, s in zip(rows, right, strict=True) if s.value != 1.0]
    wrong = reward.score_batch([Sample(tag("qqq 987654321"), None, None, row) for row in named])
    assert not [(r["task"], s.reason) for r, s in zip(rows, wrong, strict=True) if s.value == 1.0]
    assert len(rows) >= 30


@needs_package
def test_where_the_answer_stands_and_what_is_none() -> None:
    reward = get_reward("reasoning_gym")
    for text in (
        tag("5"),
        tag(" 5\n"),
        "So \\boxed{5}",
        "Work.\n\nFinal answer: 5",
        "<answer>4</answer> no: <answer>5</answer>",
    ):
        assert reward.score(text, **SUM).value == 1.0, text
    for text in ("5", "", "<think>5", "<think><answer>5</answer>", tag(""), tag("6"), tag("not 5"), tag("5 or 6"),
                 "<answer>5</answer> no: <answer>6</answer>", tag("5" * 30_000)):  # fmt: skip
        assert reward.score(text, **SUM).value == 0.0, text[:80]
    example = "<think>I add the one number to the other.</think>\n<answer>5</answer>"
    assert reward.score(example, prompt=f"An example: {example} Now: 2 + 3", **SUM).value == 0.0


@needs_package
def test_partial_credit_is_the_scorers_own_number() -> None:
    row = {**SUM, "task": "word_sorting", "answer": "a, b, c, d",
           "metadata": {"sorted_words": ["a", "b", "c", "d"], "original_words": ["d", "c", "b", "a"]}}  # fmt: skip
    full, partial = (
        get_reward("reasoning_gym", credit=credit).score(tag("a, b"), **row) for credit in ("full", "partial")
    )
    assert full.value == 0.0
    assert partial.value is not None
    assert full.verdict is not None
    assert partial.value == full.verdict.score


@needs_package
@pytest.mark.parametrize(
    "row",
    [
        {}, {"task": "chain_sum"}, {"task": "no_such_task", "question": "?", "answer": "5"}, {"question": "?",
        "answer": "5"},
        {"task": "sudoku", "question": "?", "answer": "1 2", "metadata": {}},  # its scorer needs the grid
        {"task": "chain_sum", "question": "another", "generated": {"seed": 1, "config": {}}},
        {"task": "chain_sum", "generated": {"seed": 1, "config": {"min_digts": 1}}},
    ],
)  # fmt: skip
def test_a_row_that_its_task_cannot_score_is_undecided(row: dict[str, Any]) -> None:
    found = get_reward("reasoning_gym").score(tag("5"), **row)
    assert (found.value, found.cause) == (None, Cause.INVALID_GOLD), found


@needs_package
def test_a_scorer_that_pays_any_text_pays_the_own_answer_alone() -> None:
    from veritune.rewards.reasoning_gym import draw

    entry = draw("game_of_life_halting", "{}", 1)
    row = {"task": "game_of_life_halting", "question": entry["question"], "generated": {"seed": 1, "config": {}}}
    reward = get_reward("reasoning_gym", credit="partial")
    assert reward.score(tag(entry["answer"]), **row).value == 1.0
    found = reward.score(tag("I do not know"), **row)
    assert (found.value, found.cause) == (None, Cause.ABSTAIN)


@needs_package
def test_a_scorer_that_does_not_end_is_ended() -> None:
    from veritune.rewards.reasoning_gym import draw

    entry = draw("simple_integration", "{}", 1)
    row = {"task": "simple_integration", **entry}
    found = get_reward("reasoning_gym", deadline=0.0005).score(tag("(x + 1)*(x + 2)*(x + 3)*(x + 4)/4 + 5*x"), **row)
    assert found.value == 0.0
    assert "does not end" in found.reason
    assert get_reward("reasoning_gym").score(tag(entry["answer"]), **row).value == 1.0


@needs_package
def test_entries_and_settings() -> None:
    from veritune.rewards.reasoning_gym import draw, settings, task_names

    assert len(task_names()) >= 100
    assert "min_terms" in settings("chain_sum")
    assert draw("chain_sum", "{}", 7) == draw("chain_sum", "{}", 7) != draw("chain_sum", "{}", 8)
    with pytest.raises(ConfigError, match="has no setting 'x'"):
        draw("chain_sum", json.dumps({"x": 1}), 0)


@needs_package
def test_the_lab_finds_nothing_that_pays_but_what_the_scorer_means_to() -> None:
    report = attack(get_reward("reasoning_gym", task="chain_sum"), budget=60)
    meant = "digits with commas"  # chain_sum takes every comma out of a number, wherever it stands
    assert {r.attack.name for r in report.broken} <= {meant}, [(r.attack.name, r.detail) for r in report.broken]
    assert report.honest == 1.0
