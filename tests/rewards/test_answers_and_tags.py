"""``tag_count``, ``digit``, ``exact_answer`` and the preset that the tutorials' five rewards make."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import veritune.rewards
from veritune.plugins import Cause, get_reward

GOOD = "<think>\n三加四\n</think>\n<answer>\n7\n</answer>\n"


def answered(inside: str) -> str:
    return f"<think>\nso <answer>0</answer>\n</think>\n<answer>\n{inside}\n</answer>"


@pytest.mark.parametrize(
    ("text", "marks"),
    [(GOOD, 4), ("", 0), (GOOD + GOOD, 0), (GOOD.replace("</think>\n", "</think>"), 2), ("<think>\n</think>\n", 0)],
)
def test_tag_count_pays_each_mark_that_stands_exactly_once(text: str, marks: int) -> None:
    assert get_reward("tag_count").score(text).value == 0.25 * marks
    assert get_reward("tag_count", each=0.125).score(text).value == 0.125 * marks
    assert get_reward("tag_count").score(text).reason.startswith(f"{marks} of 4")


@pytest.mark.parametrize("inside", ["7", "-7", " 7 ", "1,234", "3.5", ".5", "7.", "1,234,567.89", "１２", "+3"])
def test_digit_pays_a_number(inside: str) -> None:
    assert get_reward("digit").score(answered(inside)).value == 0.5


@pytest.mark.parametrize("inside", ["", "7 apples", "seven", "1,23", "²", "1/2", "x=7", "7 8", "--7", "1e5", "."])
def test_digit_pays_nothing_else(inside: str) -> None:
    assert get_reward("digit").score(answered(inside)).value == 0.0


def test_digit_wants_the_tag_after_the_thinking() -> None:
    for text in ("7", "<answer>7", "7</answer>", "<think><answer>7</answer></think>7", "</answer><answer>"):
        assert get_reward("digit").score(text).value == 0.0
    assert get_reward("digit", kind="integer").score(answered("3.5")).value == 0.0
    assert get_reward("digit", kind="integer", value=1).score(answered("1,000")).value == 1.0


def test_exact_answer_is_string_equality() -> None:
    reward = get_reward("exact_answer")
    assert reward.score(GOOD, gold="7").value == 2.0
    assert reward.score(GOOD, gold=7).value == 2.0
    assert reward.score(GOOD, gold="7.0").value == 0.0
    assert reward.score("7", gold="7").value == 0.0
    assert reward.score(answered("x") + "<answer>7</answer>", gold="7").value == 2.0, "the last answer counts"


@pytest.mark.parametrize(
    "gold",
    [None, "", "  ", [], [None, ""], math.nan, math.inf, np.float32("nan"), np.array([]), Decimal("NaN"), {}, b"7"],
)  # fmt: skip
@pytest.mark.parametrize("text", ["<answer></answer>", "<answer>nan</answer>", "no answer"])
def test_a_missing_gold_is_undecided(gold: Any, text: str) -> None:
    score = get_reward("exact_answer").score(text, gold=gold)
    assert (score.value, score.cause) == (None, Cause.INVALID_GOLD)


@pytest.mark.parametrize(
    "gold", [7, 7.0, np.float64(7), np.float32(7), np.int64(7), np.array(7.0), Decimal(7), Fraction(7), " 7 "]
)
def test_a_whole_number_is_itself_whatever_type_the_column_took(gold: Any) -> None:
    assert get_reward("exact_answer").score(GOOD, gold=gold).value == 2.0


def test_a_column_of_numbers_with_nulls_comes_back_from_pandas_as_floats() -> None:
    pandas = pytest.importorskip("pandas")
    column = pandas.DataFrame({"gold": [7, None, 8]})["gold"]
    assert get_reward("exact_answer")(completions=[GOOD] * 3, gold=list(column)) == [2.0, None, 0.0]
    assert get_reward("exact_answer")(completions=[GOOD] * 2, gold=[pandas.NA, pandas.NaT]) == [None, None]


@pytest.mark.parametrize("gold", [["8", "7"], (8.0, 7.0), np.array([8.0, 7.0]), np.array(["7", "8"]), [None, 7]])
def test_any_of_several_golds_is_right(gold: Any) -> None:
    reward = get_reward("exact_answer")
    assert reward.score(GOOD, gold=gold).value == 2.0
    assert reward.score(answered("9"), gold=gold).value == 0.0


def test_a_fraction_of_a_number_stays_as_it_is_written() -> None:
    assert get_reward("exact_answer").score(answered("3.5"), gold=3.5).value == 2.0
    assert get_reward("exact_answer").score(answered("3"), gold=3.5).value == 0.0


def test_exact_answer_reads_a_worked_solution_only_where_told() -> None:
    solution = "3 + 4 = <<3+4=7>>7 apples\n#### 7"
    assert get_reward("exact_answer").score(GOOD, answer=solution).value == 0.0
    assert get_reward("exact_answer", gold_format="solution").score(GOOD, answer=solution).value == 2.0
    assert get_reward("exact_answer", gold_format="solution").score(GOOD, answer="7").cause is Cause.INVALID_GOLD


def test_exact_answer_on_real_rollouts_pays_only_complete_answers(
    shared_rows: Callable[[str], list[dict[str, Any]]],
) -> None:
    for row in shared_rows("traces/grpo_rollouts_countdown_mist.jsonl"):
        if "</answer>" not in row["text"]:
            assert get_reward("exact_answer").score(row["text"], gold="240").value == 0.0
            assert get_reward("digit").score(row["text"]).value == 0.0


def r1_zero() -> dict[str, Any]:
    path = Path(veritune.rewards.__file__).parent / "presets" / "r1-zero.yaml"
    preset: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return preset


@pytest.mark.parametrize(
    ("text", "gold", "expected"),
    [
        (GOOD, "7", {"mark": 0.5, "soft_format": 0.5, "hard_format": 0.5, "digit": 0.5, "correctness": 2.0}),
        (GOOD, "8", {"mark": 0.5, "soft_format": 0.5, "hard_format": 0.5, "digit": 0.5, "correctness": 0.0}),
        (
            "<think>a</think> <answer>7</answer>",
            "7",
            {"mark": 0.0, "soft_format": 0.5, "hard_format": 0.0, "digit": 0.5, "correctness": 2.0},
        ),
        ("七", "7", {"mark": 0.0, "soft_format": 0.0, "hard_format": 0.0, "digit": 0.0, "correctness": 0.0}),
        (
            "<think>\nan</think>\n<answer>\n7\n</answer>\n",  # what the pattern with the typo would accept
            "7",
            {"mark": 0.375, "soft_format": 0.5, "hard_format": 0.0, "digit": 0.5, "correctness": 2.0},
        ),
    ],
)
def test_the_r1_zero_preset_is_the_tutorials_five_rewards(text: str, gold: str, expected: dict[str, float]) -> None:
    preset = r1_zero()
    assert preset["combine"] == "sum"
    given = {
        alias: get_reward(part["use"], **part["params"]).score(text, gold=gold).value
        for alias, part in preset["rewards"].items()
    }
    assert given == expected
    assert {part["weight"] for part in preset["rewards"].values()} == {1.0}
