"""A6, A11, A16: what a run claims, its report where torch is not installed, columns before a model is loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from tests.conftest import ROOT
from veritune.adapters.trl import reward_function, reward_functions
from veritune.cli.app import app
from veritune.plugins import ColumnError
from veritune.trainer.observe.note import note_of
from veritune.trainer.observe.report import write_report

NOTE = "GRPO found the habit and made it the rule."
METRICS = """{"phase": "evaluation", "step": 0, "accuracy": 0.02, "reward": 0.1}
{"phase": "grpo", "step": 1, "reward": 0.1, "loss": 0.0}
{"phase": "evaluation", "step": 1, "accuracy": %s, "reward": 0.1}
"""


@pytest.fixture
def run(tmp_path: Path) -> Any:
    def make(accuracy: float) -> Path:
        (tmp_path / "metrics.jsonl").write_text(METRICS % accuracy)
        (tmp_path / "config.yaml").write_text(yaml.safe_dump({"note": NOTE, "note_from": {"accuracy": 0.6}}))
        return tmp_path

    return make


def test_a6_a_note_is_said_only_of_a_run_that_has_shown_it(run: Any) -> None:
    assert note_of(NOTE, {"accuracy": 0.6}, {"accuracy": 0.93}) == NOTE
    assert note_of(NOTE, {}, None) == NOTE
    said = note_of(NOTE, {"accuracy": 0.6}, {"accuracy": 0.043})
    assert said is not None
    assert NOTE not in said
    assert "accuracy 0.043" in said
    assert "no accuracy" in str(note_of(NOTE, {"accuracy": 0.6}, None))
    claim = f'<p class="note">{NOTE}</p>'
    assert claim not in write_report(run(0.043)).read_text()
    assert claim in write_report(run(0.93)).read_text()


def test_a6_no_example_claims_a_result_unasked() -> None:
    for file in (ROOT / "examples").glob("*.yaml"):
        values = yaml.safe_load(file.read_text())
        note = str(values.get("note") or "")
        assert not note or values.get("note_from") or "of full length" in note, file


WITHOUT_TORCH = """
import sys
for name in ("torch", "transformers", "datasets", "accelerate", "peft"):
    sys.modules[name] = None
from veritune.trainer.rollout.episodes import Turn
assert Turn("<call>2+3</call>").text
sys.argv = ["veritune", "report", sys.argv[1]]
from veritune.cli import main
main()
"""


def test_a11_a_report_is_written_where_torch_is_not_installed(run: Any) -> None:
    folder = run(0.5)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "report.html").is_file()


class Dataset:
    """What a data set shows before it is read."""

    def __init__(self, *names: str) -> None:
        self.column_names = list(names)


@pytest.mark.parametrize("make", [reward_function, reward_functions])
def test_a16_a_missing_column_is_found_before_a_model_is_loaded(make: Any) -> None:
    config = {"rewards": {"accuracy": {}, "format": {"where": {"kind": "math"}}}}
    assert make(config, dataset=Dataset("prompt", "solution", "kind"))
    assert make(config, dataset=["prompt", "answer", "kind"])
    assert make(config, dataset=type("Stream", (), {"column_names": None})())
    with pytest.raises(ColumnError, match=r"rewards.accuracy: .* needs a gold answer.*Columns: kind, prompt, truth"):
        make(config, dataset=Dataset("prompt", "truth", "kind"))
    with pytest.raises(ColumnError, match=r"rewards.format.where: the column 'kind' is not in the data"):
        make(config, dataset=Dataset("prompt", "solution"))


def test_a16_the_shell_completes_rewards_for_attack_and_score() -> None:
    import typer

    commands: Any = typer.main.get_command(app)
    for command, parameter in (("attack", "reward"), ("score", "reward"), ("rewards", "name")):
        (found,) = [p for p in commands.commands[command].params if p.name == parameter]
        context = typer.Context(commands.commands[command])
        assert "accuracy" in [item.value for item in found.shell_complete(context, "acc")]


def test_a16_the_page_of_a_path_reward_names_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    file = tmp_path / "mine.py"
    file.write_text("def short(completion):\n    return 1.0\n")
    done = CliRunner().invoke(app, ["rewards", f"{file}:short"])
    assert f"source       {file}, line 1" in done.output
