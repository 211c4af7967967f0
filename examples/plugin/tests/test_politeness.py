"""Test a reward in isolation: no model, no trainer. Run ``pytest`` in this folder after ``pip install -e .``."""

from __future__ import annotations

import pickle

import pytest

from veritune import Cause, VerituneError, get_reward


@pytest.mark.parametrize(
    ("completion", "value"),
    [("Please sit down.", 1.0), ("Sit down.", 0.0), ("please please please", 0.0), ("pleased to meet you", 0.0)],
)
def test_one_polite_word_pays_and_repeating_it_does_not(completion: str, value: float) -> None:
    assert get_reward("politeness").score(completion).value == value


def test_nothing_to_judge_is_no_zero() -> None:
    score = get_reward("politeness").score("  ")
    assert (score.value, score.cause) == (None, Cause.NOT_APPLICABLE)


def test_parameters_come_from_the_config() -> None:
    assert get_reward("politeness", words=["bitte"], most=2).score("Bitte, bitte!").value == 1.0
    with pytest.raises(VerituneError, match="Did you mean 'most'"):
        get_reward("politeness", must=2)


def test_it_plugs_into_a_trainer() -> None:
    reward = pickle.loads(pickle.dumps(get_reward("politeness")))  # trainers send rewards to other processes
    assert reward(prompts=["p", "p"], completions=["please", "no"], trainer_state=None) == [1.0, 0.0]
