"""The user's mistakes in a config, each with the message that helps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from veritune.plugins import ConfigError
from veritune.trainer.config import RunConfig, apply_override, changed_keys, dump_config, load_config, parse_config
from veritune.trainer.objective.algorithms import ALGORITHMS

BASE: dict[str, Any] = {"model": {"path": "m"}, "data": {"task": "arithmetic"}, "rewards": ["format"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grop": {}}, "did you mean 'grpo'"),
        ({"grpo": {"stepz": 3}}, "did you mean 'steps'"),
        ({"grpo": {"steps": "many"}}, "grpo.steps"),
        ({"grpo": {"algorithm": "drgrpo"}}, "did you mean 'dr_grpo'"),
        ({"grpo": {"objective": {"epsilon_hi": 1}}}, "did you mean 'epsilon_high'"),
        ({"grpo": {"objective": {"kl": "k4"}}}, "grpo.objective.kl"),
        ({"grpo": {"samples": 1}}, "grpo.samples must be 2 or more"),
        ({"sampling": {"temperature": 0}}, "sampling.temperature"),
        ({"sampling": {"top_p": 1.5}}, "sampling.top_p"),
        ({"model": {}}, "either model.path"),
        ({"model": {"path": "m", "build": {"model_type": "qwen3"}}}, "either model.path"),
        ({"model": {"build": {}}}, "model_type"),
        ({"data": {}}, "either data.task"),
        ({"log": {"to": ["tensorbord"]}}, "log.to"),
    ],
)
def test_a_mistake_names_its_place_and_the_nearest_right_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config({**BASE, **changes})
    assert message.lower() in str(caught.value).lower()


def test_every_mistake_is_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config({**BASE, "grop": 1, "sampling": {"top_k": -1}})
    assert "grpo" in str(caught.value)
    assert "sampling.top_k" in str(caught.value)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_an_algorithm_fills_what_is_not_given_and_nothing_else(name: str) -> None:
    config = parse_config({**BASE, "grpo": {"algorithm": name, "objective": {"epsilon_low": 0.123}}})
    expected = {**ALGORITHMS[name], "epsilon_low": 0.123}
    assert config.grpo.objective.model_dump(include=set(expected)) == expected


def test_the_resolved_config_reads_back_to_itself(make_config: Callable[..., RunConfig], tmp_path: Path) -> None:
    config = make_config(grpo={"algorithm": "gspo"}, warmup={"steps": 3, "habits": [{"share": 0.5, "think": 1.0}]})
    path = tmp_path / "config.yaml"
    path.write_text(dump_config(config))
    assert load_config(path) == config


def test_overrides() -> None:
    values: dict[str, Any] = {"grpo": {"steps": 1}, "warmup": None}
    for override in ("grpo.steps=5", "grpo.lr=1e-4", "warmup.steps=2", "sampling.stop=[a, b]", "note=x=y"):
        apply_override(values, override)
    assert values["grpo"]["steps"] == 5
    assert parse_config({**BASE, "grpo": values["grpo"]}).grpo.lr == 1e-4  # YAML 1.1 reads 1e-4 as text
    assert values["warmup"] == {"steps": 2}
    assert values["sampling"] == {"stop": ["a", "b"]}
    assert values["note"] == "x=y"


@pytest.mark.parametrize("override", ["steps", "=3", "grpo.steps.x=3", "a=[1"])
def test_an_override_that_cannot_be_is_refused(override: str) -> None:
    with pytest.raises(ConfigError):
        apply_override({"grpo": {"steps": 1}}, override)


@pytest.mark.parametrize("content", ["- a\n- b\n", "a: [1\n", "", "just text"])
def test_a_file_that_is_no_config_is_a_config_error(content: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"config\.yaml"):
        load_config(path)
    with pytest.raises(ConfigError, match="nowhere"):
        load_config(tmp_path / "nowhere.yaml")


def test_changed_keys_are_named_with_both_values() -> None:
    old, new = {"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1, "c": 5}, "d": 3, "e": None}
    assert changed_keys(old, new) == ["a.c: 2 → 5"]


@pytest.mark.parametrize("name", ["arithmetic.yaml", "countdown.yaml"])
def test_the_example_configs_are_valid(name: str) -> None:
    path = Path(__file__).resolve().parents[2] / "examples" / name
    config = load_config(path)
    assert parse_config(yaml.safe_load(dump_config(config))) == config
