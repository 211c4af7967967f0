"""The Triton kernels of a decoder layer compute what PyTorch computes, and compile for GPUs that are not here."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.trainer.scripts import answers


def test_kernels_compute_what_pytorch_does_in_the_interpreter() -> None:
    pytest.importorskip("triton")
    for name, (mine, theirs) in answers("block_kernels.py").items():
        assert mine < max(1e-6, 3 * theirs), name


@pytest.mark.gpu
def test_kernels_are_no_further_from_float64_than_pytorch_on_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    for name, (mine, theirs) in answers("block_kernels.py", "cuda").items():
        assert mine < max(1e-6, 1.2 * theirs), name


@pytest.mark.parametrize("capability", [90, 100])
def test_kernels_compile_without_spills(capability: int) -> None:
    pytest.importorskip("triton")
    from tests.kernels.test_compile import resources
    from veritune.trainer.policy import block_kernels as kernels

    wide = dict.fromkeys(("scales", "partial", "cos", "sin", "query_norm", "key_norm"), "*fp32")
    half = dict.fromkeys(("upstream", "rounded", "gate_up", "again", "qkv", "query", "key", "value", "raw"), "*bf16")
    norm = {"WIDTH": 896, "BLOCK": 1024}
    stream = {"x": "*fp32", "weight": "*fp32", "residual": "*fp32", "eps": "fp32"}
    heads = {"QUERY": 14, "KEY": 2, "WIDTH": 64, "HEADS": 16, "HALF": 32, "NORMED": True}
    jobs: list[tuple[Any, dict[str, Any], dict[str, str]]] = [
        (kernels.norm_kernel, norm, {**stream, "out": "*bf16"}),
        (kernels.norm_backward_kernel, {**norm, "AROUND": True, "AGAIN": True}, {**stream, "out": "*fp32"}),
        (kernels.gated_kernel, {"WIDTH": 4864, "BLOCK": 1024}, {}),
        (kernels.gated_backward_kernel, {"WIDTH": 4864, "BLOCK": 1024}, {}),
        (kernels.rotate_kernel, heads, {"eps": "fp32"}),
        (kernels.rotate_backward_kernel, {**heads, "VALUES": 128}, {"eps": "fp32"}),
    ]
    for kernel, constants, types in jobs:
        spilled, _ = resources(kernel, constants, {"num_warps": 4}, capability=capability, **{**wide, **half, **types})
        assert spilled == 0, kernel
