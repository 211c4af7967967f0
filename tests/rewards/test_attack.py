"""The attack finds what pays without the work, hangs, raises or wavers; a sound reward holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from veritune.plugins import ConfigError, get_reward
from veritune.rewards.attack import AttackReport, attack, attacks

REWARDS = """
import random, re
from veritune import reward

@reward
def substring(completion: str, gold: str) -> float:
    return float(gold in completion)

@reward
def multiline(completion: str) -> float:
    shape = r"^<think>\\n.*?\\n</think>\\n<answer>\\n.*?\\n</answer>$"
    return float(bool(re.match(shape, completion, re.DOTALL | re.MULTILINE)))

@reward
def backtracks(completion: str) -> float:
    return float(bool(re.match(r"^(<think>(\\s*\\n*)*)*$", completion)))

@reward
def needs_tags(completion: str) -> float:
    return float(completion.split("<answer>")[1].count("12"))

@reward
def luck(completion: str) -> float:
    return random.random()

@reward
def exact(completion: str, gold: str) -> float:
    return float(completion.rpartition("####")[2].strip() == gold)

@reward
def hard(completion: str, difficulty: int) -> float:
    return float(difficulty > 3)
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "rewards_under_attack.py"
    path.write_text(REWARDS, encoding="utf-8")
    return str(path)


def found(report: AttackReport, finding: str) -> set[str]:
    return {result.attack.name for result in report.results if result.finding == finding}


def test_a_substring_reward_pays_for_the_negated_and_the_hedged_answer(file: str) -> None:
    report = attack(get_reward(f"{file}:substring"))
    assert {"negated answer", "one or the other", "answer only in the reasoning"} <= found(report, "pays")
    assert report.honest == 1.0


def test_a_multiline_dollar_pays_for_junk_behind_the_answer(file: str) -> None:
    assert {"junk behind the answer", "two blocks"} <= found(attack(get_reward(f"{file}:multiline")), "pays")


def test_a_backtracking_pattern_hangs_and_the_attack_ends_it(file: str) -> None:
    report = attack(get_reward(f"{file}:backtracks"), deadline=0.5)
    assert found(report, "hangs")
    assert all(result.seconds < 10 for result in report.results)


def test_randomness_wavers(file: str) -> None:
    assert len(found(attack(get_reward(f"{file}:luck")), "wavers")) > 40


def test_a_sound_reward_holds_everywhere(file: str) -> None:
    report = attack(get_reward(f"{file}:exact"))
    assert report.broken == []
    assert len(report.results) == len(list(attacks("12")))


def test_a_reward_that_fails_on_ordinary_text_is_reported_before_any_attack(file: str) -> None:
    with pytest.raises(ConfigError, match="fails on the ordinary completion"):
        attack(get_reward(f"{file}:needs_tags"))


def test_a_missing_column_says_how_to_give_it(file: str) -> None:
    with pytest.raises(ConfigError, match="--column NAME=VALUE"):
        attack(get_reward(f"{file}:hard"))
    assert attack(get_reward(f"{file}:hard"), columns={"difficulty": 4}).honest == 1.0


def test_a_reward_made_on_the_spot_cannot_be_sent_to_a_worker() -> None:
    local = get_reward(lambda completion: 1.0, name="local")
    with pytest.raises(ConfigError, match="move it to the top of a module"):
        attack(local)
