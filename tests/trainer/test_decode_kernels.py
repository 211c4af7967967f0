"""The sampler's Triton kernels draw the same tokens with the same log-probs as plain PyTorch."""

from __future__ import annotations

import itertools

import pytest
import torch

from tests.trainer.scripts import answers


def test_kernels_draw_the_same_in_the_interpreter() -> None:
    pytest.importorskip("triton")
    for name, result in answers("decode_kernels.py").items():
        assert result["equal"], name
        assert result["gap"] < 1e-4, name


def test_every_plan_covers_its_inputs_and_fits_shared_memory() -> None:
    """No part of the inputs is empty, and the stages of a program fit the 227 KB of a Hopper GPU's block."""
    pytest.importorskip("triton")
    from veritune.trainer.rollout.decode.plans import FEWEST_ROWS, MOST_ROWS, Kind, plan

    kinds: tuple[Kind, ...] = ("product", "gated", "head")
    sizes = ((896, 896), (1152, 896), (896, 4864), (4864, 896), (151_936, 896), (40, 24), (7, 18_944))
    for rows in (1, FEWEST_ROWS - 1, FEWEST_ROWS, 64, 65, 100, MOST_ROWS, MOST_ROWS + 1, 512):
        for (outputs, inputs), kind in itertools.product(sizes, kinds):
            cut = plan(kind, rows, outputs, inputs, torch.bfloat16)
            assert (cut is None) >= (not FEWEST_ROWS <= rows <= MOST_ROWS)
            assert plan(kind, rows, outputs, inputs, torch.float32) is None
            if cut is not None:
                steps = -(-inputs // cut.inputs)
                assert (cut.parts - 1) * -(-steps // cut.parts) < steps
                weights = cut.outputs * (2 if kind == "gated" else 1)
                assert (cut.rows + weights) * cut.inputs * 2 * cut.stages <= 227 * 1024


@pytest.mark.gpu
def test_kernels_draw_the_same_on_a_gpu() -> None:
    """In float32; a token may differ where two are all but equally likely, so only the log-probs are held close."""
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    for name, result in answers("decode_kernels.py", "cuda").items():
        assert result["equal"], name
        assert result["gap"] < 1e-3, name
