"""The sampler's Triton kernels draw the same tokens with the same log-probs as plain PyTorch."""

from __future__ import annotations

import pytest
import torch

from tests.trainer.scripts import answers


def test_kernels_draw_the_same_in_the_interpreter() -> None:
    pytest.importorskip("triton")
    for name, result in answers("decode_kernels.py").items():
        assert result["equal"], name
        assert result["gap"] < 1e-4, name


@pytest.mark.gpu
def test_kernels_draw_the_same_on_a_gpu() -> None:
    """In float32; a token may differ where two are all but equally likely, so only the log-probs are held close."""
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    for name, result in answers("decode_kernels.py", "cuda").items():
        assert result["equal"], name
        assert result["gap"] < 1e-3, name
