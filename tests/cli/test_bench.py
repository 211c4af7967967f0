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
COLUMNS = ("--label", "right")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


@pytest.fixture
def inside(tmp_path: Path) -> str:
    path = tmp_path / "mine.py"
    path.write_text("def inside(completion, gold):\n    return gold in completion\n", encoding="utf-8")
    return f"{path}:inside"


def test_the_table_has_the_users_rows_and_the_packaged_ones(run: Run, file: Path, inside: str, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    result = run("bench", "math", file, *COLUMNS, "-g", inside, "--kinds", "echo,units", "--mistakes", 1, "-o", out)
    assert result.exit_code == 0, result.output
    assert f"3 rows: {file}" in result.stdout
    assert "packaged adversarial rows" in result.stdout
    assert "wrong answers accepted, by kind" in result.stdout
    assert "only the prompt's example is repeated" in result.stdout
    figures = json.loads(out.read_text())["sets"]
    ((mine,), (packaged,)) = figures.values()
    assert (mine["accuracy"]["value"], mine["false_rejects"]) == (2 / 3, 1)
    assert set(packaged["kinds"]) == {"echo", "units"}


def test_figures_as_json_name_what_was_not_run(run: Run, file: Path, inside: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import no_such_package_of_mine\n")
    names = ("--graders", f"{inside},qwen", "--graders", f"{broken}:grade")
    result = run("bench", "math", file, *COLUMNS, *names, "--kinds", "none", "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert list(figures["sets"]) == [str(file)]
    assert "no_such_package_of_mine" in figures["not run"]["broken.py:grade"]
    assert "Qwen2.5-Math" in figures["not run"]["qwen"]


def test_the_list_has_every_grader_and_kind(run: Run) -> None:
    result = run("bench", "math", "--list")
    assert result.exit_code == 0, result.output
    for word in ("math-verify", "lighteval", "reward-doctor", "pip install", "negation", "unfinished"):
        assert word in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--label"),
        (("--completion", "txt"), "Did you mean 'text'"),
        ((*COLUMNS, "--graders", "veritun"), "Did you mean"),
        ((*COLUMNS, "--kinds", "unit"), "Did you mean"),
    ],
)
def test_a_mistake_is_named(run: Run, file: Path, arguments: tuple[str, ...], said: str) -> None:
    result = run("bench", "math", str(file), *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_nothing_to_measure_and_a_file_that_is_not_there(run: Run, tmp_path: Path) -> None:
    assert run("bench", "math", "--kinds", "none").exit_code == 2
    result = run("bench", "math", str(tmp_path / "none.jsonl"))
    assert result.exit_code == 2
    assert "none.jsonl" in result.output
