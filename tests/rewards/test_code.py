"""The code rewards in their own mode: none of the peers' mistakes, reasons everywhere, undecided is never zero."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import pytest

from veritune.plugins import Cause, ParameterError, Reward, Verdict, get_reward
from veritune.sandbox import SandboxCrashed, SandboxUnavailable, default_sandbox

ADD = "```python\nprint(sum(map(int, input().split())))\n```"
SUMS = [{"input": "1 2", "output": "3"}, {"input": "4 5", "output": "9"}]
LINES = {"language": "python", "test_cases": [{"input": "", "output": "a\nb\nc"}]}
INFO = {"language": "python", "test_cases": SUMS}


def score(reward: str | Reward, text: str, **columns: Any) -> Any:
    return (get_reward(reward) if isinstance(reward, str) else reward).score(text, **columns)


@pytest.mark.parametrize("name", ["code", "binary_code", "code_stdio"])
def test_a_prefix_of_the_output_does_not_pay(name: str) -> None:
    prefix = "```python\nprint('a')\n```"
    assert score(name, prefix, verification_info=LINES).value == 0.0
    if name != "code_stdio":
        assert score(get_reward(name, compat="open-r1"), prefix, verification_info=LINES).value == 1.0


@pytest.mark.parametrize("name", ["code", "binary_code", "code_stdio", "cf_code", "ioi_code"])
def test_zero_tests_are_undecided(name: str) -> None:
    found = score(name, ADD, verification_info={**INFO, "test_cases": []}, official_tests=[], id="x")
    assert (found.value, found.cause) == (None, Cause.INVALID_GOLD)


def test_one_timeout_costs_one_test() -> None:
    slow = "```python\na, b = map(int, input().split())\nwhile a == 4: pass\nprint(a + b)\n```"
    reward = get_reward("code", limits={"cpu_s": 0.5, "wall_s": 20})
    found = score(reward, slow, verification_info=INFO)
    assert found.value == 0.5
    assert found.verdict.evidence["limit"] == "cpu"


@pytest.mark.parametrize("name", ["code", "binary_code", "code_stdio", "cf_code"])
def test_a_broken_sandbox_is_undecided_and_spoils_nothing_else(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    box = default_sandbox()
    run = type(box).run

    def broken(self: Any, program: Any, *args: Any, **kwargs: Any) -> Any:
        if "BREAK" in program.source:
            raise SandboxCrashed("gone")
        return run(self, program, *args, **kwargs)

    monkeypatch.setattr(type(box), "run", broken)
    rows: dict[str, Any] = {"verification_info": [INFO] * 2, "official_tests": [SUMS] * 2, "language": ["python"] * 2}
    if name == "cf_code":
        del rows["verification_info"]
    values = get_reward(name)([ADD, ADD.replace("print", "BREAK = 1; print")], **rows)
    assert values[0] is not None
    assert values[0] >= 1.0
    assert values[1] is None


def test_where_nothing_can_be_isolated_the_reward_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(self: Any) -> Any:
        raise SandboxUnavailable("no isolation here; install bubblewrap or pass allow_unsafe")

    monkeypatch.setattr(type(default_sandbox()), "report", none)
    with pytest.raises(Exception, match="allow_unsafe"):
        score("code", ADD, verification_info=INFO)


def test_the_language_of_the_row_counts() -> None:
    script = "```javascript\nconsole.log(3)\n```"
    assert "no python program" in score("code", script, verification_info=INFO).reason


def test_a_batch_size_of_minus_one_runs_every_test() -> None:
    row = {"official_tests": SUMS, "language": "python"}
    assert score(get_reward("cf_code", test_batch_size=-1), ADD, **row).value == 1.1
    with pytest.raises(ParameterError, match="test_batch_size"):
        get_reward("ioi_code", test_batch_size=0)


@pytest.mark.parametrize(("mode", "half"), [("pass_fail", 0.0), ("partial", 0.5), ("weighted_sum", 0.05)])
def test_the_three_modes_of_codeforces(mode: str, half: float) -> None:
    reward = get_reward("cf_code", scoring_mode=mode)
    row = {"official_tests": SUMS, "language": "python"}
    assert score(reward, "```python\nprint(3)\n```", **row).value == half
    assert score(reward, "no code", **row).value == -1.0


def test_a_checker_decides_and_its_own_failure_is_not_the_programs() -> None:
    checker = (
        "import sys\ngiven = open(sys.argv[3]).read().split()\nprint(0.5 if given == ['3'] else int(len(given) == 1))"
    )
    row = {"official_tests": SUMS[:1], "language": "python", "generated_checker": checker}
    reward = get_reward("cf_code", scoring_mode="partial")
    assert score(reward, "```python\nprint(7)\n```", **row).value == 1.0
    broken = score(reward, ADD, **{**row, "generated_checker": "1/0"})
    assert (broken.value, broken.cause) == (None, Cause.INVALID_GOLD)


def test_tests_may_be_in_a_column_of_any_name() -> None:
    reward = get_reward("code", columns={"tests": "mine"})
    assert score(reward, ADD, mine=SUMS).value == 1.0
    assert score(reward, ADD, mine={"inputs": ["1 2"], "outputs": ["3"]}).value == 1.0


@pytest.mark.parametrize("name", ["code", "binary_code", "code_stdio", "cf_code", "ioi_code"])
def test_rewards_are_picklable_and_work_in_any_thread(name: str) -> None:
    reward = pickle.loads(pickle.dumps(get_reward(name)))
    found: list[Any] = []
    row = {"verification_info": INFO, "official_tests": SUMS, "language": "python", "id": "x"}
    thread = threading.Thread(target=lambda: found.append(reward.score("nothing", **row)))
    thread.start()
    thread.join(60)
    assert found[0].reason


def test_a_verdict_carries_the_isolation_in_force() -> None:
    verdict = score("code", ADD, verification_info=INFO).verdict
    assert isinstance(verdict, Verdict)
    assert verdict.evidence["isolation"]["backend"] == "local"
    assert verdict.evidence["tamperable"] is False
    assert [test["passed"] for test in verdict.evidence["tests"]] == [True, True]


def test_unknown_limits_are_refused_before_anything_runs() -> None:
    with pytest.raises(ParameterError, match="cpu_s"):
        get_reward("code", limits={"cpu": 3})


def test_the_contests_scores_carry_a_verdict_and_keep_a_deadline() -> None:
    row = {"official_tests": SUMS, "language": "python"}
    verdict = score("cf_code", "```python\nprint(3)\n```", **row).verdict
    assert verdict.correct is False
    assert verdict.evidence["isolation"]["backend"] == "local"
    assert [test["passed"] for test in verdict.evidence["tests"]] == [True, False]
    assert score("ioi_code", "nothing", id="x", test_cases=[["1", "1"]]).verdict.evidence["isolation"] is not None
    slow = "```python\nimport time; time.sleep(5)\n```"
    assert score(get_reward("cf_code", deadline=0.3), slow, **row).cause is Cause.TIMEOUT
