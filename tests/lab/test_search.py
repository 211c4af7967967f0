"""The search finds seeded faults and shrinks them; it says nothing of a reward that does what it says."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from veritune.lab.search import SearchReport, search
from veritune.lab.search.answers import near
from veritune.lab.search.claims import certain, number
from veritune.lab.search.excess import gold_check_on
from veritune.lab.search.scoring import make_pool
from veritune.lab.search.setting import Given
from veritune.plugins import ConfigError, Reward, get_reward
from veritune.sandbox.workers import WorkerPool
from veritune.testing.cases import read_cases

REWARDS = """
import re
from veritune import reward

@reward
def substring(completion: str, gold: str) -> float:
    return float(gold in completion)

@reward
def evals(completion: str, gold: str) -> float:
    found = re.findall(r"\\\\boxed\\{(.*?)\\}", completion)
    try:
        return float(bool(found) and float(eval(found[-1])) == float(gold))
    except Exception:
        return 0.0

@reward
def twice(completion: str) -> float:
    return float(len(re.findall(r"<think>.*?</think>\\s*<answer>.*?</answer>", completion, re.DOTALL)))

@reward
def strict(completion: str, gold: str) -> float:
    found = re.findall(r"\\\\boxed\\{([^{}]*)\\}", completion)
    return float(found == [gold] and completion.rstrip(" .$").endswith("}") and completion.startswith("First"))

@reward
def breaks(completion: str, gold: str) -> float:
    if "<!--" in completion:
        raise ValueError("no comments, please")
    return float(completion.endswith(f"#### {gold}"))
"""


@pytest.fixture(scope="module")
def rewards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("search") / "seeded.py"
    file.write_text(REWARDS)
    return file


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with make_pool(1, 1.0) as running:
        yield running


def answered(question: int, answer: int, gold: int, label: bool | None = None) -> Given:
    text = f"<think>\nI add up.\n</think>\n<answer>\n{answer}\n</answer>"
    return Given(f"row {question}", text, f"What is {gold - 2} + 2?", {"gold": str(gold)}, label)


ROWS = [answered(n, 20 + 3 * n + (n % 2), 20 + 3 * n) for n in range(12)]


def searched(rewards: Path, name: str, pool: WorkerPool, tries: int = 600) -> SearchReport:
    return search(get_reward(f"{rewards}:{name}"), ROWS, tries=tries, pool=pool, deadline=1.0)


def of_kind(report: SearchReport, kind: str) -> list[str]:
    return [one.completion for one in report.smallest if one.kinds == (kind,)]


def test_a_substring_match_is_found_and_shrunk_to_one_line(rewards: Path, pool: WorkerPool) -> None:
    report = searched(rewards, "substring", pool)
    denied = of_kind(report, "denial")
    assert denied
    assert len(denied[0]) < 40
    assert "\n" not in denied[0]
    assert {one.finding for one in report.found} <= {"pays"}


def test_an_eval_of_the_box_is_caught_by_what_it_leaves_behind(rewards: Path, pool: WorkerPool) -> None:
    report = searched(rewards, "evals", pool)
    assert any(one.finding == "executes" for one in report.found)
    computed = of_kind(report, "code that computes it")
    assert computed
    assert len(computed[0]) < 60


def test_a_format_that_pays_twice_is_shrunk_to_two_blocks(rewards: Path, pool: WorkerPool) -> None:
    report = searched(rewards, "twice", pool, tries=900)
    found = [one for one in report.found if one.finding == "pays too much"]
    assert found
    assert min(one.completion.count("<think>") for one in found) == 2
    assert found[0].at_most == 1.0


def test_nothing_is_found_in_a_reward_that_is_strict(rewards: Path, pool: WorkerPool) -> None:
    report = searched(rewards, "strict", pool)
    assert not report.failed
    assert report.tried >= 600
    assert len(report.arms) > 10


def test_what_raises_is_found(rewards: Path, pool: WorkerPool) -> None:
    assert any(one.finding == "raises" for one in searched(rewards, "breaks", pool).found)


def test_cases_are_written_for_pytest_and_fail_until_the_reward_is_mended(
    rewards: Path, pool: WorkerPool, tmp_path: Path
) -> None:
    report = searched(rewards, "substring", pool)
    file = tmp_path / "cases.jsonl"
    assert report.write(file) == len(report.found)
    broken, sound = get_reward(f"{rewards}:substring"), get_reward(f"{rewards}:strict")
    for case in read_cases(file).cases:
        assert "at_most" in case.differences(broken.score_batch(case.samples))
        assert not case.differences(sound.score_batch(case.samples))


def test_an_oracle_that_pays_as_well_leaves_nothing(rewards: Path, pool: WorkerPool) -> None:
    reward: Reward = get_reward(f"{rewards}:substring")
    assert not search(reward, ROWS, oracle=reward, tries=300, pool=pool).failed
    second = get_reward(f"{rewards}:strict")
    rows = [*ROWS, Given("row", "First: \\boxed{7}", "What is 3 + 4?", {"gold": "7"})]
    report = search(reward, rows, oracle=second, tries=300, pool=pool)
    assert {one.finding for one in report.found} == {"pays beyond the oracle"}


def test_no_rows_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no rows"):
        search(get_reward("accuracy"), [])


@pytest.mark.parametrize(
    ("text", "gold", "expected"),
    [
        ("\\boxed{4}", "4", True),
        ("\\boxed{5}", "4", False),
        ("<answer>\n\\boxed{4}\n</answer>", "4.0", True),
        ("#### 1,200", "1200", True),
        ("The answer is 3/4.", "0.75", True),
        ("\\boxed{4} or \\boxed{5}", "4", None),
        ("\\boxed{2\\sqrt{3}}", "4", None),
        ("So there are 5.", "4", None),
        ("Answer: B", "C", False),
        ("", "4", False),
    ],
)
def test_the_gold_check_says_only_what_is_certain(text: str, gold: str, expected: bool | None) -> None:
    assert certain(text, gold) is expected


@pytest.mark.parametrize("gold", ["0", "1", "7", "42", "-3", "1,200", "2.5", "1/2", "100", "\\$0.50"])
def test_another_number_is_never_the_gold(gold: str) -> None:
    value = number(gold)
    assert value is not None
    random.seed(0)
    for text in near(gold, value):
        other = number(text)
        assert other is None or other != value
        assert isinstance(other, Fraction | None)


def test_a_policy_is_trained_on_reward_minus_the_gold_check() -> None:
    reward = get_reward(
        "veritune.lab.search.excess:excess",
        attacked={"rewards": {"exact_answer": {}}},
        oracle=gold_check_on("gold"),
        high=2.0,
    )
    assert reward.score("<answer>4</answer>", gold="4").value == 0.0
    assert reward.score("<answer>5</answer>", gold="4").value == 0.0
    assert reward.score("I do not know.", gold="4").value is None
    paid = reward.with_params(attacked={"rewards": {"format": {"params": {"style": "tags"}}}}, high=1.0)
    assert paid.score("<think>a</think><answer>5</answer>", gold="4").value == 1.0
