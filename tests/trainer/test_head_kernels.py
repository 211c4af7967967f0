"""With its kernels on and off the trainer has the same losses and gradients."""

from __future__ import annotations

import math

import pytest
import torch

from tests.trainer.scripts import answers


def test_kernels_change_no_loss_and_no_gradient_in_the_interpreter() -> None:
    pytest.importorskip("triton")
    for name, found in answers("head_kernels.py").items():
        assert found["launched"] == 1, name
        assert found["kernels loss"] < 1e-5, name
        assert found["kernels gradient"] < 1e-4, name


@pytest.mark.gpu
def test_kernels_are_no_further_from_float32_than_plain_bfloat16_on_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    every = answers("head_kernels.py", "cuda")
    for name, found in every.items():
        assert found["launched"] == 1, name
        assert found["kernels loss"] < 1.2 * found["plain loss"] + 2e-3, name
        # one draw in which a ratio lies at the clip may decide either way's: over all objectives it evens out
        assert found["kernels gradient"] < 2 * found["plain gradient"] + 2e-3, name
    kernels, plain = (math.hypot(*(f[f"{way} gradient"] for f in every.values())) for way in ("kernels", "plain"))
    assert kernels < 1.2 * plain + 2e-3
