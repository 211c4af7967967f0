"""Launching the Triton kernels: the operations of :mod:`veritune.trainer.rollout.decode.ops` on a GPU."""

from __future__ import annotations

from typing import Any

import torch
import triton
from torch import Tensor

from veritune.trainer.config import SamplingConfig
from veritune.trainer.policy.layers import Layer, Weights
from veritune.trainer.rollout.decode import triton_kernels as kernels
from veritune.trainer.rollout.decode.rows import Rows
from veritune.trainer.rollout.decode.tokens import truncate

CHUNK = 4096
"""Logits of one program."""
PROGRAMS = 256
"""So many programs keep an H100 or H200 busy; fewer rows are split along their positions."""


class TritonOps:
    """:class:`veritune.trainer.rollout.decode.ops.Ops` in Triton."""

    def __init__(self, block: int = 64, parts: int | None = None, warps: int = 4, stages: int = 3) -> None:
        self.block, self.parts, self.warps, self.stages = block, parts, warps, stages

    def add_norm(self, residual_NH: Tensor, delta_NH: Tensor | None, weight_H: Tensor, weights: Weights) -> Tensor:
        width = residual_NH.shape[1]
        out_NH = torch.empty_like(residual_NH, dtype=weights.dtype)
        block = triton.next_power_of_2(width)
        delta = residual_NH if delta_NH is None else delta_NH
        _launch(
            kernels.add_norm_kernel,
            (len(residual_NH),),
            (residual_NH, delta, weight_H, out_NH, weights.eps, width, block, delta_NH is not None),
            num_warps=min(16, max(1, block // 256)),
        )
        return out_NH

    def rotate_store(
        self, qkv_BX: Tensor, key_BKLD: Tensor, value_BKLD: Tensor, rows: Rows, layer: Layer, weights: Weights
    ) -> Tensor:
        query_BX = qkv_BX.new_empty(len(qkv_BX), weights.heads * weights.head_dim)
        normed = layer.query_norm is not None and layer.key_norm is not None
        tensors = (
            qkv_BX,
            query_BX,
            key_BKLD,
            value_BKLD,
            rows.positions_B,
            weights.cos_LF,
            weights.sin_LF,
            layer.query_norm if normed else weights.cos_LF,
            layer.key_norm if normed else weights.cos_LF,
        )
        sizes = (weights.heads, weights.kv_heads, weights.head_dim)
        block = triton.next_power_of_2(weights.head_dim // 2)
        _launch(
            kernels.rotate_store_kernel,
            (len(qkv_BX), weights.heads + 2 * weights.kv_heads),
            (*tensors, weights.eps, *sizes, block, key_BKLD.shape[2], normed),
            num_warps=1,
        )
        return query_BX

    def attend(
        self, query_BX: Tensor, key_BKLD: Tensor, value_BKLD: Tensor, rows: Rows, span: int, weights: Weights
    ) -> Tensor:
        count, kv_heads, length, width = key_BKLD.shape
        group = weights.heads // kv_heads
        parts = self.parts or min(16, triton.next_power_of_2(max(1, PROGRAMS // (count * kv_heads))))
        padded = triton.next_power_of_2(max(width, 16))
        out_BX = torch.empty_like(query_BX)
        sums = scales = query_BX
        if parts > 1:
            sums = torch.empty(count * weights.heads * parts, width, device=query_BX.device)
            scales = torch.empty(count * weights.heads * parts, 2, device=query_BX.device)
        precision = "ieee" if query_BX.dtype is torch.float32 else "tf32"
        _launch(
            kernels.attend_kernel,
            (count, kv_heads, parts),
            (
                *(query_BX, key_BKLD, value_BKLD, rows.positions_B, rows.alive_B, out_BX, sums, scales, weights.scale),
                *(group, triton.next_power_of_2(max(group, 16)), kv_heads, width, padded, length, self.block, parts),
                precision,
            ),
            num_warps=self.warps,
            num_stages=self.stages if padded <= 64 else 2,
        )
        if parts > 1:
            _launch(
                kernels.combine_kernel,
                (count, weights.heads),
                (sums, scales, out_BX, weights.heads, width, padded, parts),
                num_warps=1,
            )
        return out_BX

    def silu_times(self, gate_up_NX: Tensor) -> Tensor:
        width = gate_up_NX.shape[1] // 2
        out_NX = gate_up_NX.new_empty(len(gate_up_NX), width)
        block = min(1024, triton.next_power_of_2(width))
        grid = (len(gate_up_NX), triton.cdiv(width, block))
        _launch(kernels.silu_times_kernel, grid, (gate_up_NX, out_NX, width, block), num_warps=4)
        return out_NX

    def sample(self, logits_BV: Tensor, rows: Rows, sampling: SamplingConfig, eos_E: Tensor) -> None:
        inverse, given = 1.0 / sampling.temperature, False
        if sampling.top_k or sampling.min_p or sampling.top_p < 1:
            logits_BV = truncate(torch.log_softmax(logits_BV * inverse, -1), sampling)
            inverse, given = 1.0, True
        count, vocabulary = logits_BV.shape
        chunk = min(CHUNK, triton.next_power_of_2(vocabulary))
        chunks = triton.cdiv(vocabulary, chunk)
        most = torch.empty(count, chunks, device=logits_BV.device)
        total = torch.empty_like(most)
        _launch(
            kernels.chunk_kernel,
            (count, chunks),
            (logits_BV, rows.alive_B, most, total, vocabulary, inverse, chunk),
            num_warps=8,
        )
        state = (rows.tokens_B, rows.positions_B, rows.steps_B, rows.limits_B, rows.alive_B, rows.out_BT, rows.logps_BT)
        width = rows.uniforms_BT.shape[1]
        sizes = (vocabulary, chunks, width, rows.out_BT.shape[1], inverse, chunk, triton.next_power_of_2(chunks))
        _launch(
            kernels.draw_kernel,
            (count,),
            (logits_BV, most, total, *state, rows.uniforms_BT, eos_E, *sizes, len(eos_E), given),
            num_warps=8,
        )


def _launch(kernel: Any, grid: tuple[int, ...], arguments: tuple[Any, ...], **options: Any) -> None:
    kernel[grid](*arguments, **options)
