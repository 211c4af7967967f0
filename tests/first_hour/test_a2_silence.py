"""A2: rewards that never give a number under a trainer say so once, with cause, count and cure, and are logged."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from veritune import Score, get_reward, reward
from veritune.adapters.trl import reward_function
from veritune.plugins import Cause, Reward
from veritune.plugins.watch import LATER

WORKED = "She has 2 and gets 2 more. So the answer is $4$, which is even."
FOUR: dict[str, Any] = {"prompts": ["p"] * 4, "completions": ["\\boxed{4}"] * 4}


@reward
def forgot(completion: str) -> float | None:
    """The `return` is missing."""


@reward
def shy(completion: str) -> Score:
    """Never decides."""
    return Score.none("cannot tell", Cause.ABSTAIN)


def run(function: Any, calls: int, **columns: Any) -> tuple[list[str], dict[str, list[float]]]:
    """What a trainer's calls warn of, and log."""
    logged: dict[str, list[float]] = defaultdict(list)
    injected: dict[str, Any] = {
        "trainer_state": SimpleNamespace(global_step=0),
        "log_metric": lambda name, value: logged[name].append(value),
        "log_extra": lambda name, values: None,
    }
    return told(lambda: [function(**FOUR, **columns, **injected) for _ in range(calls)]), logged


def told(act: Callable[[], object]) -> list[str]:
    """What is warned of meanwhile."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
    return [str(one.message) for one in caught]


@pytest.mark.parametrize("form", ["one reward", "composed", "asynchronous"])
def test_a2_a_gold_column_of_worked_solutions_is_told_once_with_its_cure(form: str) -> None:
    function: Any = get_reward("accuracy")
    if form == "composed":
        function = reward_function({"rewards": {"accuracy": {}, "tag_count": {"weight": 0.1}}})
    if form == "asynchronous":
        function = function.as_async().inner
    said, logged = run(function, 6, answer=[WORKED] * 4)
    assert len(said) == 1
    assert "'accuracy' gave no number for any of the first 8 completions" in said[0]
    assert "8 invalid_gold" in said[0]
    assert "gold_format: solution" in said[0]
    assert logged["rewards/accuracy/invalid_gold"] == [1.0] * 6


def test_a2_empty_golds_are_told() -> None:
    said, _ = run(get_reward("accuracy"), 2, answer=[""] * 4)
    assert len(said) == 1
    assert "invalid_gold" in said[0]


@pytest.mark.parametrize("wrap", [lambda r: r, lambda r: reward_function({"rewards": {r.name: {"use": r}}})])
def test_a2_a_missing_return_is_told_and_logged(wrap: Any) -> None:
    said, logged = run(wrap(forgot.with_params()), 3)
    assert len(said) == 1
    assert "missing `return`" in said[0]
    assert logged["rewards/forgot/not_applicable"][-1] == 1.0


def test_a2_a_where_that_matches_no_row_is_told_beside_a_reward_that_is_fine() -> None:
    config = {"rewards": {"accuracy": {}, "format": {"where": {"kind": "maths"}}}}
    said, logged = run(reward_function(config), 3, answer=["4"] * 4, kind=["math"] * 4)
    assert len(said) == 1
    assert "'format' gave no number" in said[0]
    assert "not for rows with kind='math'" in said[0]
    assert logged["rewards/format/not_applicable"] == [1.0] * 3
    assert "rewards/accuracy/not_applicable" not in logged


def test_a2_a_reward_that_goes_silent_later_is_told_too() -> None:
    function = get_reward("accuracy")
    assert run(function, 3, answer=["4"] * 4)[0] == []
    assert run(function, LATER // 4 - 1, answer=[""] * 4)[0] == []
    (said,) = run(function, 3, answer=[""] * 4)[0]
    assert f"any of the last {LATER}" in said


def test_a2_a_reward_that_decides_some_is_not_told() -> None:
    function = get_reward("accuracy")
    assert run(function, 10, answer=["4", "", "", ""])[0] == []
    assert run(shy.with_params(), 1)[0] == [], "four completions say nothing yet"


def test_two_rewards_of_one_name_in_a_run_are_told_with_the_way_to_name_them() -> None:
    state = SimpleNamespace(global_step=0)
    two = [get_reward("format", name="namesake"), get_reward("format", name="namesake", style="boxed")]
    said = told(lambda: [function(**FOUR, trainer_state=state) for function in two * 3])
    assert len(said) == 1
    assert "two rewards of this run are called 'namesake'" in said[0]
    others = [get_reward("format", name=name) for name in "ab"]
    assert told(lambda: [function(**FOUR) for function in two]) == [], "no run"
    assert told(lambda: [function(**FOUR, trainer_state=state) for function in others]) == []


def test_equal_names_in_a_list_get_names_of_their_own() -> None:
    function: Any = reward_function([get_reward("format"), get_reward("format", style="boxed")])
    assert function.aliases == ["format", "format_2"]


def test_a_trainer_without_log_metric_is_told_once_that_components_are_not_logged() -> None:
    function = reward_function(["format"])
    said = told(lambda: [function(**FOUR, trainer_state=SimpleNamespace(global_step=0)) for _ in range(2)])
    assert len(said) == 1
    assert "passes no log_metric" in said[0]


def test_watching_changes_no_pickle() -> None:
    import pickle

    function = reward_function(["format", "tag_count"])
    assert pickle.loads(pickle.dumps(function)).aliases == ["format", "tag_count"]
    assert isinstance(pickle.loads(pickle.dumps(get_reward("format"))), Reward)
