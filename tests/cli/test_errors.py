"""Every mistake gets one clear screen and status 2; a bug in a reward status 1; an interruption 130."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Run = Callable[..., Result]


def refused(result: Result, *expected: str, status: int = 2) -> None:
    assert result.exit_code == status, result.output
    assert "Traceback" not in result.stderr
    assert not result.stdout
    for text in expected:
        assert text in result.stderr, result.stderr
    assert len(result.stderr.splitlines()) <= 24, "one screen"


def test_unknown_reward(run: Run, rows: Path) -> None:
    refused(run("score", rows, "-r", "acuracy"), "unknown reward 'acuracy'. Did you mean 'accuracy'?")


def test_unknown_parameter(run: Run, rows: Path) -> None:
    refused(run("score", rows, "-r", "format:stile=think"), "no parameter 'stile'. Did you mean 'style'?")


def test_parameter_of_the_wrong_type(run: Run, rows: Path, mine: Path) -> None:
    refused(run("score", rows, "-r", f"{mine}:same:right=much"), "parameter 'right' must be float, got 'much'")


def test_missing_gold_column(run: Run, write: Callable[..., Path], mine: Path) -> None:
    path = write([{"response": "4", "truth": "4"}])
    refused(
        run("score", path, "-r", f"{mine}:same"),
        "needs a gold answer",
        "Columns: response, truth",
        "--gold COLUMN",
    )
    refused(run("score", path, "-r", f"{mine}:same", "--gold", "thruth"), "Did you mean 'truth'?")
    assert run("score", path, "-r", f"{mine}:same", "--gold", "truth").exit_code == 0


def test_missing_completion_prompt_or_label_column(run: Run, write: Callable[..., Path], mine: Path) -> None:
    path = write([{"reply": "4"}])
    refused(run("score", path, "-r", f"{mine}:patient"), "Columns: reply. Name yours with --completion COLUMN")
    refused(run("score", path, "-r", f"{mine}:patient", "--completion", "replay"), "Did you mean 'reply'?")
    good = ("score", path, "-r", f"{mine}:patient", "--completion", "reply")
    refused(run(*good, "--prompt", "quest"), "--prompt quest: not in the data")
    refused(run(*good, "--label", "ok"), "--label ok: not in the data")


def test_a_label_that_is_no_boolean(run: Run, write: Callable[..., Path], mine: Path) -> None:
    path = write([{"text": "4", "ok": "maybe"}])
    refused(run("score", path, "-r", f"{mine}:patient", "--label", "ok"), "rows.jsonl:1", "got 'maybe'")


def test_rows_that_are_not_json_name_the_line(run: Run, tmp_path: Path, mine: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"text": "a"}\n\n{"text": \n')
    refused(run("score", path, "-r", f"{mine}:patient"), f"{path}:3: not JSON", "'{\"text\":'")


def test_a_bad_line_far_down_leaves_no_output(run: Run, tmp_path: Path, mine: Path) -> None:
    path, out = tmp_path / "bad.jsonl", tmp_path / "out.jsonl"
    path.write_text('{"text": "a"}\n' * 600 + "oops\n")
    refused(run("score", path, "-r", f"{mine}:patient", "-o", out), ":601: not JSON")
    assert not out.exists()


@pytest.mark.parametrize(
    ("line", "found"), [("[1]", "an array"), ("3", "a number"), ("null", "null"), ('"a"', "a string")]
)
def test_rows_that_are_not_objects(run: Run, tmp_path: Path, mine: Path, line: str, found: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(line + "\n")
    refused(run("score", path, "-r", f"{mine}:patient"), ":1: a JSON object", f"found {found}")


def test_rows_that_are_not_text(run: Run, tmp_path: Path, mine: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b'{"text": "a"}\n{"text": "\xff"}\n')
    refused(run("score", path, "-r", f"{mine}:patient"), ":2: not UTF-8")


@pytest.mark.parametrize("value", [None, 5, ["a", 5]])
def test_a_completion_that_is_no_text(run: Run, write: Callable[..., Path], mine: Path, value: object) -> None:
    refused(
        run("score", write([{"text": value}]), "-r", f"{mine}:patient"), ":1: column 'text' must hold a text or a chat"
    )


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_file(run: Run, tmp_path: Path, mine: Path, content: str) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text(content)
    refused(run("score", path, "-r", f"{mine}:patient"), "is empty")


def test_empty_standard_input(run: Run, mine: Path) -> None:
    refused(run("score", "-", "-r", f"{mine}:patient", text=""), "<stdin> is empty")


def test_a_file_that_is_not_there(run: Run, tmp_path: Path, mine: Path) -> None:
    refused(run("score", tmp_path / "none.jsonl", "-r", f"{mine}:patient"), "does not exist")
    refused(run("score", tmp_path / "mine.py" / "x", "-r", f"{mine}:patient"), "cannot be read")


def test_a_broken_parquet_file(run: Run, tmp_path: Path, mine: Path) -> None:
    path = tmp_path / "broken.parquet"
    path.write_bytes(b"PAR1 and no more")
    refused(run("score", path, "-r", f"{mine}:patient"), "not a readable Parquet file")


def test_a_reward_file_that_does_not_import(run: Run, rows: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import nothing_of_that_name\n")
    refused(run("score", rows, "-r", f"{broken}:fn"), "does not import: ModuleNotFoundError", "(line 1)")
    refused(run("score", rows, "-r", f"{tmp_path}/none.py:fn"), "does not exist")


def test_a_reward_file_without_that_function(run: Run, rows: Path, mine: Path) -> None:
    refused(run("score", rows, "-r", f"{mine}:sane"), "Did you mean 'same'?")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rewards: {tag_count: {weight: heavy}}", "rewards.tag_count.weight: "),
        ("rewards: {tag_count: {wight: 1}}", "Did you mean 'weight'?"),
        ("rewards: 7", "rewards: a mapping (alias: settings) or a list of names is expected, got 7"),
        ("reward: {}", "Did you mean 'rewards'?"),
        ("rewards: {tag_count", "not valid YAML"),
        ("preset: r1-zer", "Did you mean 'r1-zero'?"),
    ],
)
def test_a_wrong_config(run: Run, rows: Path, tmp_path: Path, text: str, expected: str) -> None:
    config = tmp_path / "rewards.yaml"
    config.write_text(text)
    refused(run("score", rows, "--config", config), "rewards.yaml", expected)


def test_a_config_that_is_not_there(run: Run, rows: Path, tmp_path: Path) -> None:
    refused(run("score", rows, "--config", tmp_path / "none.yaml"), "does not exist")


def test_no_rewards_or_two_kinds_of_them(run: Run, rows: Path) -> None:
    refused(run("score", rows), "say which rewards", "accuracy")
    refused(run("score", rows, "-r", "format", "--preset", "r1-zero"), "one of the three")


@pytest.mark.parametrize(
    ("out", "expected"),
    [
        ("none/out.jsonl", "No such file"),
        ("out.txt", ".jsonl, .csv or .parquet"),
        ("folder.jsonl", "not a regular file"),
    ],
)
def test_unwritable_output_is_found_before_scoring(
    run: Run, rows: Path, mine: Path, tmp_path: Path, out: str, expected: str
) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    refused(run("score", rows, "-r", f"{mine}:buggy", "-o", tmp_path / out), expected)


def test_a_bug_in_a_reward_shows_the_row_and_ends_with_1(run: Run, write: Callable[..., Path], mine: Path) -> None:
    path = write([{"text": "4"}, {"text": "5", "id": "guilty"}])
    refused(
        run("score", path, "-r", f"{mine}:buggy"),
        "reward 'buggy': ZeroDivisionError",
        "completion: '5'",
        "id='guilty'",
        "row: ",
        "rows.jsonl:2",
        status=1,
    )


def test_an_interruption_ends_with_130(run: Run, rows: Path, mine: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    refused(run("score", rows, "-r", f"{mine}:interrupted", "-o", out), "interrupted", status=130)
    assert not out.exists()


def test_a_parquet_that_cannot_hold_a_column(run: Run, write: Callable[..., Path], mine: Path, tmp_path: Path) -> None:
    path, out = write([{"text": "4", "x": 1}, {"text": "5", "x": "one"}]), tmp_path / "out.parquet"
    for batch in (1, 2):
        refused(run("score", path, "-r", f"{mine}:patient", "-o", out, "--batch", batch), "write .jsonl")
        assert not list(tmp_path.glob("*out*"))


def test_report_of_something_that_is_no_run(run: Run, tmp_path: Path) -> None:
    refused(run("report", tmp_path / "none"), "is not a folder")


def test_train_without_a_config(run: Run, tmp_path: Path) -> None:
    refused(run("train", tmp_path / "none.yaml"), "none.yaml")


def test_unknown_options_and_commands(run: Run) -> None:
    assert run("score").exit_code == 2
    assert run("scare").exit_code == 2
