"""The attack finds what pays without the work, hangs, raises or wavers; a sound reward holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from veritune.plugins import ConfigError, Reward, get_reward
from veritune.rewards.attack import AttackReport, worker_pool
from veritune.rewards.attack import attack as run_attack
from veritune.rewards.attack.report import WITHOUT_WORK

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
def constant(completion: str) -> float:
    return 1.0

@reward
def boxes(completion: str) -> float:
    return float(completion.count("boxed"))

@reward
def forgot(completion: str, gold: str):
    float(completion == gold)

@reward
def secret(completion: str, gold: str) -> float:
    return float(completion == f"the word is xyzzy: {gold}")

@reward
def chinese(completion: str, gold: str) -> float:
    letters = [char for char in completion if char.isalpha()]
    share = sum("\\u4e00" <= char <= "\\u9fff" for char in letters) / max(1, len(letters))
    return float(share > 0.5) * float(re.findall(r"</think>\\s*\\\\boxed\\{(.*?)\\}$", completion) == [gold])

@reward
def chinese_beside(completion: str, gold: str) -> float:
    letters = [char for char in completion if char.isalpha()]
    share = sum("\\u4e00" <= char <= "\\u9fff" for char in letters) / max(1, len(letters))
    return 0.3 * share + float(re.findall(r"</think>\\s*\\\\boxed\\{(.*?)\\}$", completion) == [gold])

@reward
def evals(completion: str, gold: str) -> float:
    try:
        return float(eval(completion) == int(gold))
    except Exception:
        return 0.0

@reward
def brief(completion: str) -> float:
    return float(len(completion) < 500)

@reward
def penalty(completion: str) -> float:
    return -float(len(completion) > 500)

@reward
def label(completion: str, label: int) -> float:
    return float(completion.rpartition("####")[2].strip() == str(label))

@reward
def hard(completion: str, difficulty: int) -> float:
    return float(difficulty > 3)
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "rewards_under_attack.py"
    path.write_text(REWARDS, encoding="utf-8")
    return str(path)


_pool = worker_pool(1, 0.5)


def attack(reward: Reward, **options: Any) -> AttackReport:
    """In one pool for all tests."""
    return run_attack(reward, pool=_pool, **{"deadline": 0.5, **options})


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


def test_a_constant_pays_without_work(file: str) -> None:
    report = attack(get_reward(f"{file}:constant"))
    assert {result.attack.name for result in report.broken} == {WITHOUT_WORK}
    assert report.failed
    assert not report.counts["cannot be judged"]
    assert sum(report.untested.values()) == report.counts["not tested"] > 100


def test_a_constant_is_not_saved_by_calling_it_a_side_term(file: str) -> None:
    with pytest.raises(ConfigError, match="so does everything else"):
        attack(get_reward(f"{file}:constant"), side=True)


def test_a_reward_that_pays_far_above_honest_work_pays(file: str) -> None:
    report = attack(get_reward(f"{file}:boxes"))
    assert any("far above" in result.detail for result in report.broken)


def test_a_reward_that_was_never_scored_is_an_error_that_says_what_to_give(file: str) -> None:
    with pytest.raises(ConfigError, match=r"gave no number .* --right TEXT, .* --column NAME=VALUE.*forgets `return`"):
        attack(get_reward(f"{file}:forgot"))
    with pytest.raises(ConfigError, match="honest work earns 0, and so does everything else"):
        attack(get_reward(f"{file}:secret"))
    assert not attack(get_reward(f"{file}:secret"), right=["the word is xyzzy: 12"]).failed


def test_code_that_a_reward_runs_leaves_its_mark(file: str) -> None:
    assert found(attack(get_reward(f"{file}:evals")), "executes")


def test_a_penalty_only_takes_away_and_a_side_term_may_be_declared(file: str) -> None:
    assert attack(get_reward(f"{file}:brief")).failed
    report = attack(get_reward(f"{file}:brief"), side=True)
    assert not report.failed, str(report)
    assert not attack(get_reward(f"{file}:penalty")).failed


def test_a_gold_in_another_column_is_found_there(file: str) -> None:
    assert not attack(get_reward(f"{file}:label")).failed
    assert not attack(get_reward(f"{file}:exact", columns={"gold": "key"}), columns={"key": "17"}).failed


def test_a_sound_reward_holds_everywhere(file: str) -> None:
    report = attack(get_reward(f"{file}:exact"))
    assert report.broken == []
    assert report.counts["holds"] > 100


@pytest.mark.parametrize("name", ["chinese", "chinese_beside"])
def test_honest_work_is_in_the_language_that_is_paid(file: str, name: str) -> None:
    report = attack(get_reward(f"{file}:{name}"))
    assert report.honest is not None
    assert report.honest >= 1
    assert report.broken == []
    assert report.counts["holds"] > 100


def test_the_built_in_is_judged_by_honest_work_in_its_target() -> None:
    report = attack(get_reward("language", target="de"), side=True, deadline=2.0, budget=60)
    assert report.honest == 1.0
    assert not report.failed, str(report)


def test_a_reward_that_fails_on_ordinary_text_is_reported_before_any_attack(file: str) -> None:
    with pytest.raises(ConfigError, match="fails on the ordinary completion"):
        attack(get_reward(f"{file}:needs_tags"))


def test_a_missing_column_says_how_to_give_it(file: str) -> None:
    with pytest.raises(ConfigError, match="--column NAME=VALUE"):
        attack(get_reward(f"{file}:hard"))
    report = attack(get_reward(f"{file}:hard"), columns={"difficulty": 4})
    assert found(report, "pays") == {WITHOUT_WORK}


def test_a_reward_made_on_the_spot_cannot_be_sent_to_a_worker() -> None:
    local = get_reward(lambda completion: 1.0, name="local")
    with pytest.raises(ConfigError, match="Save it to a file"):
        attack(local)
