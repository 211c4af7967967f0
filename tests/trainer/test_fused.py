"""The lighter layers compute what transformers' do: log-probs and every gradient."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from tests.trainer.decode_models import MODELS, make_model
from veritune.trainer.policy.fused import fuse_layers


def _run(model: Any, autocast: bool) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    ids = torch.arange(24).view(2, 12) % 20
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        logits = model(input_ids=ids).logits.float()
    torch.log_softmax(logits, -1)[..., 3].sum().backward()  # type: ignore[no-untyped-call]
    return logits, {name: p.grad for name, p in model.named_parameters()}


@pytest.mark.parametrize("name", MODELS)
def test_fused_layers_change_nothing_but_rounding(name: str) -> None:
    model, _ = make_model(name)
    fused = copy.deepcopy(model)
    assert fuse_layers(fused) == 2
    fused = copy.deepcopy(fused)  # a copy uses its own parameters
    (logits, grads), (found, found_grads) = _run(model, False), _run(fused, False)
    torch.testing.assert_close(found, logits, atol=1e-4, rtol=1e-4)
    for key, grad in grads.items():
        torch.testing.assert_close(found_grads[key], grad, atol=1e-3, rtol=1e-3, msg=key)


def test_under_autocast_too() -> None:
    """The distance to float32 is no larger than that of transformers' own layers."""
    model, _ = make_model("qwen2")
    fused = copy.deepcopy(model)
    fuse_layers(fused)
    exact, _ = _run(copy.deepcopy(model), False)
    theirs, ours = (float((_run(m, True)[0] - exact).detach().norm() / exact.norm()) for m in (model, fused))
    assert ours < 1.2 * theirs


def test_other_architectures_are_left_alone() -> None:
    model, _ = make_model("qwen2")
    model.config.model_type = "gemma"
    assert fuse_layers(model) == 0
