"""Launching the Triton kernels: the operations of :mod:`veritune.trainer.rollout.decode.ops` on a GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import triton
from torch import Tensor
from torch.nn import functional as F

from veritune.kernels.backend import interpreting
from veritune.trainer.config import SamplingConfig
from veritune.trainer.policy.layers import Layer, Weights
from veritune.trainer.rollout.decode import attention_kernels as attention
from veritune.trainer.rollout.decode import product_kernels as products
from veritune.trainer.rollout.decode import triton_kernels as kernels
from veritune.trainer.rollout.decode.ops import head_logits
from veritune.trainer.rollout.decode.plans import Kind, Plan, plan
from veritune.trainer.rollout.decode.rows import Rows
from veritune.trainer.rollout.decode.tokens import truncate

CHUNK = 4096
"""Logits of one program."""
HEAD_CHUNK = 128
"""Logits that are computed once more where the token lies among them."""
LONGEST_PART = 8192
"""Cache positions of one program of attention at most, about."""
PROGRAMS = 128
"""So many programs keep an H100 or H200 busy; fewer rows are split along their positions."""


class TritonOps:
    """:class:`veritune.trainer.rollout.decode.ops.Ops` in Triton."""

    def __init__(
        self,
        block: int | None = None,
        parts: int | None = None,
        warps: int = 4,
        stages: int | None = None,
        plans: Callable[[Kind, int, int, int, torch.dtype], Plan | None] = plan,
        early: bool | None = None,
        ahead: int = 128,
        groups: int | None = None,
        policy: str = "",
        draw_block: int = 256,
        draw_warps: int = 8,
    ) -> None:
        self.block, self.parts, self.warps, self.stages = block, parts, warps, stages
        self.plans, self.ahead = plans, ahead
        self.early = _can_begin_early() if early is None else early
        self.groups, self.policy = groups, policy
        self.draw_block, self.draw_warps = draw_block, draw_warps
        self._arrived: dict[tuple[torch.device, int, int], Tensor] = {}

    def branches(self, count: int, weights: Weights) -> int:
        return self.groups or 1

    def add_norm(self, residual_NH: Tensor, delta_NH: Tensor | None, weight_H: Tensor, weights: Weights) -> Tensor:
        count, width = residual_NH.shape
        out_NH = torch.empty_like(residual_NH, dtype=weights.dtype)
        block = triton.next_power_of_2(width)
        delta = residual_NH if delta_NH is None else delta_NH
        self._launch(
            kernels.add_norm_kernel,
            (count,),
            (residual_NH, delta, weight_H, out_NH, count, weights.eps, width, block, _parts(delta_NH), self.early),
            num_warps=min(16, max(1, block // 256)),
        )
        return out_NH

    def product(self, inputs_NK: Tensor, weight_XK: Tensor, bias_X: Tensor | None) -> Tensor:
        (count, inputs), outputs = inputs_NK.shape, len(weight_XK)
        cut = self.plans("product", count, outputs, inputs, inputs_NK.dtype)
        if cut is None:
            return F.linear(inputs_NK, weight_XK, bias_X)
        shape = (count, outputs) if cut.parts == 1 else (cut.parts, count, outputs)
        out = inputs_NK.new_empty(shape, dtype=inputs_NK.dtype if cut.parts == 1 else torch.float32)
        sizes = (inputs, cut.rows, cut.outputs, cut.inputs, cut.parts, cut.swap, bias_X is not None)
        self._launch(
            products.product_kernel,
            (triton.cdiv(outputs, cut.outputs), cut.parts, triton.cdiv(count, cut.rows)),
            (
                *(inputs_NK, weight_XK, _or(bias_X, weight_XK), out, count, outputs, *sizes),
                *(self._ahead(cut, weight_XK), self.early, _precision(out)),
            ),
            num_warps=cut.warps,
            num_stages=cut.stages,
        )
        return out

    def gated(self, inputs_NK: Tensor, weight_XK: Tensor, bias_X: Tensor | None) -> Tensor:
        (count, inputs), outputs = inputs_NK.shape, len(weight_XK) // 2
        cut = self.plans("gated", count, outputs, inputs, inputs_NK.dtype)
        if cut is None:
            return self.silu_times(F.linear(inputs_NK, weight_XK, bias_X))
        out = inputs_NK.new_empty(count, outputs)
        sizes = (inputs, cut.rows, cut.outputs, cut.inputs, cut.swap, bias_X is not None)
        self._launch(
            products.gated_kernel,
            (triton.cdiv(outputs, cut.outputs), triton.cdiv(count, cut.rows)),
            (
                *(inputs_NK, weight_XK, _or(bias_X, weight_XK), out, count, outputs, *sizes),
                *(self._ahead(cut, weight_XK), self.early, _precision(out)),
            ),
            num_warps=cut.warps,
            num_stages=cut.stages,
        )
        return out

    def rotate_attend(
        self,
        qkv_BX: Tensor,
        key_BKLD: Tensor,
        value_BKLD: Tensor,
        rows: Rows,
        span: int,
        layer: Layer,
        weights: Weights,
    ) -> Tensor:
        count, kv_heads, length, width = key_BKLD.shape
        group = weights.heads // kv_heads
        group_pad, padded = triton.next_power_of_2(max(group, 16)), triton.next_power_of_2(max(width, 16))
        parts = self.parts or self._attention_parts(count * kv_heads, length)
        out_BX = key_BKLD.new_empty(count, weights.heads * width)
        sums = scales = arrived = out_BX
        if parts > 1:
            slots = count * kv_heads * parts * group_pad
            sums = torch.empty(slots, padded, device=out_BX.device)
            scales = torch.empty(slots, 2, device=out_BX.device)
            arrived = self._counters(count * kv_heads, rows)
        ahead = self.ahead if (width * key_BKLD.element_size()) % 16 == 0 else 0
        normed = layer.query_norm is not None and layer.key_norm is not None
        turns = (weights.cos_LF, weights.sin_LF)
        norms = (_or(layer.query_norm, turns[0]), _or(layer.key_norm, turns[0]))
        block, stages = self._block(padded * key_BKLD.element_size())
        sizes = (group, group_pad, kv_heads, width, padded, length, block, parts, normed, ahead)
        self._launch(
            attention.rotate_attend_kernel,
            (count, kv_heads, parts),
            (
                *(qkv_BX, key_BKLD, value_BKLD, rows.positions_B, rows.alive_B, *turns, *norms),
                *(out_BX, sums, scales, arrived, count, weights.eps, weights.scale, _parts(qkv_BX)),
                *(*sizes, self.policy, self.early, _precision(out_BX)),
            ),
            num_warps=self.warps,
            num_stages=stages,
        )
        return out_BX

    def _ahead(self, cut: Plan, weight_XK: Tensor) -> int:
        """What a program asks for early, in runs of whole 16 bytes."""
        whole = (weight_XK.shape[1] * weight_XK.element_size()) % 16 == 0 and weight_XK.data_ptr() % 16 == 0
        return cut.ahead if self.early and whole else 0

    def _counters(self, count: int, rows: Rows) -> Tensor:
        """Zeros, which the kernel leaves as zeros: made once, so that graphs keep what they point at; each group of
        rows has its own."""
        key = (rows.alive_B.device, count, int(rows.alive_B.storage_offset()))
        if key not in self._arrived:
            self._arrived[key] = torch.zeros(count, dtype=torch.int32, device=key[0])
        return self._arrived[key]

    def _block(self, position: int) -> tuple[int, int]:
        """Cache positions of a block, and stages: what shared memory holds, a position being so many bytes."""
        block = self.block or max(16, min(128, (1 << 15) // position))
        return block, self.stages or (4 if block * position <= 1 << 14 else 3)

    def _attention_parts(self, programs: int, length: int) -> int:
        """So many that the GPU is busy, and that no program of a long cache reads much more than the others."""
        return min(16, int(triton.next_power_of_2(max(1, PROGRAMS // programs, length // LONGEST_PART))))

    def draw(self, hidden_BH: Tensor, rows: Rows, sampling: SamplingConfig, eos_E: Tensor, weights: Weights) -> None:
        (count, inputs), vocabulary = hidden_BH.shape, len(weights.head)
        cut = self.plans("head", count, vocabulary, inputs, hidden_BH.dtype)
        if cut is None or sampling.top_k or sampling.min_p or sampling.top_p < 1:
            self.sample(head_logits(hidden_BH, weights), rows, sampling, eos_E)
            return
        inverse, chunk = 1.0 / sampling.temperature, min(HEAD_CHUNK, cut.outputs)
        chunks = triton.cdiv(vocabulary, chunk)
        most = torch.empty(count, chunks, device=hidden_BH.device)
        total = torch.empty_like(most)
        head, bias = weights.head, _or(weights.head_bias, weights.head)
        biased = weights.head_bias is not None
        sizes = (inputs, cut.rows, cut.outputs, cut.inputs, chunk, cut.swap, biased, self._ahead(cut, head))
        self._launch(
            products.head_kernel,
            (triton.cdiv(count, cut.rows), triton.cdiv(vocabulary, cut.outputs)),
            (
                *(hidden_BH, head, bias, most, total, count, vocabulary, chunks, inverse, *sizes),
                *(self.early, _precision(hidden_BH)),
            ),
            num_warps=cut.warps,
            num_stages=cut.stages,
        )
        block = min(triton.next_power_of_2(inputs), self.draw_block)
        sizes_again = (inputs, block, chunk, triton.next_power_of_2(chunks), len(eos_E), biased, self.early)
        self._launch(
            products.draw_again_kernel,
            (count,),
            (
                *(hidden_BH, head, bias, most, total, *_state(rows), rows.uniforms_BT, eos_E, vocabulary, chunks),
                *(rows.uniforms_BT.shape[1], rows.out_BT.shape[1], inverse, *sizes_again),
            ),
            num_warps=self.draw_warps,
        )

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
        block, stages = self._block(padded * key_BKLD.element_size())
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
                *(group, triton.next_power_of_2(max(group, 16)), kv_heads, width, padded, length, block, parts),
                precision,
            ),
            num_warps=self.warps,
            num_stages=stages,
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
        width = rows.uniforms_BT.shape[1]
        sizes = (vocabulary, chunks, width, rows.out_BT.shape[1], inverse, chunk, triton.next_power_of_2(chunks))
        _launch(
            kernels.draw_kernel,
            (count,),
            (logits_BV, most, total, *_state(rows), rows.uniforms_BT, eos_E, *sizes, len(eos_E), given),
            num_warps=8,
        )

    def _launch(self, kernel: Any, grid: tuple[int, ...], arguments: tuple[Any, ...], **options: Any) -> None:
        """Of a kernel that waits for the one before it by itself where it may begin early."""
        if self.early:
            options["launch_pdl"] = True
        _launch(kernel, grid, arguments, **options)


def _launch(kernel: Any, grid: tuple[int, ...], arguments: tuple[Any, ...], **options: Any) -> None:
    kernel[grid](*arguments, **options)


def _can_begin_early() -> bool:
    """Whether a kernel can be started while the one before it runs: Hopper and newer."""
    return not interpreting() and torch.cuda.is_available() and torch.cuda.get_device_capability() >= (9, 0)


def _precision(tensor: Tensor) -> str:
    return "ieee" if tensor.dtype is torch.float32 else "tf32"


def _parts(tensor: Tensor | None) -> int:
    """Parts of a product, 0 where there is none."""
    return 0 if tensor is None else 1 if tensor.dim() == 2 else len(tensor)


def _or(tensor: Tensor | None, filler: Tensor) -> Tensor:
    """Something to point at for an argument that is not read."""
    return filler if tensor is None else tensor


def _state(rows: Rows) -> tuple[Tensor, ...]:
    return (rows.tokens_B, rows.positions_B, rows.steps_B, rows.limits_B, rows.alive_B, rows.out_BT, rows.logps_BT)
