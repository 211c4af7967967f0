"""``veritune bench math``: graders on labelled rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Run = Callable[..., Result]

ROWS = [
    {"answer": r"\frac{1}{2}", "text": r"\boxed{0.5}", "right": True},
    {"answer": "2", "text": "The answer is 3.", "right": False},
    {"answer": "3", "text": "#### 3", "right": True},
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


def test_the_table_and_the_figures(run: Run, file: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    columns = ("--completion", "text", "--label", "right")
    result = run("bench", "math", str(file), *columns, "--grader", "veritune cascade", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "veritune cascade" in result.stdout
    (figures,) = json.loads(out.read_text())
    assert (figures["rows"], figures["accuracy"], figures["precision"]) == (3, 1.0, 1.0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--completion"),
        (("--completion", "txt"), "text"),
        (("--completion", "text", "--label", "right", "--grader", "veritun cascade"), "Did you mean"),
    ],
)
def test_a_mistake_is_named(run: Run, file: Path, arguments: tuple[str, ...], said: str) -> None:
    result = run("bench", "math", str(file), *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_a_file_that_is_not_there(run: Run, tmp_path: Path) -> None:
    result = run("bench", "math", str(tmp_path / "none.jsonl"))
    assert result.exit_code == 2
    assert "none.jsonl" in result.output
