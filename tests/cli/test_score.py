"""``veritune score``: what it computes, writes and shows."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Run = Callable[..., Result]


def summary(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_summary_has_means_and_counts_every_cause(run: Run, rows: Path, mine: Path) -> None:
    found = summary(run("score", rows, "-r", f"{mine}:same", "-r", f"{mine}:patient", "--json"))
    assert found["rows"] == 3
    assert found["rewards"]["same"] == {
        **{"decided": 3, "mean": 1 / 3, "se": pytest.approx(1 / 3), "min": 0.0, "max": 1.0, "causes": {}}
    }
    assert found["rewards"]["patient"]["causes"] == {"timeout": 1}
    assert found["rewards"]["patient"]["mean"] == 0.5


def test_the_table_shows_the_same(run: Run, rows: Path, mine: Path) -> None:
    result = run("score", rows, "-r", f"{mine}:patient")
    assert result.exit_code == 0
    assert "3 rows" in result.stdout
    assert "timeout" in result.stdout
    assert "not_applicable" not in result.stdout, "causes that did not occur are not listed"


def test_parameters_are_given_after_the_name(run: Run, rows: Path, mine: Path) -> None:
    found = summary(run("score", rows, "-r", f"{mine}:same:right=3", "-r", f"{mine}:same:right=1e-1", "--json"))
    assert [found["rewards"][alias]["max"] for alias in ("same", "same_2")] == [3.0, 0.1]


def test_builtin_rewards_and_compat_modes_by_name(run: Run, write: Callable[..., Path]) -> None:
    text = "<think>\nhm\n</think>\n<answer>\n4\n</answer>\n"
    path = write([{"completion": text + "junk"}])
    found = summary(run("score", path, "-r", "format", "-r", "format:compat=open-r1", "--json"))
    assert [found["rewards"][alias]["mean"] for alias in ("format", "format_2")] == [0.0, 1.0]


def test_agreement_with_a_label(run: Run, rows: Path, mine: Path) -> None:
    found = summary(run("score", rows, "-r", f"{mine}:same", "-r", f"{mine}:patient", "--label", "good", "--json"))
    agreement = found["rewards"]["same"]["agreement"]
    assert (agreement["agree"], agreement["false_negatives"], agreement["rows"]) == (2, 1, 3)
    assert found["rewards"]["patient"]["agreement"]["undecided"] == 1
    assert "66.67%" in run("score", rows, "-r", f"{mine}:same", "--label", "good").stdout


@pytest.mark.parametrize("name", ["scored.jsonl", "scored.parquet"])
def test_out_keeps_every_row_and_column_in_order(run: Run, rows: Path, mine: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    result = run("score", rows, "-r", f"{mine}:same", "-r", f"{mine}:patient", "--explain", "--batch", 1, "-o", out)
    assert result.exit_code == 0, result.output
    if name.endswith("parquet"):
        import pyarrow.parquet as pq

        written = pq.read_table(out).to_pylist()
    else:
        written = read(out)
    assert [row["question"] for row in written] == ["2+2", "2+3", "2+4"]
    assert written[0]["scores"] == {"same": 1.0, "patient": 0.5}
    assert written[2]["scores"] == {"same": 0.0, "patient": None}
    assert written[2]["causes"] == {"same": None, "patient": "timeout"}
    assert written[2]["reasons"]["patient"] == "the checker starved"
    assert sorted(p.name for p in tmp_path.iterdir() if "scored" in p.name) == [name], "no temporary file stays"


def test_parquet_in_and_scores_again_under_a_prefix(run: Run, rows: Path, mine: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "one.parquet", tmp_path / "two.jsonl"
    assert run("score", rows, "-r", f"{mine}:same", "-o", first).exit_code == 0
    clash = run("score", first, "-r", f"{mine}:same", "-o", second)
    assert clash.exit_code == 2
    assert "already has the column 'reward'; keep both with --prefix" in clash.stderr
    assert run("score", first, "-r", f"{mine}:patient", "-o", second, "--prefix", "new_").exit_code == 0
    assert read(second)[0]["reward"] == 1.0
    assert read(second)[0]["new_reward"] == 0.5


def test_parquet_out_holds_columns_that_appear_late(run: Run, write: Callable[..., Path], tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = write([{"text": "a", "meta": None}, {"text": "b", "meta": {"k": 1}}, {"text": "c", "more": [1.5]}])
    out = tmp_path / "out.parquet"
    result = run("score", path, "-r", "tag_count", "--batch", 1, "-o", out)
    assert result.exit_code == 0, result.output
    written = pq.read_table(out).to_pylist()
    assert [row["meta"] for row in written] == [None, {"k": 1}, None]
    assert [row["more"] for row in written] == [None, None, [1.5]]


def test_explain_without_out_prints_reasons(run: Run, rows: Path, mine: Path) -> None:
    result = run("score", rows, "-r", f"{mine}:patient", "--explain")
    assert "[looked] at it" in result.stdout, "brackets in a reason are text"
    assert "rows.jsonl:3" in result.stdout


def test_standard_input_and_output(run: Run, rows: Path, mine: Path) -> None:
    result = run("score", "-", "-r", f"{mine}:same", "-o", "-", text=rows.read_bytes())
    assert result.exit_code == 0
    assert [json.loads(line)["reward"] for line in result.stdout.splitlines()] == [1.0, 0.0, 0.0]
    assert "3 rows" in result.stderr


def test_a_config_shows_the_combination(run: Run, rows: Path, mine: Path, tmp_path: Path) -> None:
    config = tmp_path / "rewards.yaml"
    config.write_text(f"rewards:\n  same: {{use: '{mine}:same', weight: 2}}\n  patient: {{use: '{mine}:patient'}}\n")
    found = summary(run("score", rows, "--config", config, "--json"))
    assert found["reward"]["max"] == 2.5
    assert found["reward"]["causes"] == {"timeout": 1}
    run_config = tmp_path / "run.yaml"
    run_config.write_text(f"model: {{path: x}}\ndata: {{train: y}}\nseed: 3\n{config.read_text()}")
    assert summary(run("score", rows, "--config", run_config, "--json")) == found


def test_a_preset_by_name(run: Run, write: Callable[..., Path]) -> None:
    text = "<think>\nhm\n</think>\n<answer>\n4\n</answer>\n"
    found = summary(run("score", write([{"text": text, "answer": "4"}]), "--preset", "r1-zero", "--json"))
    assert found["reward"]["mean"] == 4.0


def test_a_run_config_may_hold_the_whole_composition_under_rewards(run: Run, rows: Path, tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("model: x\ndata: y\nrewards: {preset: r1-zero, undecided: component}\n")
    found = summary(run("score", rows, "--config", config, "--json"))
    assert list(found["rewards"]) == ["mark", "soft_format", "hard_format", "digit", "correctness"]


def test_schedules_need_a_step(run: Run, rows: Path, tmp_path: Path) -> None:
    config = tmp_path / "rewards.yaml"
    config.write_text("rewards: {tag_count: {}, format: {from_step: 10}}\n")
    refused = run("score", rows, "--config", config)
    assert refused.exit_code == 2
    assert "--step N" in refused.stderr
    for step, decided in ((3, 0), (30, 3)):
        found = summary(run("score", rows, "--config", config, "--step", step, "--json"))
        assert found["rewards"]["format"]["decided"] == decided


def test_groups_are_not_cut_at_the_end_of_a_batch(run: Run, write: Callable[..., Path], mine: Path) -> None:
    path = write([{"prompt": p, "text": "x"} for p in "aaabbb"])
    found = summary(run("score", path, "-r", f"{mine}:crowd", "--batch", 2, "--json"))
    assert found["rewards"]["crowd"]["min"] == 3.0


def test_chats_and_missing_keys_in_some_rows(run: Run, write: Callable[..., Path], mine: Path) -> None:
    chat = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "4"}]
    path = write([{"output": chat, "gold": "4"}, {"output": "4"}])
    assert summary(run("score", path, "-r", f"{mine}:same", "--batch", 1, "--json"))["rewards"]["same"]["mean"] == 0.5


def test_limit_scores_the_first_rows_only(run: Run, rows: Path, mine: Path) -> None:
    assert summary(run("score", rows, "-r", f"{mine}:same", "--limit", 2, "--json"))["rows"] == 2


def test_an_old_result_survives_a_run_that_fails(
    run: Run, write: Callable[..., Path], mine: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("precious\n")
    path = write([{"text": "4"}, {"text": "5"}])
    result = run("score", path, "-r", f"{mine}:buggy", "-o", out, "--batch", 1)
    assert result.exit_code == 1
    assert out.read_text() == "precious\n"
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(".tmp")]


def test_a_link_is_written_through(run: Run, rows: Path, mine: Path, tmp_path: Path) -> None:
    target, link = tmp_path / "target.jsonl", tmp_path / "link.jsonl"
    target.write_text("")
    os.symlink(target, link)
    assert run("score", rows, "-r", f"{mine}:same", "-o", link).exit_code == 0
    assert link.is_symlink()
    assert len(read(target)) == 3


def test_half_a_character_in_the_data_is_written_as_json_escapes(run: Run, tmp_path: Path, mine: Path) -> None:
    path, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    path.write_text('{"text": "\\ud800 and 汉"}\n')
    assert run("score", path, "-r", f"{mine}:patient", "-o", out).exit_code == 0
    assert read(out)[0]["text"] == "\ud800 and 汉"


def test_accuracy_agrees_with_the_label_on_every_gsm8k_row(run: Run, shared: Path) -> None:
    path = shared / "data" / "labelled_responses" / "gsm8k_model_solutions.jsonl"
    found = summary(run("score", path, "-r", "accuracy", "--label", "is_correct", "--json"))
    assert found["rows"] == 2712
    assert found["rewards"]["accuracy"]["agreement"]["agree"] == 2712


def test_math_golds_are_right_answers_to_themselves(
    run: Run, shared_rows: Callable[[str], list[dict[str, Any]]], write: Callable[..., Path]
) -> None:
    golds = [row["answer"] for row in shared_rows("math/math_test.jsonl")]
    path = write([{"completion": f"The answer is \\boxed{{{gold}}}", "answer": gold} for gold in golds])
    found = summary(run("score", path, "-r", "accuracy", "--json"))
    assert found["rewards"]["accuracy"] == {
        **{"decided": len(golds), "mean": 1.0, "se": 0.0, "min": 1.0, "max": 1.0, "causes": {}}
    }
