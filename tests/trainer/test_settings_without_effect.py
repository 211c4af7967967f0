"""A setting that comes to nothing is refused or said, before there is a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.trainer.stage_runs import stage_config, write_jsonl
from veritune.plugins import ConfigError
from veritune.trainer.policy.distributed import ALONE
from veritune.trainer.stages.reading import read_stage
from veritune.trainer.stages.table import get_stage

UNSCORED: dict[str, Any] = {"rewards": None}


@pytest.fixture
def rows(tmp_path: Path) -> dict[str, str]:
    """A file of each kind."""
    made = {
        "prompts": [{"prompt": f"{n}+1=", "completion": str(n + 1)} for n in range(8)],
        "pairs": [{"prompt": f"{n}+1=", "chosen": str(n + 1), "rejected": "0"} for n in range(8)],
    }
    return {name: str(write_jsonl(tmp_path / f"{name}.jsonl", found)) for name, found in made.items()}


def _said(folder: Path, stage: str, **changes: Any) -> list[str]:
    """What is said of a stage's settings; raises ConfigError for those that are refused."""
    said: list[str] = []
    read_stage(get_stage(stage), stage_config(folder, stage, **changes), ALONE, said.append)
    return [text for text in said if text.startswith(("evaluation.", "checkpoint."))]


@pytest.mark.parametrize(
    ("stage", "best", "says"),
    [
        ("grpo", "acuracy", "Did you mean 'accuracy'"),
        ("grpo", "loss", "no evaluation has 'loss'"),
        ("grpo", "pairs/loss", "no evaluation has 'pairs/loss'"),
        ("sft", "los", "Did you mean 'loss'"),
        ("sft", "pairs/loss", "no evaluation has 'pairs/loss'"),
        ("dpo", "pairs/acc", "Did you mean 'pairs/accuracy'"),
        ("dpo", "margin", "no evaluation has 'margin'"),
    ],
)
def test_the_best_of_what_no_evaluation_has_is_refused_in_every_stage(
    tmp_path: Path, rows: dict[str, str], stage: str, best: str, says: str
) -> None:
    own: dict[str, Any] = {"dpo": {"dpo": {"pairs": {"train": rows["pairs"], "held_out": 0.3}}}}.get(stage, {})
    for more in ({}, {} if stage == "grpo" else UNSCORED):
        with pytest.raises(ConfigError, match=f"evaluation.best: .*{says}"):
            _said(
                tmp_path, stage, **own, **more, evaluation={"best": best, "metric": "even" if not more else "accuracy"}
            )


@pytest.mark.parametrize(
    ("stage", "best", "scored"),
    [
        ("grpo", "reward/even", True),
        ("sft", "loss", True),
        ("sft", "loss", False),
        ("sft", "accuracy", True),
        ("dpo", "pairs/loss", True),
        ("dpo", "pairs/ece", False),
        ("dpo", "loss", False),
        ("dpo", "reward", True),
        ("select", "reward", True),
    ],
)
def test_the_best_of_what_an_evaluation_has_is_taken(
    tmp_path: Path, rows: dict[str, str], stage: str, best: str, scored: bool
) -> None:
    """A selection has no evaluation: its recipe's settings are of the other stages, and nothing is refused."""
    own: dict[str, Any] = {"dpo": {"dpo": {"pairs": {"train": rows["pairs"], "held_out": 0.3}}}}.get(stage, {})
    own |= {} if scored else UNSCORED
    said = _said(tmp_path, stage, **own, evaluation={"best": best, "metric": "even" if scored else "accuracy"})
    assert len(said) == (stage == "select")


def test_what_evaluations_alone_would_use_is_said_where_there_is_none(tmp_path: Path, rows: dict[str, str]) -> None:
    files: dict[str, Any] = {"data": {"task": None, "params": {}, "train": rows["prompts"]}}
    keeps: dict[str, Any] = {"checkpoint": {"best": True}, "evaluation": {"patience": 2, "every": 1, "metric": "even"}}
    (said,) = _said(tmp_path, "grpo", **files, **keeps)
    assert said.startswith("checkpoint.best and evaluation.patience and evaluation.every: this stage has no evaluation")
    assert not _said(tmp_path, "grpo", **{**files, "data": {**files["data"], "eval": rows["prompts"]}}, **keeps)
    (said,) = _said(tmp_path, "grpo", evaluation={"patience": 2, "metric": "even"})
    assert "without evaluation.every" in said
    (said,) = _said(tmp_path, "sft", **files, **UNSCORED, checkpoint={"best": True}, evaluation={"metric": "accuracy"})
    assert said.startswith("checkpoint.best: ")
    assert not _said(tmp_path, "sft", checkpoint={"best": True})


def test_patience_that_no_run_is_long_enough_for_is_said(tmp_path: Path) -> None:
    def said(**settings: int) -> list[str]:
        return _said(tmp_path, "grpo", grpo={"steps": 12}, evaluation={"metric": "even", **settings})

    (found,) = said(patience=3, every=4)
    assert "3 evaluations, one every 4 steps, take as long as grpo.steps: 12" in found
    assert not said(patience=3, every=3)


def test_a_note_from_a_number_that_no_evaluation_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"note_from: no evaluation has 'acuracy'\. Did you mean 'accuracy'"):
        _said(tmp_path, "grpo", note="well", note_from={"acuracy": 0.5})


@pytest.mark.parametrize(
    ("stage", "section", "says"),
    [
        ("sft", {"sft": {"learning_rate": 1e-5}}, r"sft\.learning_rate: unknown key\. It is called 'lr' here"),
        ("grpo", {"grpo": {"num_generations": 4}}, r"It is called 'samples' here"),
        ("grpo", {"sampling": {"max_new_tokens": 4}}, r"It is called 'max_tokens' here"),
        ("grpo", {"grpo": {"SAMPLES": 4}}, r"Did you mean 'samples'"),
        ("ppo", {"ppo": {"prompts": 4, "minibatches": 5}}, r"minibatches=5 of 4 completions"),
        ("grpo", {"grpo": {"prompts": 2, "samples": 2, "minibatches": 5}}, r"minibatches=5 of 4 completions"),
        ("PPO", {}, r"unknown stage 'PPO'\. Did you mean 'ppo'"),
        (
            "distill",
            {"teacher": "somewhere"},
            r"teacher: a mapping \(key: value\) is expected with the keys path, device",
        ),
        ("distill", {"teacher": {"path": "x", "top_k": 4}, "distill": {"on_policy": 0.5}}, r"^teacher\.top_k keeps"),
        ("distill", {"teacher": {"path": "x"}, "distill": {"objective": {"skew": 0.5}}}, r"skew is of the skewed"),
    ],
)
def test_a_wrong_key_is_told_the_right_one(tmp_path: Path, stage: str, section: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        stage_config(tmp_path, stage, **section)
