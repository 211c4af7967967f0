"""verl, OpenRLHF and verifiers call our rewards by their own conventions."""

from __future__ import annotations

from typing import Any

import pytest

from veritune.adapters.openrlhf import response, reward_function
from veritune.adapters.undecided import UndecidedError
from veritune.adapters.verifiers import rubric_functions
from veritune.adapters.verl import compute_score_function
from veritune.plugins import Cause, Reward, Score, reward


@reward
def matches(completion: str, gold: str) -> Score | float:
    """1 if the completion is the gold; undecided for the gold ``?``."""
    if gold == "?":
        return Score.none("unreadable gold", Cause.INVALID_GOLD)
    return float(completion == gold)


@reward
def brief(completion: str, *, limit: int = 3) -> float:
    return float(len(completion) <= limit)


CONFIG: dict[str, Any] = {"rewards": {"matches": {"use": matches}, "brief": {"use": brief, "weight": 0.5}}}


def test_verl_gets_the_score_and_every_component() -> None:
    compute_score = compute_score_function(CONFIG)
    result = compute_score(data_source="math", solution_str="12", ground_truth="12", extra_info={"index": 3})
    assert result == {"score": 1.5, "undecided": 0.0, "reward/matches": 1.0, "reward/brief": 1.0}


def test_verl_is_not_told_zero_for_an_undecided_sample() -> None:
    with pytest.raises(UndecidedError, match="invalid_gold"):
        compute_score_function(CONFIG)(solution_str="12", ground_truth="?")
    result = compute_score_function(CONFIG, undecided=-0.25)(solution_str="12", ground_truth="?")
    assert result["score"] == -0.25
    assert result["undecided"] == 1.0


def test_verl_routes_by_data_source() -> None:
    routed = {"rewards": {"matches": {"use": matches, "where": {"data_source": "math"}}, "brief": {"use": brief}}}
    compute_score = compute_score_function(routed)
    assert compute_score("code", "12", "12")["score"] == 1.0
    assert compute_score("math", "12", "12")["score"] == 2.0


def test_openrlhf_cuts_the_prompt_off_and_gets_tensors() -> None:
    torch = pytest.importorskip("torch")
    result = reward_function(CONFIG)(
        queries=["Q: 7+5?12", "Q: 1?12345"], prompts=["Q: 7+5?", "Q: 1?"], labels=["12", "1"]
    )
    assert torch.equal(result["rewards"], torch.tensor([1.5, 0.0]))
    assert torch.equal(result["extra_logs"]["matches"], torch.tensor([1.0, 0.0]))
    assert response("other text", "Q:") == "other text"


def test_openrlhf_component_means_ignore_undecided_samples() -> None:
    torch = pytest.importorskip("torch")
    result = reward_function(CONFIG, undecided=0.0)(
        queries=["p1", "p1", "p2"], prompts=["p"] * 3, labels=["1", "?", "1"]
    )
    assert result["extra_logs"]["matches"].mean().item() == pytest.approx(0.5)
    assert torch.equal(result["extra_logs"]["undecided"], torch.tensor([0.0, 1.0, 0.0]))


def test_verifiers_gets_a_float_and_leaves_the_reasons_in_the_state() -> None:
    functions, weights = rubric_functions(CONFIG)
    state: dict[str, Any] = {}
    chat = [{"role": "assistant", "content": "12"}]
    value = functions[0](prompt=[{"role": "user", "content": "7+5?"}], completion=chat, answer="12", state=state)
    assert (value, weights) == (1.5, [1.0])
    assert state["veritune"]["veritune"]["parts"]["matches"]["value"] == 1.0


@pytest.mark.parametrize("single", [matches, brief])
def test_a_single_reward_is_a_composition_too(single: Reward) -> None:
    assert compute_score_function(single)(solution_str="12", ground_truth="12")["score"] == 1.0
