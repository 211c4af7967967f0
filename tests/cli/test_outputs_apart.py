"""No command writes over a file that it reads, the second inputs included; an empty gold is a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Run = Callable[..., Result]
ROWS = '{"prompt": "What is 7 + 5?", "completion": "\\\\boxed{13}", "gold": "12", "right": false}\n' * 3


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("rows.jsonl", "other.jsonl"):
        (tmp_path / name).write_text(ROWS, encoding="utf-8")
    (tmp_path / "rewards.yaml").write_text("rewards: {format: {params: {style: boxed}}}\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ("attack", "accuracy", "--search", "rows.jsonl", "--seconds", "1", "--out", "rows.jsonl", "-q"),
        ("audit", "other.jsonl", "--eval", "rows.jsonl", "--write-clean", "rows.jsonl", "-q"),
        ("audit", "rows.jsonl", "--write-clean", "rows.jsonl", "-q"),
        ("rescore", "other.jsonl", "--config", "rewards.yaml", "--data", "rows.jsonl", "--out", "rows.jsonl", "-q"),
        ("rescore", "rows.jsonl", "--config", "rewards.yaml", "--out", "rows.jsonl", "-q"),
        ("score", "rows.jsonl", "--config", "rewards.yaml", "--out", "rows.jsonl", "-q"),
    ],
)
def test_a_file_that_is_read_is_never_written_over(run: Run, rows: Path, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert "input file itself" in result.output.replace("\n", " ")
    assert (rows / "rows.jsonl").read_text(encoding="utf-8") == ROWS


def test_an_empty_gold_ends_in_a_sentence(run: Run) -> None:
    result = run("attack", "format", "--gold", "", "--right", "<think>\na\n</think>\n<answer>\n12\n</answer>", "-q")
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
