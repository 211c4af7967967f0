"""Multiple choice: letters against letters, and what stays open for a judge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from veritune import get_reward
from veritune.plugins import Cause, ParameterError

CASES: list[tuple[str, Any, float | None]] = [
    ("The answer is B.", "B", 1.0),
    (r"\boxed{\text{C}}", "C", 1.0),
    ("【答案】: D <eoa>", ["D"], 1.0),
    ("The answer is (A).", "B", 0.0),
    ("【答案】A、C", ["A", "C"], 1.0),
    ("【答案】AC", "AC", 1.0),
    ("【答案】C, A", "A, C", 1.0),
    ("【答案】A", "AC", 0.0),
    ("【答案】A和C", "C", None),
    ("【答案】A和C", "B", 0.0),
    ("【答案】无正确答案", "B", 0.0),
    ("The answer is none of the above.", "B", 0.0),
    ("I could not make up my mind about this one at all, so let us leave it.", "B", None),
    ("<think>The answer is B", "B", None),
    ("The answer is B.", None, None),
    ("The answer is B.", "2.5", None),
]


@pytest.mark.parametrize(("completion", "gold", "value"), CASES)
def test_letters_are_compared(completion: str, gold: Any, value: float | None) -> None:
    assert get_reward("choice").score(completion, gold=gold).value == value


def test_alternatives_and_hedging_are_settings() -> None:
    either = get_reward("choice", several="any")
    assert [either.score(f"The answer is {x}.", gold=["A", "C"]).value for x in "ABC"] == [1.0, 0.0, 1.0]
    strict = get_reward("choice", hedged="wrong")
    assert strict.score("【答案】A和C", gold="C").value == 0.0


def test_causes_tell_a_bad_gold_from_an_open_answer() -> None:
    choice = get_reward("choice")
    assert choice.score("The answer is B.", gold="").cause is Cause.INVALID_GOLD
    assert choice.score("【答案】A和C", gold="C").cause is Cause.ABSTAIN


def test_options_are_letters() -> None:
    with pytest.raises(ParameterError, match="letters"):
        get_reward("choice", options="12").score("A", gold="A")


@pytest.mark.parametrize("gold", [["A", "C"], ("A", "C"), np.array(["A", "C"]), np.array(["AC"]), "AC"])
def test_letters_in_any_kind_of_list_are_the_gold(gold: Any) -> None:
    assert get_reward("choice").score(r"\boxed{AC}", gold=gold).value == 1.0
    assert get_reward("choice").score(r"\boxed{A}", gold=gold).value == 0.0


@pytest.mark.parametrize("gold", [None, float("nan"), "", [], ["A", None], np.array([]), 3])
def test_a_gold_without_letters_is_undecided(gold: Any) -> None:
    assert get_reward("choice").score(r"\boxed{A}", gold=gold).cause is Cause.INVALID_GOLD


def test_pandas_missing_value_is_undecided() -> None:
    missing = pytest.importorskip("pandas").NA
    assert get_reward("choice").score(r"\boxed{A}", gold=missing).cause is Cause.INVALID_GOLD


TEXTS: list[tuple[str, str, float | None]] = [
    (r"\boxed{B: A car}", "B", 1.0),
    ("B. Vitamin C", "B", 1.0),
    ("C. Both A and B", "C", 1.0),
    ("D - None of A, B, C", "D", 1.0),
    ("B, Vitamin C", "B", 1.0),
    ("B (Vitamin C)", "B", 1.0),
    ("选B:维生素C", "B", 1.0),
    ("答案是C（A和B都对）", "C", 1.0),
    ("The correct answer is option C, both A and B.", "C", 1.0),
    ("A, all of B and C", "A", 1.0),
    ("(b)", "B", 1.0),
    (r"\boxed{b}", "B", 1.0),
    ("B, Vitamin C", "C", 0.0),
    ("The correct answer is option C, both A and B.", "A", 0.0),
    ("B, but C is also correct", "B", None),
    ("B (C is plausible)", "B", None),
    ("B, C, D all work", "B", None),
    ("B: C", "B", None),
    ("A car", "A", None),
    ("The answer is A because of it.", "A", 1.0),
]


@pytest.mark.parametrize(("completion", "gold", "value"), TEXTS)
def test_capitals_in_an_option_s_text_are_no_choices(completion: str, gold: str, value: float | None) -> None:
    assert get_reward("choice").score(completion, gold=gold).value == value
