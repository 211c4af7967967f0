"""``veritune new``: what it writes is tested, and a broken reward fails those tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.conftest import ROOT
from tests.testing.inner import run_pytest
from veritune.cli.app import app
from veritune.plugins import ConfigError
from veritune.scaffold import PLUGIN, check_name, render


def new(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["new", *map(str, arguments)])
    return done.exit_code, done.output


def test_a_new_reward_has_tests_that_pass(tmp_path: Path) -> None:
    status, said = new("reward", "polite-words", "--into", tmp_path)
    assert status == 0
    assert "pytest" in said
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "polite_words.py",
        "polite_words_cases.jsonl",
        "test_polite_words.py",
    ]
    status, record = run_pytest(tmp_path, {}, "-k", "not attacks")  # the example plugin's test runs those
    assert status == 0, record.said
    assert len(record.outcomes) == 8


@pytest.mark.parametrize(
    ("sound", "broken", "failing"),
    [
        ("return Score(float(1 <= count <= most)", "return Score(1.0", "test_once_pays_and_again_and_again_does_not"),
        ("return Score(float(1 <= count <= most)", "Score(1.0", "test_golden_cases[once]"),
        ('return Score.none("the completion is empty")', "return Score(0.0)", "test_golden_cases[nothing to judge]"),
        ("re.findall(pattern, completion", "eval(completion) or re.findall(pattern, completion", "test_it_withstands"),
    ],
)
def test_a_broken_reward_fails_them(tmp_path: Path, sound: str, broken: str, failing: str) -> None:
    new("reward", "polite", "--into", tmp_path)
    file = tmp_path / "polite.py"
    text = file.read_text()
    assert sound in text
    file.write_text(text.replace(sound, broken))
    skipped = [] if "attacks" in failing or failing.endswith("withstands") else ["-k", "not attacks"]
    status, record = run_pytest(tmp_path, {}, *skipped)
    assert status == 1
    assert any(name.startswith(failing) for name, outcome in record.outcomes.items() if outcome != "passed")


def test_the_example_is_what_new_plugin_writes() -> None:
    for path, text in render(PLUGIN, "politeness").items():
        assert (ROOT / "examples" / "plugin" / path).read_text(encoding="utf-8") == text, path


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "polite_cases.jsonl").write_text("mine")
    status, _ = new("reward", "polite", "--into", tmp_path)
    assert status == 2
    assert [p.name for p in tmp_path.iterdir()] == ["polite_cases.jsonl"]
    assert new("plugin", "polite", "--into", tmp_path / "deep" / "er")[0] == 0
    assert (tmp_path / "deep" / "er" / "veritune-polite" / "tests" / "cases.jsonl").is_file()


@pytest.mark.parametrize("name", ["accuracy", "class", "two words", "../up", "_hidden", "1st", "größe", "random", ""])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        check_name(name)
