"""The pytest plugin: what it passes, what it fails, what it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.testing.inner import run_pytest
from veritune.plugins import DataError, Score
from veritune.testing.cases import read_cases

REWARDS = '''
from veritune import Cause, Score, reward

@reward
def same(completion: str, gold: str, *, right: float = 1.0) -> Score:
    """`right` where the completion is the gold; undecided for `?` as gold."""
    if gold == "?":
        return Score.none("no gold", Cause.INVALID_GOLD)
    if completion == "maybe":
        return Score.none("cannot tell", Cause.ABSTAIN)
    return Score(right * (completion == gold), "the same" if completion == gold else "another")

@reward
def shorter(completions: list[str], prompts: list[str]) -> list[float]:
    """1 for the shortest of its group."""
    return [float(len(c) == min(map(len, completions))) for c in completions]

def pays_all(completion, gold):
    return 1.0

def forgets(completion, gold):
    completion == gold
'''
CASES: list[dict[str, Any]] = [
    {"id": "right", "completion": "4", "gold": "4", "value": 1.0, "cause": None, "reason": "the same"},
    {"id": "wrong", "completion": "5", "gold": "4", "value": 0},
    {"id": "broken gold", "completion": "5", "gold": "?", "cause": "invalid_gold"},
    {"id": "abstains", "completion": "maybe", "gold": "4", "at_most": 0},
    {"id": "bounded", "completion": "4", "gold": "4", "above": 0.5},
]


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


CHECKS = """
import pytest
pytestmark = pytest.mark.reward("my_rewards.py:{name}")

@pytest.mark.reward_cases("cases.jsonl")
def test_cases():
    pass

def test_pays(assert_pays):
    assert assert_pays("4", gold="4").reason == "the same"

def test_pays_exactly(assert_pays):
    assert_pays("4", 1.0, gold="4")

@pytest.mark.reward("my_rewards.py:{name}", {params})
def test_pays_as_configured(assert_pays):
    assert_pays("4", 2.0, gold="4")

def test_holds(assert_holds):
    assert_holds("5", gold="4")
    assert_holds("maybe", gold="4")

def test_holds_for_a_cause(assert_holds):
    assert_holds("5", gold="?", cause="invalid_gold")

class TestGroups:
    pytestmark = pytest.mark.reward("my_rewards.py:shorter")

    @pytest.mark.reward_cases("group.jsonl")
    def test_groups(self, reward_case, reward):
        assert (reward_case.name, reward.name) == ("line1", "shorter")
"""
GROUP = lines({"completions": ["ab", "a"], "prompt": "p", "value": [0.0, 1.0]})


def checks(name: str, params: str = "right=2.0") -> dict[str, str]:
    text = CHECKS.format(name=name, params=params)
    return {"my_rewards.py": REWARDS, "cases.jsonl": lines(*CASES), "group.jsonl": GROUP, "test_it.py": text}


def test_a_sound_reward_passes_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    status, record = run_pytest(tmp_path, checks("same"))
    assert status == 0, record.said
    assert len(record.outcomes) == len(CASES) + 6
    assert {"test_cases[right]", "test_cases[abstains]", "test_groups[line1]"} <= record.outcomes.keys()


def test_a_reward_that_pays_all_fails_what_must_not_be_paid(tmp_path: Path) -> None:
    status, record = run_pytest(tmp_path, checks("pays_all", ""))
    failed = {name for name, outcome in record.outcomes.items() if outcome == "failed"}
    assert status == 1
    assert {"test_cases[wrong]", "test_cases[broken gold]", "test_cases[abstains]", "test_holds"} <= failed
    assert "test_holds_for_a_cause" in failed
    assert "test_pays_exactly" not in failed
    assert "expected 0, got 1.0" in record.said["test_cases[wrong]"]
    assert "gives 1 for '5'; it should pay at most 0" in record.said["test_holds"]


def test_a_reward_that_forgets_to_return_fails_everything(tmp_path: Path) -> None:
    _, record = run_pytest(tmp_path, checks("forgets", ""), "--deselect", "test_it.py::TestGroups")
    assert set(record.outcomes.values()) == {"failed"}
    assert "gives no number (not_applicable) for '5': the reward returned None" in record.said["test_holds"]
    assert "say cause='not_applicable'" in record.said["test_holds"]


NEW = """{"id": "kept", "completion": "4",  "gold": "4", "value": 1.0}
{"id": "new", "completion": "5", "gold": "4"}

{"id": "changed", "completion": "4", "gold": "4", "value": 0.25, "note": "by hand"}
{"id": "law", "completion": "4", "gold": "4", "at_most": 0}"""
REPLAY = """
import pytest
@pytest.mark.reward("my_rewards.py:same")
@pytest.mark.reward_cases("cases.jsonl")
def test_cases(): ...
"""


def test_reward_update_writes_new_and_changed_cases_and_breaks_no_law(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"my_rewards.py": REWARDS, "cases.jsonl": NEW, "test_it.py": REPLAY}
    _, record = run_pytest(tmp_path, files)
    assert record.outcomes == {
        "test_cases[kept]": "passed",
        "test_cases[new]": "failed",
        "test_cases[changed]": "failed",
        "test_cases[law]": "failed",
    }
    assert "pytest --reward-update writes what is seen" in record.said["test_cases[new]"]
    assert (tmp_path / "cases.jsonl").read_text() == NEW, "nothing is written unasked"
    _, record = run_pytest(tmp_path, {}, "--reward-update")
    assert record.outcomes["test_cases[law]"] == "failed"
    assert "2 reward cases written" in capsys.readouterr().out
    kept, new, blank, changed, law = (tmp_path / "cases.jsonl").read_text().splitlines()
    assert [kept, blank, law] == [NEW.splitlines()[i] for i in (0, 2, 4)], "what is not rewritten keeps its bytes"
    assert json.loads(new) == {
        "id": "new",
        "completion": "5",
        "gold": "4",
        "value": 0.0,
        "cause": None,
        "reason": "another",
    }
    assert json.loads(changed)["value"] == 1.0
    assert json.loads(changed)["note"] == "by hand"
    assert "reason" not in json.loads(changed), "only what was expected is compared, and rewritten"
    _, record = run_pytest(tmp_path, {})
    assert [name for name, outcome in record.outcomes.items() if outcome != "passed"] == ["test_cases[law]"]


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        ("\n", "holds no cases"),
        ("[1]\n", "a case is a JSON object with completion"),
        ('{"gold": "4"}\n', "a case is a JSON object with completion"),
        ("{\n", "cases.jsonl:1: not JSON"),
    ],
)
def test_a_file_without_cases_is_refused(tmp_path: Path, cases: str, said: str) -> None:
    (tmp_path / "cases.jsonl").write_text(cases)
    with pytest.raises(DataError, match=said):
        read_cases(tmp_path / "cases.jsonl")


def test_a_separator_inside_a_text_ends_no_line_of_cases(tmp_path: Path) -> None:
    texts = ["one\u2028two", "three\x85four\x0c"]
    file = tmp_path / "cases.jsonl"
    rows = [json.dumps({"completion": text, "value": 0}, ensure_ascii=False) for text in texts]
    file.write_text("\n".join(rows), encoding="utf-8")
    found = read_cases(file)
    assert [case.row["completion"] for case in found.cases] == texts
    found.rewrite(found.cases[1], [Score(1.0)])
    assert found.save() == 1
    assert [case.row["value"] for case in read_cases(file).cases] == [0, 1.0]


def test_a_missing_file_of_cases_is_an_error_and_no_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, record = run_pytest(tmp_path, {"my_rewards.py": REWARDS, "test_it.py": REPLAY})
    assert status not in (0, 1)
    assert not record.outcomes
    captured = capsys.readouterr()
    assert "cannot be read" in captured.out + captured.err


def test_a_test_that_names_no_reward_is_told_how(tmp_path: Path) -> None:
    text = "def test_it(assert_pays): assert_pays('4')\n"
    status, record = run_pytest(tmp_path, {"test_it.py": text})
    assert status == 1
    assert '@pytest.mark.reward("my_rewards.py:short", limit=80)' in record.said["test_it"]


OWN = """
import pytest
from veritune import compose

@pytest.fixture
def reward():
    return compose(["format", "tag_count"])

@pytest.mark.reward("rewards.yaml")
def test_own_fixture_wins(reward, assert_holds):
    assert reward.aliases == ["format", "tag_count"]
    assert_holds("x")
"""


YAML = """
import pytest

@pytest.mark.reward("r.yaml")
def test_yaml(assert_pays):
    assert_pays("<think>\\nx\\n</think>\\n<answer>\\ny\\n</answer>", 1.0)
"""


def test_the_fixture_can_be_one_s_own_and_a_composition(tmp_path: Path) -> None:
    files = {"test_own.py": OWN, "test_yaml.py": YAML, "r.yaml": "rewards: [format]"}
    status, record = run_pytest(tmp_path, files)
    assert status == 0, record.said


ATTACKS = """
import pytest

@pytest.mark.reward("my_rewards.py:same")
def test_sound(attack):
    report = attack(budget=12, gold="42", right=["42"])
    assert 0 < report.counts["holds"] <= 30

@pytest.mark.reward("my_rewards.py:pays_all")
def test_broken(attack):
    attack(budget=12, gold="42")
"""


def test_an_attack_is_a_test_with_a_budget(tmp_path: Path) -> None:
    _, record = run_pytest(tmp_path, {"my_rewards.py": REWARDS, "test_it.py": ATTACKS})
    assert record.outcomes == {"test_sound": "passed", "test_broken": "failed"}, record.said
    assert "pays: no work at all" in record.said["test_broken"]
