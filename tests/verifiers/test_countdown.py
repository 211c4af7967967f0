"""A Countdown answer is right exactly where it uses each number once and has the target's value."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from veritune import Cause, get_reward, get_verifier
from veritune.verifiers.countdown import ExpressionError, check, evaluate

Rows = Callable[[str], list[dict[str, Any]]]


@pytest.mark.parametrize("name", ["puzzles/countdown.jsonl", "puzzles/game24.jsonl"])
def test_every_reference_solution_is_right_and_wrong_for_another_target(name: str, shared_rows: Rows) -> None:
    rows = [row for row in shared_rows(name) if row["solvable"]]
    answers = [f"<think>17 * 3</think>\n<answer>{row['solution']}</answer>" for row in rows]
    reward = get_reward("countdown")
    nums = [row["nums"] for row in rows]
    assert set(reward(completions=answers, nums=nums, target=[row["target"] for row in rows])) == {1.0}
    assert set(reward(completions=answers, nums=nums, target=[row["target"] + 1 for row in rows])) == {0.0}
    assert set(reward(completions=answers, nums=[n[1:] for n in nums], target=[r["target"] for r in rows])) == {0.0}


@pytest.mark.parametrize(
    "nums", [[4, 6], (4, 6), [4.0, 6.0], ["4", "6.0"], np.array([4, 6]), np.array([4.0, 6.0], np.float32), "[4, 6]",
             "[4 6]", "4, 6", np.array(["4", "6"])]
)  # fmt: skip
@pytest.mark.parametrize("target", [24, 24.0, "24", "24.0", np.int64(24), np.float32(24), np.array(24), Fraction(24)])
def test_numbers_of_any_type_that_a_column_has(nums: Any, target: Any) -> None:
    assert check("4 * 6", nums, target).correct
    assert check("4 + 6", nums, target).correct is False


@pytest.mark.parametrize(
    ("nums", "target"),
    [("46", None), ("[]", 24), (np.array([4.5, 6]), 24), (np.array([4.5, 6], np.float32), 24), ([4, None], 24),
     ([4, float("nan")], 24), ([4, 6], np.float32("nan")), ([4, 6], "1e999999999"), ([4, 6], True), ("four, 6", 24),
     (float("nan"), 24)],
)  # fmt: skip
def test_what_is_no_puzzle_is_undecided(nums: Any, target: Any) -> None:
    assert check("4 * 6", nums, target).cause is Cause.INVALID_GOLD


def test_real_rollouts_score_without_error(shared_rows: Rows) -> None:
    texts = [row["text"] for row in shared_rows("traces/grpo_rollouts_countdown_mist.jsonl")]
    found = get_reward("countdown")(completions=texts, nums=[[11, 38, 3]] * len(texts), target=49)
    assert set(found) <= {0.0, 1.0}


@pytest.mark.parametrize(
    ("expression", "value"),
    [("1/3 + 1/3 + 1/3", 1), ("8 - 2 - 1", 5), ("8/(3-8/3)", 24), ("2 × (3 + 4) ÷ 7", 2), (r"2 \times 3", 6)],
)
def test_arithmetic_is_exact(expression: str, value: int) -> None:
    assert evaluate(expression)[0] == Fraction(value)


@pytest.mark.parametrize(
    "expression",
    ["2 ** 3", "44**19**35", "(1 + 2", "1 + 2)", "1 +", "", "()", "1 2", "-1 + 2", "1 / (2 - 2)", "x + 1", "1.5 + 1",
     "1e9", "__import__('os')", "³ + 1", "1 // 2", "1_0", "(" * 60 + "1" + ")" * 60, "1+" * 600 + "1", "9" * 16],
)  # fmt: skip
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(expression)
    assert check(expression, [1, 2], 3).correct is False


def test_a_stated_result_has_to_be_true() -> None:
    assert check("(8 - 2) * 4 = 24", [8, 2, 4], 24).correct
    assert check("2 - 8 = -6", [8, 2], -6).correct
    assert not check("(8 - 2) * 4 = 25", [8, 2, 4], 24).correct
    assert not check("8 * 2 + 4 = 24", [8, 2, 4], 24).correct


def test_each_number_counts_exactly_once() -> None:
    assert check("6 * 4", [4, 6], 24).correct
    assert "4, 4, 6" in check("6 * 4", [4, 4, 6], 24).reason
    assert not check("6 * 4 + 1 - 1", [4, 6], 24).correct
    assert not check("24", [4, 6], 24).correct


def test_a_bad_gold_is_undecided() -> None:
    for nums, target in ([[], 3], [["a"], 3], [[1], "x"], [[2.5], 2], [None, 3], [[1], float("nan")], [[1], "1/0"]):
        assert check("1", nums, target).cause is Cause.INVALID_GOLD  # type: ignore[arg-type]
    assert get_verifier("countdown").verify("<answer>1</answer>", "24").cause is Cause.INVALID_GOLD


def test_only_the_last_answer_after_the_thinking_counts() -> None:
    reward = get_reward("countdown", format_score=0.1)
    row: dict[str, Any] = {"nums": [4, 6], "target": 24}
    assert reward.score("<think><answer>4*6</answer></think>", **row).value == 0.0
    assert reward.score("<think></think><answer>4+6</answer>", **row).value == 0.1
    assert reward.score("<answer>4+6</answer><answer>$4*6$</answer>", **row).value == 1.0
    assert reward.score("4*6", **row).value == 0.0


WAYS = [
    "4*10+7-3", r"\(4\cdot 10+7-3\)", r"\[4\times 10+7-3\]", "**4*10+7-3**", "٤*١٠+٧-٣", "४*१०+७-३", "{4*10}+7-3",
    "44 = 4*10+7-3",    "4 x 10 + 7 - 3", "(4)x(10)+7-3", "4∗10＋7﹣3", "4•10+7−3",
    r"4 \ast 10 + 7\,-3", "4*10+7-3 = ٤٤", "**4*10+7-3 = 44.**",
]  # fmt: skip
NO_WAYS = [
    "4**10+7-3", "44 = 4*10+4", "45 = 4*10+7-3", "44 = 44 = 4*10+7-3", "44 = 44", "4x10x+7-3", "x4*10+7-3", "4*10+7-③",
    "4*10+7-³", r"\frac{4*10}{7}-3", "0x4*10+7-3", "4 10 + 7 - 3", "44 =", "= 44",
]  # fmt: skip


def test_an_expression_is_read_in_the_signs_and_digits_of_any_keyboard() -> None:
    reward = get_reward("countdown")
    for ways, value in ((WAYS, 1.0), (NO_WAYS, 0.0)):
        found = reward(completions=[f"<answer>{w}</answer>" for w in ways], nums=[[3, 4, 7, 10]] * len(ways), target=44)
        assert [way for way, each in zip(ways, found, strict=True) if each != value] == []


@pytest.mark.parametrize("row", [([3, 4], 10**5000), ([10**5000, 4], 3), ("3, " + "4" * 5000, 3)])
def test_a_number_that_python_does_not_write_is_no_gold(row: tuple[Any, Any]) -> None:
    score = get_reward("countdown").score("<answer>3+4</answer>", nums=row[0], target=row[1])
    assert (score.value, score.cause) == (None, Cause.INVALID_GOLD)


@pytest.mark.parametrize("piece", ["<answer>", "(", "1+", "</answer>", "<answer>1", "9"])
def test_hostile_text_takes_linear_time(piece: str) -> None:
    start = time.process_time()
    get_reward("countdown").score(piece * (200_000 // len(piece)), nums=[1, 2], target=3)
    assert time.process_time() - start < 1.0
