"""With its kernels on and off the trainer has the same losses and gradients."""

from __future__ import annotations

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
    for name, found in answers("head_kernels.py", "cuda").items():
        assert found["launched"] == 1, name
        assert found["kernels loss"] < 1.2 * found["plain loss"] + 2e-3, name
        assert found["kernels gradient"] < 1.2 * found["plain gradient"] + 2e-3, name
