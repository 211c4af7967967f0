"""``veritune config`` lists every setting there is, as an override would name it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from veritune.cli.app import app
from veritune.trainer.config import RunConfig, apply_override, parse_config
from veritune.trainer.config.keys import keys
from veritune.trainer.stages.table import STAGES


def _run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["config", *arguments], prog_name="veritune")


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_lists_its_settings(stage: str) -> None:
    result = _run("--stage", stage, "--json")
    assert result.exit_code == 0, result.output
    listed = {key["name"] for key in json.loads(result.stdout)}
    assert {"seed", "output", "checkpoint.every", f"{stage}.lr"} <= listed or stage == "select"
    assert len(listed) > 20


def test_every_setting_can_be_given_as_it_is_listed() -> None:
    """Its default, as an override: the same configuration."""
    values: dict[str, Any] = {"model": {"path": "x"}, "data": {"train": "y"}}
    plain = parse_config(values)
    absent = tuple(f"{key.name}." for key in keys(RunConfig) if key.kind == "section" and key.default == "none")
    for key in keys(RunConfig):
        given = key.default not in ("none", "required") and "NAME" not in key.name and key.kind != "section"
        if given and not key.name.startswith(absent):
            trial: dict[str, Any] = json.loads(json.dumps(values))
            apply_override(trial, f"{key.name}={key.default}")
            assert parse_config(trial) == plain, key


def test_nothing_is_missing() -> None:
    listed = {key.name for key in keys(RunConfig)}

    def names(model: type[BaseModel], prefix: str = "") -> None:
        for name, field in model.model_fields.items():
            whole = f"{prefix}{name}"
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                names(field.annotation, f"{whole}.")
            else:
                assert whole in listed

    names(RunConfig)
    assert {"model.lora.dropout", "evaluation.sets.NAME.prompts", "sampling.server.url"} <= listed


def test_a_setting_is_told_with_its_default_and_what_it_does() -> None:
    result = _run("grpo.objective.beta")
    assert "grpo.objective.beta: 0" in result.stdout
    assert "KL" in result.stdout
    assert "rank: 16" in _run("lora").stdout
    assert "| `sampling.top_k` | `0` |" in _run("top_k", "--markdown").stdout
    assert "auto | float32 | bfloat16" in _run("model.dtype").stdout
    wrong = _run("lroa")
    assert wrong.exit_code == 2
    assert "Did you mean 'lora'" in wrong.stderr


def test_words_to_choose_from_are_listed_and_not_the_name_of_their_type() -> None:
    kinds = {key.name: key.kind for name in STAGES for key in keys(STAGES[name].config_type)}
    assert kinds["distributed.pipeline.schedule"] == "gpipe | 1f1b | interleaved | interleaved_zb | zbv | dualpipev"
    assert kinds["distributed.strategy"] == "auto | ddp | fsdp2"
    assert kinds["model.quantize"] == "nf4 | int8 | none"
    assert kinds["model.fp8"] == "bool | always"
    assert kinds["sft.micro_batch_tokens"] == "int | auto"
    assert kinds["sft.form"].startswith("auto | prompt_completion")
    assert not [kind for kind in kinds.values() if kind in ("Schedule", "Strategy", "Gather", "Form", "Style")]
