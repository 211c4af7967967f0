"""The step of :mod:`veritune.trainer.policy.adamw` in one Triton kernel a parameter."""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN201
from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from veritune.kernels.backend import on_own_gpu

BLOCK = 2048


@triton.jit  # type: ignore[untyped-decorator]
def adamw_kernel(
    upper, rest, gradient, average, average_sq, numel, lr, beta, beta_sq, eps, decay, correction, correction_sq,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """One program a block of numbers. ``upper`` are the bits of bfloat16 weights."""
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = i < numel
    bits = (tl.load(upper + i, inside, other=0).to(tl.int32) << 16) + tl.load(rest + i, inside, other=0).to(tl.int32)
    w = bits.to(tl.float32, bitcast=True)
    g = tl.load(gradient + i, inside, other=0.0).to(tl.float32)
    m = tl.load(average + i, inside, other=0.0)
    v = tl.load(average_sq + i, inside, other=0.0)
    m += (g - m) * (1 - beta)
    v = v * beta_sq + g * g * (1 - beta_sq)
    w = w * (1 - lr * decay) - lr / correction * m / (tl.sqrt(v / correction_sq) + eps)
    bits = w.to(tl.int32, bitcast=True)
    high = (bits + 0x8000) >> 16
    tl.store(upper + i, high.to(tl.int16), inside)
    tl.store(rest + i, (bits - (high << 16)).to(tl.int16), inside)
    tl.store(average + i, m, inside)
    tl.store(average_sq + i, v, inside)


@on_own_gpu
def update(
    upper: Tensor,
    rest: Tensor,
    gradient: Tensor,
    average: Tensor,
    average_sq: Tensor,
    lr: float,
    beta: float,
    beta_sq: float,
    eps: float,
    decay: float,
    correction: float,
    correction_sq: float,
) -> None:
    import torch

    numel = upper.numel()
    adamw_kernel[(triton.cdiv(numel, BLOCK),)](
        upper.view(torch.int16), rest, gradient, average, average_sq, numel, lr, beta, beta_sq, eps, decay,
        correction, correction_sq, BLOCK, num_warps=8,
    )  # fmt: skip
