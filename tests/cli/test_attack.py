"""``veritune attack`` shows what does not hold and says so in its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from veritune.cli.app import app

NAIVE = '''
from veritune import reward

@reward
def naive(completion: str, gold: str) -> float:
    """1 where the gold occurs anywhere."""
    return float(gold in completion)
'''


def test_a_cheatable_reward_is_shown_and_fails(tmp_path: Path) -> None:
    file = tmp_path / "naive_rewards.py"
    file.write_text(NAIVE, encoding="utf-8")
    done = CliRunner().invoke(app, ["attack", f"{file}:naive", "--gold", "42", "--quiet"])
    assert done.exit_code == 1
    assert "negated answer" in done.output


def test_a_reward_file_in_this_folder_is_found_by_its_bare_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bare_name.py").write_text(NAIVE, encoding="utf-8")
    (tmp_path / "set.yaml").write_text('rewards: {naive: {use: "bare_name.py:naive"}}', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for given in ("bare_name.py:naive", "set.yaml"):
        done = CliRunner().invoke(app, ["attack", given, "--gold", "42", "--quiet"])
        assert done.exit_code == 1, done.output
        assert "negated answer" in done.output


def test_a_sound_reward_passes_and_prints_json() -> None:
    done = CliRunner().invoke(app, ["attack", "format", "--json"])
    assert done.exit_code == 0, done.output
    results = json.loads(done.output)["results"]
    assert {row["finding"] for row in results} == {"holds", "not tested"}


def test_an_ill_written_column_is_a_user_mistake() -> None:
    done = CliRunner().invoke(app, ["attack", "format", "--column", "kind"])
    assert done.exit_code == 2
    assert "NAME=VALUE" in done.output
