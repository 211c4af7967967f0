"""A3, A9, A13 (and A2 on the command line): what is said of versions, of compared answers, of bad rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.conftest import ROOT
from veritune.cli.app import app


@pytest.fixture
def score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """``veritune score`` of these rows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")

    def run(rows: list[Any], *arguments: str) -> Result:
        lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
        Path("rows.jsonl").write_text("".join(f"{line}\n" for line in lines))
        return CliRunner().invoke(app, ["score", "rows.jsonl", *arguments, "-q"])

    return run


def test_a3_the_verifiers_page_names_the_releases_it_is_for() -> None:
    page = (ROOT / "docs" / "trainers.md").read_text().partition("## verifiers")[2]
    assert "From 0.4 on" in page
    assert "Up to 0.3" in page


def test_a9_explain_shows_what_was_compared(score: Callable[..., Result]) -> None:
    done = score([{"completion": "\\boxed{2}", "gold": "2\\sqrt{3}"}], "-r", "accuracy", "--explain")
    assert "2\\sqrt{3}" in done.stdout
    assert "the values differ" in done.stdout


def test_a13_a_bad_row_costs_itself_where_that_is_asked_for(score: Callable[..., Result]) -> None:
    rows = [
        {"completion": "4", "gold": "4"},
        "not json",
        {"completion": None, "gold": "4"},
        {"completion": "5", "gold": "4"},
    ]
    assert score(rows, "-r", "accuracy").exit_code == 2
    done = score(rows, "-r", "accuracy", "--on-error", "skip", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["rows"] == 2


def test_a2_a_where_that_matches_no_row_is_said_of_a_file_too(score: Callable[..., Result]) -> None:
    Path("r.yaml").write_text("rewards: {accuracy: , format: {where: {kind: maths}}}")
    done = score([{"completion": "4", "gold": "4", "kind": "math"}], "--config", "r.yaml")
    assert done.exit_code == 0
    assert "note: format gave no number for any row. 1 not_applicable: " in done.stderr
    assert "accuracy gave" not in done.stderr
