"""Optimizers by name: each trains, goes on from a checkpoint to the same bits, and says what it does not take."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from veritune.plugins import ConfigError
from veritune.trainer.config import OPTIMIZERS, OptimizerConfig, RunConfig
from veritune.trainer.optimization import make_optimizer
from veritune.trainer.run import train

Make = Callable[..., RunConfig]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_moves_the_weights_and_resumes_to_the_same_bits(
    name: str, make_config: Make, tmp_path: Path
) -> None:
    changes: dict[str, Any] = {
        "grpo": {"optimizer": name, "steps": 3, "lr": 1e-2},
        "checkpoint": {"every": 1, "keep": 9},
        "evaluation": {"prompts": 1, "metric": "even"},
    }
    whole = train(make_config(**changes, output=str(tmp_path / "whole")), quiet=True)
    first, last = (load_file(str(whole / "checkpoints" / f"grpo-00000{n}" / "model.safetensors")) for n in (1, 3))
    assert any(not torch.equal(first[key], last[key]) for key in first)
    part = tmp_path / "part"
    shutil.copytree(whole, part)
    for later in ("grpo-000002", "grpo-000003"):
        shutil.rmtree(part / "checkpoints" / later)
    train(make_config(**changes, output=str(part), resume=True), quiet=True)
    again = load_file(str(part / "model" / "model.safetensors"))
    for key, value in load_file(str(whole / "model" / "model.safetensors")).items():
        assert torch.equal(value, again[key]), key


def test_arguments_of_the_optimizer_reach_it() -> None:
    config = OptimizerConfig(optimizer="sgd", optimizer_params={"momentum": 0.9}, weight_decay=0.1)
    optimizer = make_optimizer(torch.nn.Linear(3, 2), config)
    assert isinstance(optimizer, torch.optim.SGD)
    assert [g["momentum"] for g in optimizer.param_groups] == [0.9, 0.9]
    assert [g["weight_decay"] for g in optimizer.param_groups] == [0.1, 0.0]  # on the matrix, not on the bias


def test_an_argument_it_does_not_take_is_named_with_the_nearest() -> None:
    config = OptimizerConfig(optimizer="sgd", optimizer_params={"momentun": 0.9})
    with pytest.raises(ConfigError, match=r"takes no 'momentun'.*momentum"):
        make_optimizer(torch.nn.Linear(3, 2), config)


def test_a_value_it_refuses_is_a_config_error() -> None:
    config = OptimizerConfig(optimizer="sgd", optimizer_params={"nesterov": True})
    with pytest.raises(ConfigError, match="Nesterov"):
        make_optimizer(torch.nn.Linear(3, 2), config)


def test_an_unknown_optimizer_is_refused_before_the_run(make_config: Make) -> None:
    with pytest.raises(ConfigError, match="adamw"):
        make_config(grpo={"optimizer": "adamv"})


def test_the_reference_model_may_be_on_another_device(make_config: Make, tmp_path: Path) -> None:
    """On a CPU the only other device is the CPU itself: the numbers are those without the option."""
    lines = []
    for number, device in enumerate((None, "cpu")):
        grpo = {"objective": {"beta": 0.1}, "reference_device": device}
        folder = train(make_config(grpo=grpo, output=str(tmp_path / str(number))), quiet=True)
        lines.append(load_file(str(folder / "model" / "model.safetensors")))
    assert all(torch.equal(value, lines[1][key]) for key, value in lines[0].items())


def test_an_unknown_reference_device_is_an_error(make_config: Make) -> None:
    with pytest.raises(ConfigError, match="unknown"):
        train(make_config(grpo={"objective": {"beta": 0.1}, "reference_device": "gpu7"}), quiet=True)
