"""A5: a run's own config (and folder) is accepted wherever rewards are: command line, compose, adapters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from tests.conftest import ROOT
from veritune import compose
from veritune.adapters.openrlhf import reward_function as for_openrlhf
from veritune.adapters.trl import reward_function, reward_functions
from veritune.adapters.verifiers import rubric_functions
from veritune.adapters.verl import compute_score_function
from veritune.cli.app import app
from veritune.plugins import ConfigError

EVERYWHERE = [compose, reward_function, reward_functions, for_openrlhf, rubric_functions, compute_score_function]
RESOLVED: dict[str, Any] = {
    "stage": "grpo",
    "output": "runs/a",
    "model": {"path": None},
    "data": {"train": "x.jsonl"},
    "rewards": {"accuracy": {"weight": 1.0}, "format": {"weight": 0.2, "params": None, "gate": None}},
    "preset": None,
    "combine": None,
    "undecided": None,
    "grpo": {"steps": 3},
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run, with the config that the trainer writes."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(RESOLVED))
    return folder


@pytest.mark.parametrize("take", EVERYWHERE, ids=lambda take: f"{take.__module__.rpartition('.')[2]}.{take.__name__}")
def test_a5_a_resolved_config_and_a_run_s_folder_are_taken_by(take: Any, run: Path) -> None:
    for source in (run / "config.yaml", str(run / "config.yaml"), run, str(run)):
        assert take(source) is not None


def test_a5_the_examples_are_taken_as_they_are() -> None:
    assert compose(ROOT / "examples" / "arithmetic.yaml").aliases == ["accuracy", "format", "language"]
    with pytest.raises(ConfigError, match=r"a recipe, whose stages zero.* have rewards of their own: give the config"):
        compose(str(ROOT / "examples" / "r1.yaml"))


def test_a5_the_command_line_scores_and_attacks_with_it(run: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"completion": "\\\\boxed{4}", "gold": "4"}\n')
    for config in (run, run / "config.yaml"):
        done = CliRunner().invoke(app, ["score", str(rows), "--config", str(config), "--json", "-q"])
        assert '"reward": {"decided": 1' in done.stdout, done.output
    from veritune.cli.attack import _scorer

    assert _scorer(str(run)).name == _scorer(str(run / "config.yaml")).name == "veritune"


def test_a5_null_is_not_given_anywhere_in_a_composition() -> None:
    empty = dict.fromkeys(["weight", "params", "gate", "where", "columns", "compat", "from_step", "affine", "clip"])
    made = compose({"preset": None, "combine": None, "undecided": None, "rewards": {"format": {**empty, "use": None}}})
    assert made.spec() == compose(["format"]).spec()
    assert compose({"rewards": {"format": True, "digit": False}}).aliases == ["format"]


def test_a5_what_has_no_rewards_says_so(tmp_path: Path) -> None:
    config = tmp_path / "sft.yaml"
    config.write_text(yaml.safe_dump({"stage": "sft", "model": {}, "data": {}, "rewards": None}))
    with pytest.raises(ConfigError, match=r"sft.yaml: this run has no rewards \(stage: sft\)"):
        compose(config)
    recipe = {"common": {"rewards": ["format"]}, "stages": [{"name": "zero", "rewards": ["digit"]}]}
    config.write_text(yaml.safe_dump(recipe))
    with pytest.raises(ConfigError, match="whose stages zero have rewards of their own"):
        compose(config)
