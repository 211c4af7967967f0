"""Launching the Triton kernels of a decoder layer in training."""

from __future__ import annotations

import torch
import triton
from torch import Tensor

from veritune.kernels.backend import on_own_gpu
from veritune.trainer.policy import block_kernels as kernels
from veritune.trainer.policy.block_heads import HeadNorms, Heads

PROGRAMS = 528
"""Programs that share out the tokens where each also sums a weight's gradient."""
COLUMNS = 1024
"""Of the gated MLP, in one program."""


@on_own_gpu
def norm(x_TH: Tensor, weight_H: Tensor, eps: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    x_TH = x_TH.contiguous()
    tokens, width = x_TH.shape
    out_TH = torch.empty_like(x_TH, dtype=dtype)
    scale_T1 = x_TH.new_empty(tokens, 1, dtype=torch.float32)
    block = triton.next_power_of_2(width)
    kernels.norm_kernel[(tokens,)](x_TH, weight_H, out_TH, scale_T1, eps, width, block, num_warps=_warps(block))
    return out_TH, scale_T1


@on_own_gpu
def norm_backward(
    upstream_TH: Tensor,
    x_TH: Tensor,
    weight_H: Tensor,
    scale_T1: Tensor,
    residual_TH: Tensor | None,
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor, Tensor]:
    upstream_TH, x_TH = upstream_TH.contiguous(), x_TH.contiguous()
    around = upstream_TH if residual_TH is None else residual_TH.contiguous()
    tokens, width = x_TH.shape
    out_TH = torch.empty_like(x_TH)
    again = dtype is not x_TH.dtype
    rounded_TH = torch.empty_like(x_TH, dtype=dtype) if again else out_TH
    programs = min(PROGRAMS, tokens)
    partial = x_TH.new_empty(programs, width, dtype=torch.float32)
    block = triton.next_power_of_2(width)
    kernels.norm_backward_kernel[(programs,)](
        upstream_TH, x_TH, weight_H, scale_T1, around, out_TH, rounded_TH, partial, tokens, width, block,
        residual_TH is not None, again, num_warps=_warps(block),
    )  # fmt: skip
    return out_TH, rounded_TH, partial.sum(0)


@on_own_gpu
def gated(gate_up_TJ: Tensor) -> Tensor:
    tokens, width = gate_up_TJ.shape[0], gate_up_TJ.shape[1] // 2
    out_TI = gate_up_TJ.new_empty(tokens, width)
    kernels.gated_kernel[(tokens, triton.cdiv(width, COLUMNS))](gate_up_TJ, out_TI, width, COLUMNS, num_warps=4)
    return out_TI


@on_own_gpu
def gated_backward(upstream_TI: Tensor, gate_up_TJ: Tensor) -> tuple[Tensor, Tensor]:
    tokens, width = upstream_TI.shape
    out_TJ, again_TI = torch.empty_like(gate_up_TJ), torch.empty_like(upstream_TI)
    kernels.gated_backward_kernel[(tokens, triton.cdiv(width, COLUMNS))](
        upstream_TI, gate_up_TJ, out_TJ, again_TI, width, COLUMNS, num_warps=4
    )
    return out_TJ, again_TI


@on_own_gpu
def rotate(
    qkv_TX: Tensor, cos_Th: Tensor, sin_Th: Tensor, heads: Heads, norms: HeadNorms | None
) -> tuple[Tensor, Tensor, Tensor]:
    tokens, turned = len(qkv_TX), heads.query + heads.key
    out_TX = qkv_TX if norms is None else torch.empty_like(qkv_TX)
    query_norm, key_norm, eps = norms or (cos_Th, cos_Th, 0.0)
    padded, half = triton.next_power_of_2(turned), triton.next_power_of_2(heads.width // 2)
    kernels.rotate_kernel[(tokens,)](
        qkv_TX, out_TX, cos_Th, sin_Th, query_norm, key_norm, eps, heads.query, heads.key, heads.width, padded, half,
        norms is not None, num_warps=_warps(padded * half),
    )  # fmt: skip
    split = out_TX.view(tokens, -1, heads.width)
    value = qkv_TX.view(tokens, -1, heads.width)[:, turned:]
    return split[:, : heads.query], split[:, heads.query : turned], value


@on_own_gpu
def rotate_backward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    raw_TX: Tensor | None,
    cos_Th: Tensor,
    sin_Th: Tensor,
    heads: Heads,
    norms: HeadNorms | None,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    query, key, value = (x if x[0].is_contiguous() else x.contiguous() for x in (query, key, value))
    tokens, turned = len(query), heads.query + heads.key
    out_TX = query.new_empty(tokens, (turned + heads.key) * heads.width)
    programs = min(PROGRAMS, tokens)
    partial = query.new_empty(programs if norms else 1, 2 * heads.width, dtype=torch.float32)
    query_norm, key_norm, eps = norms or (cos_Th, cos_Th, 0.0)
    padded, half = triton.next_power_of_2(turned), triton.next_power_of_2(heads.width // 2)
    kernels.rotate_backward_kernel[(programs,)](
        query, key, value, query if raw_TX is None else raw_TX, out_TX, cos_Th, sin_Th, query_norm, key_norm, partial,
        tokens, eps, query.stride(0), key.stride(0), value.stride(0), heads.query, heads.key, heads.width, padded,
        triton.next_power_of_2(heads.key * heads.width), half, norms is not None, num_warps=_warps(padded * half),
    )  # fmt: skip
    if norms is None:
        return out_TX, None, None
    total = partial.sum(0)
    return out_TX, total[: heads.width], total[heads.width :]


def _warps(block: int) -> int:
    return min(16, max(1, block // 256))
