"""AdamW on bfloat16 weights takes the steps that it takes on float32 ones."""

from __future__ import annotations

import copy
import io
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.stage_runs import check_equal, stage_config
from tests.trainer.test_distributed import together
from veritune.trainer.config import GRPOConfig
from veritune.trainer.policy.adamw import AdamW, joined, split_into
from veritune.trainer.policy.optimization import make_optimizer


def _layer(dtype: torch.dtype = torch.bfloat16) -> torch.nn.Linear:
    torch.manual_seed(0)
    layer = torch.nn.Linear(24, 16).to(torch.bfloat16)
    return layer.to(dtype)


def _steps(layer: torch.nn.Linear, optimizer: Any, first: int, count: int) -> None:
    """The same gradients, exact in bfloat16, whatever the weights' dtype."""
    for number in range(first, first + count):
        noise = torch.Generator().manual_seed(number)
        for parameter in layer.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=noise).bfloat16().to(parameter.dtype)
        optimizer.step()


def test_every_float32_is_its_two_halves() -> None:
    wide = torch.randn(4000, generator=torch.Generator().manual_seed(0)) * torch.logspace(-30, 30, 4000)
    wide[:4] = torch.tensor([0.0, -0.0, 1.0 + 2**-8, -1.0 - 3 * 2**-8])  # half way between two bfloat16 numbers
    upper, rest = torch.zeros(4000, dtype=torch.bfloat16), torch.zeros(4000, dtype=torch.int16)
    split_into(wide, upper, rest)
    assert torch.equal(joined(upper, rest).view(torch.int32), wide.view(torch.int32))
    assert float(((upper.float() - wide) / wide.abs().clamp(min=1e-38)).abs().max()) <= 2**-8


@pytest.mark.parametrize("lr", [1e-6, 1e-2])
def test_bfloat16_weights_are_the_rounded_float32_ones_after_any_number_of_steps(lr: float) -> None:
    config = GRPOConfig(lr=lr, weight_decay=0.1)
    half, wide = _layer(), _layer(torch.float32)
    before = copy.deepcopy(half)
    optimizer, right = make_optimizer(half, config), make_optimizer(wide, config)
    assert isinstance(optimizer, AdamW)
    assert not isinstance(right, AdamW)
    _steps(half, optimizer, 0, 300)
    _steps(wide, right, 0, 300)
    for mine, theirs, old in zip(half.parameters(), wide.parameters(), before.parameters(), strict=True):
        exact = joined(mine.detach(), optimizer.state[mine]["rest"])
        torch.testing.assert_close(exact, theirs.detach(), rtol=1e-5, atol=1e-3 * lr)
        moved = (theirs.detach() - old.float()).norm()
        assert float((exact - theirs.detach()).norm()) < 1e-2 * float(moved)


def test_a_resumed_optimizer_goes_on_bit_for_bit() -> None:
    config = GRPOConfig(lr=1e-4)
    layer = _layer()
    optimizer = make_optimizer(layer, config)
    _steps(layer, optimizer, 0, 3)
    file = io.BytesIO()
    torch.save((layer.state_dict(), optimizer.state_dict()), file)
    _steps(layer, optimizer, 3, 3)
    file.seek(0)
    weights, state = torch.load(file)
    again = _layer()
    again.load_state_dict(weights)
    resumed = make_optimizer(again, config)
    resumed.load_state_dict(state)
    _steps(again, resumed, 3, 3)
    for mine, theirs in zip(again.parameters(), layer.parameters(), strict=True):
        assert torch.equal(mine, theirs)
        for name, value in optimizer.state[theirs].items():
            assert torch.equal(torch.as_tensor(resumed.state[mine][name]), torch.as_tensor(value)), name


def test_other_arguments_are_torchs() -> None:
    assert isinstance(make_optimizer(_layer(), GRPOConfig(optimizer_params={"amsgrad": True})), torch.optim.AdamW)
    assert not isinstance(make_optimizer(_layer(), GRPOConfig(optimizer="sgd")), AdamW)


@pytest.mark.parametrize("strategy", ["fsdp2", "pipeline"])
def test_processes_save_and_go_on_with_what_bfloat16_weights_lack_of_float32(strategy: str, tmp_path: Path) -> None:
    """The rest is of a type that no process group sends; it is in the checkpoint all the same, and read from it."""
    how: Any = {"strategy": "fsdp2"} if strategy == "fsdp2" else {"pipeline": {"stages": 2}}
    config = stage_config(
        tmp_path / "whole",
        "sft",
        model={"dtype": "bfloat16"},
        rewards=None,
        evaluation=None,
        sft={"steps": 4, "batch": 4, "lr": 1e-3},
        checkpoint={"every": 2, "keep": 9},
        distributed=how,
    )
    assert together(config) == [0, 0]
    part = tmp_path / "part"
    shutil.copytree(tmp_path / "whole", part)
    shutil.rmtree(part / "checkpoints" / "sft-000004")
    assert together(config.model_copy(update={"output": str(part), "resume": True})) == [0, 0]
    states = [
        torch.load(folder / "checkpoints" / "sft-000004" / "trainer.pt", weights_only=False)["optimizer"]
        for folder in (tmp_path / "whole", part)
    ]
    assert any(bool(entry["rest"].any()) for entry in states[0]["state"].values())
    check_equal(*states)
