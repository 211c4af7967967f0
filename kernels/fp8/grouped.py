"""Grouped linear layers in FP8: rows sorted by expert, each times the matrix of its own (DeepSeek-V3's experts).

Every expert's rows are padded with zeros to whole blocks of 128. So each tile of 128 rows has one expert, whose matrix
the kernel looks up, and in the gradient of the weights each expert's sum is over whole 1 x 128 blocks: all three
products have the scales of `FP8Linear`, and nothing waits for the device.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import torch

from veritune.kernels.backend import Backend, compute_capability, has_triton, interpreting, on_own_gpu
from veritune.kernels.fp8 import measure, reference
from veritune.kernels.fp8.blocks import BLOCK, BlockQuantized, ceil_div
from veritune.kernels.fp8.linear import apart
from veritune.kernels.fp8.quantize import quantize_both

logger = logging.getLogger(__name__)


@dataclass
class Groups:
    """Where the rows of each expert stand once each expert's are padded to whole blocks."""

    rows: int
    """Of the padded matrix: a bound, the same whatever the load."""
    places_S: torch.Tensor
    """Where each row stands."""
    tiles_T: torch.Tensor
    """The expert of every 128 rows, −1 behind the last one's."""
    starts_E1: torch.Tensor
    """The first block of every expert, and the end of the last one's."""

    @property
    def count(self) -> int:
        return len(self.starts_E1) - 1

    def pad(self, x_SK: torch.Tensor) -> torch.Tensor:
        """Rows `[S, K]` at their places, zeros between."""
        return x_SK.new_zeros(self.rows, x_SK.shape[1]).index_copy(0, self.places_S, x_SK)

    def unpad(self, x_PK: torch.Tensor) -> torch.Tensor:
        return x_PK[self.places_S]


def make_groups(ends_E: torch.Tensor, rows: int) -> Groups:
    """Of `rows` sorted rows, those of expert e ending before `ends_E[e]`."""
    device, experts = ends_E.device, len(ends_E)
    begins_E = torch.nn.functional.pad(ends_E[:-1], (1, 0))
    blocks_E = (ends_E - begins_E + BLOCK - 1) // BLOCK
    starts_E1 = torch.nn.functional.pad(blocks_E.cumsum(0, dtype=torch.int32), (1, 0))
    places_S = torch.arange(rows, device=device)
    experts_S = torch.searchsorted(ends_E, places_S, right=True).clamp(max=experts - 1)
    places_S = places_S - begins_E[experts_S] + starts_E1[experts_S].long() * BLOCK
    most = ceil_div(rows, BLOCK) + experts
    tiles_T = torch.searchsorted(starts_E1[1:], torch.arange(most, device=device, dtype=torch.int32), right=True)
    return Groups(most * BLOCK, places_S, torch.where(tiles_T < experts, tiles_T, -1).int(), starts_E1)


def fp8_grouped_linear(
    x_PK: torch.Tensor,
    weight_ENK: torch.Tensor,
    groups: Groups,
    dtype: torch.dtype = torch.bfloat16,
    *,
    pow2_scales: bool = False,
    backend: Backend = "auto",
) -> torch.Tensor:
    """`[P, N]` in `dtype`: the padded rows of each expert times its matrix transposed, FP8 operands, float32 sums.

    Activations and output gradients have 1 x 128 blocks, weights 128 x 128; the gradient of the weight has its dtype.
    Raises ValueError where N or K is no multiple of 128.
    """
    _, n, k = weight_ENK.shape
    if n % BLOCK or k % BLOCK:
        raise ValueError(f"experts of {k} -> {n}: both must be multiples of {BLOCK} in FP8")
    options = {"pow2_scales": pow2_scales, "backend": backend}
    return cast(torch.Tensor, cast(Any, _Grouped.apply)(x_PK, weight_ENK, groups, options, dtype))


def pays(experts: int, width: int, inner: int, rows: int, weight_dtype: torch.dtype, like: torch.Tensor) -> bool:
    """Whether the gated experts of a layer are faster in FP8 than in bfloat16 (`torch.nn.functional.grouped_mm`) at
    this load, forward and backward, with quantisation and padding; measured once per shape and remembered."""
    if compute_capability(like) < (9, 0):
        return False
    rows = measure.bucket(rows)
    key = f"experts {experts}x{width}x{inner} {rows} {str(weight_dtype).removeprefix('torch.')}"
    known = measure.recall(key, like.device)
    if known is None:
        if measure.capturing():
            return False
        try:
            with apart(like.device), torch.autocast(like.device.type, enabled=False), torch.enable_grad():
                times = measure.race(_steps(experts, width, inner, rows, weight_dtype), rounds=5)
        except torch.OutOfMemoryError:
            return False  # for now: nothing is known of the shape
        known = min(times, key=lambda name: times[name])
        ratio = times["bf16"] / times["fp8"]
        logger.info("%s: FP8 is %.2f times as fast as bfloat16; %s runs", key, ratio, known)
        measure.remember(key, known, like.device)
    return known == "fp8"


def _steps(
    experts: int, width: int, inner: int, rows: int, weight_dtype: torch.dtype
) -> dict[str, Callable[[], tuple[torch.Tensor, ...]]]:
    """Forward and backward of a layer's two products, both ways, on the same operands, all experts alike."""
    x = torch.randn(rows, width, dtype=torch.bfloat16, requires_grad=True)
    up = torch.randn(experts, 2 * inner, width, dtype=weight_dtype, requires_grad=True)
    down = torch.randn(experts, width, inner, dtype=weight_dtype, requires_grad=True)
    ends = torch.tensor([rows * (e + 1) // experts for e in range(experts)], dtype=torch.int32)
    upstream = torch.randn(rows, width, dtype=torch.bfloat16)

    def fp8() -> torch.Tensor:
        groups = make_groups(ends, rows)
        both = fp8_grouped_linear(groups.pad(x), up, groups)
        return groups.unpad(fp8_grouped_linear(both[:, :inner] * both[:, inner:], down, groups))

    def bf16() -> torch.Tensor:
        product = torch.nn.functional.grouped_mm
        both = product(x, up.to(torch.bfloat16).transpose(1, 2), offs=ends)
        return product(both[:, :inner] * both[:, inner:], down.to(torch.bfloat16).transpose(1, 2), offs=ends)

    def step(run: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(run(), (x, up, down), upstream)

    return {"fp8": functools.partial(step, fp8), "bf16": functools.partial(step, bf16)}


class _Grouped(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x_PK: torch.Tensor,
        weight_ENK: torch.Tensor,
        groups: Groups,
        options: dict[str, Any],
        dtype: torch.dtype,
    ) -> torch.Tensor:
        w, ctx.w_turned = quantize_both(weight_ENK.detach().flatten(0, 1), (BLOCK, BLOCK), **options)
        a, ctx.a_turned = quantize_both(x_PK.detach(), **options)
        ctx.groups, ctx.options, ctx.shape = groups, options, weight_ENK.shape
        ctx.dtypes = x_PK.dtype, weight_ENK.dtype
        return rows_product(a, w, groups, weight_ENK.shape[1], weight_ENK.shape[2], dtype, turned=False)

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        experts, n, k = ctx.shape
        x_dtype, weight_dtype = ctx.dtypes
        g, g_turned = quantize_both(upstream[0].contiguous(), **ctx.options)
        dx = dw = None
        if ctx.needs_input_grad[0]:
            dx = rows_product(g, ctx.w_turned, ctx.groups, k, n, _accumulated(x_dtype), turned=True).to(x_dtype)
        if ctx.needs_input_grad[1]:
            dw = sums_product(g_turned, ctx.a_turned, ctx.groups, _accumulated(weight_dtype))
            dw = dw.view(experts, n, k).to(weight_dtype)
        return dx, dw, None, None, None


def _accumulated(dtype: torch.dtype) -> torch.dtype:
    return torch.bfloat16 if dtype is torch.bfloat16 else torch.float32


def _on_triton(like: torch.Tensor) -> bool:
    return has_triton() and (interpreting() if like.device.type == "cpu" else compute_capability(like) >= (9, 0))


def rows_product(
    a: BlockQuantized, b: BlockQuantized, groups: Groups, n: int, k: int, dtype: torch.dtype, *, turned: bool
) -> torch.Tensor:
    """`[P, n]`: each expert's rows of `a` `[P, k]` times its matrix `[n, k]` transposed, 0 where no expert has them.

    `b` holds the matrices one below the other, or (`turned`) side by side.
    """
    if _on_triton(a.data):
        return _rows_on_triton(a.data, a, b, groups, n, k, dtype, turned)
    return rows_reference(a, b, groups, n, k, dtype, turned=turned)


def rows_reference(
    a: BlockQuantized, b: BlockQuantized, groups: Groups, n: int, k: int, dtype: torch.dtype, *, turned: bool
) -> torch.Tensor:
    """`rows_product` in plain PyTorch, of the dequantised operands."""
    mine, theirs = a.dequantize(), b.dequantize()
    out = mine.new_zeros(len(mine), n)
    for expert, rows in _spans(groups):
        matrix = theirs[:, expert * k : (expert + 1) * k] if turned else theirs[expert * n : (expert + 1) * n]
        out[rows] = reference.product(mine[rows], matrix)
    return out.to(dtype)


def sums_product(a: BlockQuantized, b: BlockQuantized, groups: Groups, dtype: torch.dtype) -> torch.Tensor:
    """`[E * n, k]`: for each expert `a` `[n, P]` times `b` `[k, P]` transposed over its columns alone."""
    if _on_triton(a.data):
        return _sums_on_triton(a.data, a, b, groups, dtype)
    return sums_reference(a, b, groups, dtype)


def sums_reference(a: BlockQuantized, b: BlockQuantized, groups: Groups, dtype: torch.dtype) -> torch.Tensor:
    """`sums_product` in plain PyTorch, of the dequantised operands."""
    mine, theirs = a.dequantize(), b.dequantize()
    out = mine.new_zeros(groups.count, len(mine), len(theirs))
    for expert, columns in _spans(groups):
        out[expert] = reference.product(mine[:, columns], theirs[:, columns])
    return out.flatten(0, 1).to(dtype)


def _spans(groups: Groups) -> list[tuple[int, slice]]:
    spans = [slice(begin, end) for begin, end in pairwise((groups.starts_E1 * BLOCK).tolist())]
    return [(expert, span) for expert, span in enumerate(spans) if span.stop > span.start]


@on_own_gpu
def _rows_on_triton(
    like: torch.Tensor, a: BlockQuantized, b: BlockQuantized, groups: Groups, n: int, k: int, dtype: torch.dtype,
    turned: bool,
) -> torch.Tensor:  # fmt: skip
    from triton.tools.tensor_descriptor import TensorDescriptor

    from veritune.kernels.fp8 import triton_grouped

    rows = a.data.shape[0]
    out = torch.empty((rows, n), dtype=dtype, device=like.device)
    half = 64 if dtype is torch.float32 and like.device.type == "cuda" else BLOCK
    triton_grouped.rows_kernel[(ceil_div(rows, half) * ceil_div(n, BLOCK),)](
        TensorDescriptor.from_tensor(a.data, [half, BLOCK]), TensorDescriptor.from_tensor(b.data, [BLOCK, BLOCK]),
        TensorDescriptor.from_tensor(out, [half, BLOCK]), a.scales, b.scales, groups.tiles_T, rows, n, k,
        b.scales.stride(0), 0 if turned else n, k if turned else 0, BM=half, BN=BLOCK, STAGES=4,
        num_warps=4 if half == 64 else 8, num_stages=4,
    )  # fmt: skip
    return out


@on_own_gpu
def _sums_on_triton(
    like: torch.Tensor, a: BlockQuantized, b: BlockQuantized, groups: Groups, dtype: torch.dtype
) -> torch.Tensor:
    from triton.tools.tensor_descriptor import TensorDescriptor

    from veritune.kernels.fp8 import triton_grouped

    n, k = a.data.shape[0], b.data.shape[0]
    out = torch.empty((groups.count * n, k), dtype=dtype, device=like.device)
    half = 64 if dtype is torch.float32 and like.device.type == "cuda" else BLOCK
    triton_grouped.sums_kernel[(groups.count * ceil_div(n, half) * ceil_div(k, BLOCK),)](
        TensorDescriptor.from_tensor(a.data, [half, BLOCK]), TensorDescriptor.from_tensor(b.data, [BLOCK, BLOCK]),
        TensorDescriptor.from_tensor(out, [half, BLOCK]), a.scales, b.scales, groups.starts_E1, n, k,
        BM=half, BN=BLOCK, STAGES=4, num_warps=4 if half == 64 else 8, num_stages=4,
    )  # fmt: skip
    return out
