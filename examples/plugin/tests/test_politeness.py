"""The reward alone: no model, no trainer. Run ``pytest``."""

from __future__ import annotations

import pickle

import pytest

from veritune import Reward, VerituneError
from veritune.testing import Attack, Holds, Pays

pytestmark = pytest.mark.reward("politeness")


@pytest.mark.reward_cases("cases.jsonl")
def test_golden_cases() -> None:
    """Value, cause and reason of each line. A change that is meant: ``pytest --reward-update``; look at the diff."""


def test_once_pays_and_again_and_again_does_not(assert_pays: Pays, assert_holds: Holds) -> None:
    assert_pays("Sit down, please.", 1.0)
    assert_holds("Sit down.")
    assert_holds("Please, please, please!")


@pytest.mark.reward("politeness", words=["bitte"], most=2)
def test_parameters_come_from_the_config(reward: Reward, assert_pays: Pays) -> None:
    assert_pays("Bitte, bitte!", 1.0)
    with pytest.raises(VerituneError, match="Did you mean 'most'"):
        reward.with_params(must=2)


def test_it_goes_into_a_trainer(reward: Reward) -> None:
    sent = pickle.loads(pickle.dumps(reward))  # trainers send rewards to other processes
    assert sent(prompts=["p", "p"], completions=["please", "no"], trainer_state=None) == [1.0, 0.0]


def test_it_withstands_attacks(attack: Attack) -> None:
    # side: it is meant to stand beside a reward of the answer. right: what deserves full marks.
    attack(side=True, right=["Please sit down."], budget=60)
