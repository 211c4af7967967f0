"""Layers of experts against the equations, forward and gradients."""

from __future__ import annotations

import copy

import pytest
import torch

from tests.trainer.moe_models import BUILDS, blocks, mixture, policy_of
from veritune.trainer.policy.experts.products import NAME


@pytest.mark.parametrize("kind", BUILDS)
def test_a_layer_of_experts_is_the_sum_of_its_experts_forward_and_gradients(kind: str) -> None:
    model = policy_of(kind).model
    assert model.config._experts_implementation == NAME
    block = blocks(model)[0]
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.normal_(std=0.5)
        if hasattr(block.gate, "e_score_correction_bias"):
            block.gate.e_score_correction_bias.normal_(std=0.3)
    exact = copy.deepcopy(block).double()
    states = torch.randn(1, 23, 20, requires_grad=True)
    theirs = states.detach()[0].double().requires_grad_()
    weight = torch.randn(23, 20)
    found = block(states)[0]
    expected, _ = mixture(exact, theirs)
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-4)
    torch.autograd.backward((found * weight).sum())
    torch.autograd.backward((expected * weight).sum())
    assert states.grad is not None
    assert theirs.grad is not None
    torch.testing.assert_close(states.grad[0].double(), theirs.grad, rtol=1e-3, atol=1e-3)
    for (name, mine), other in zip(block.named_parameters(), exact.parameters(), strict=True):
        torch.testing.assert_close(mine.grad.double(), other.grad, rtol=1e-3, atol=1e-3, msg=name)
