"""What a token step needs beside matrix products, in plain PyTorch: the law for the Triton kernels, and the CPU's path.

Nothing here waits for the device, so all of it can be captured in a CUDA graph.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from veritune.trainer.config import SamplingConfig
from veritune.trainer.policy.layers import Layer, Weights
from veritune.trainer.rollout.decode.rows import Rows
from veritune.trainer.rollout.decode.tokens import truncate


class Ops(Protocol):
    """The operations of a token step."""

    def branches(self, count: int, weights: Weights) -> int:
        """Into how many groups of rows the layers are divided, to run side by side."""

    def add_norm(self, residual_NH: Tensor, delta_NH: Tensor | None, weight_H: Tensor, weights: Weights) -> Tensor:
        """residual += delta in place; its RMS norm, in the compute dtype. The delta may be :meth:`product`'s."""

    def product(self, inputs_NK: Tensor, weight_XK: Tensor, bias_X: Tensor | None) -> Tensor:
        """inputs · weightᵀ + bias: (N, X), or float32 (parts, N, X) whose sum it is, for what reads it to add up."""

    def gated(self, inputs_NK: Tensor, weight_XK: Tensor, bias_X: Tensor | None) -> Tensor:
        """silu(gate) · up, where the first half of the weight's rows gives gate, the second up."""

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
        """:meth:`rotate_store` of a :meth:`product`, then :meth:`attend`."""

    def draw(self, hidden_BH: Tensor, rows: Rows, sampling: SamplingConfig, eos_E: Tensor, weights: Weights) -> None:
        """:meth:`sample` of the head's logits."""

    def rotate_store(
        self, qkv_BX: Tensor, key_BKLD: Tensor, value_BKLD: Tensor, rows: Rows, layer: Layer, weights: Weights
    ) -> Tensor:
        """Norms and rotation of queries and keys; key and value into the cache; the queries (B, heads · D)."""

    def attend(
        self, query_BX: Tensor, key_BKLD: Tensor, value_BKLD: Tensor, rows: Rows, span: int, weights: Weights
    ) -> Tensor:
        """softmax(scale · q · k) · v over positions 0 … ``rows.positions_B``: (B, heads · D)."""

    def silu_times(self, gate_up_NX: Tensor) -> Tensor:
        """silu(first half) times the second half."""

    def sample(self, logits_BV: Tensor, rows: Rows, sampling: SamplingConfig, eos_E: Tensor) -> None:
        """Draw a token of every living row into ``rows`` and move it on; rows end at an EOS token or their limit."""


class TorchOps:
    """:class:`Ops` in PyTorch."""

    def __init__(self) -> None:
        self._found: tuple[Rows, int, tuple[Tensor, Tensor, Tensor]] | None = None

    def branches(self, count: int, weights: Weights) -> int:
        return 1

    def add_norm(self, residual_NH: Tensor, delta_NH: Tensor | None, weight_H: Tensor, weights: Weights) -> Tensor:
        if delta_NH is not None:
            residual_NH += delta_NH
        return rms_norm(residual_NH, weight_H, weights.eps).to(weights.dtype)

    def rotate_store(
        self, qkv_BX: Tensor, key_BKLD: Tensor, value_BKLD: Tensor, rows: Rows, layer: Layer, weights: Weights
    ) -> Tensor:
        qkv = qkv_BX.view(len(qkv_BX), -1, weights.head_dim)
        index_B, cos, sin = self._places(rows, weights)
        query, key, value = rotated(qkv, cos, sin, layer, weights)
        key_BKLD[index_B, :, rows.positions_B] = key
        value_BKLD[index_B, :, rows.positions_B] = value
        return query.flatten(1)

    def _places(self, rows: Rows, weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
        """The rows, and cosine and sine at their positions: the same for all layers of a step."""
        now = rows.positions_B._version
        if self._found is None or self._found[0] is not rows or self._found[1] != now:
            cos, sin = (table[rows.positions_B][:, None] for table in (weights.cos_LF, weights.sin_LF))
            index_B = torch.arange(len(rows.positions_B), device=rows.positions_B.device)
            self._found = rows, now, (index_B, cos, sin)
        return self._found[2]

    def attend(
        self, query_BX: Tensor, key_BKLD: Tensor, value_BKLD: Tensor, rows: Rows, span: int, weights: Weights
    ) -> Tensor:
        query = query_BX.view(len(query_BX), -1, 1, weights.head_dim)
        steps_L = torch.arange(span, device=query.device)
        mask = (steps_L <= rows.positions_B[:, None])[:, None, None]
        key, value = key_BKLD[:, :, :span], value_BKLD[:, :, :span]
        group = weights.heads // weights.kv_heads
        if group > 1:  # the heads of a group as rows of one product: no copy of the cache for each of them
            query = query.view(len(query), weights.kv_heads, group, weights.head_dim)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=weights.scale)
        return mixed.flatten(1)

    def silu_times(self, gate_up_NX: Tensor) -> Tensor:
        gate, up = gate_up_NX.chunk(2, -1)
        return F.silu(gate).mul_(up)

    def product(self, inputs_NK: Tensor, weight_XK: Tensor, bias_X: Tensor | None) -> Tensor:
        return F.linear(inputs_NK, weight_XK, bias_X)

    def gated(self, inputs_NK: Tensor, weight_XK: Tensor, bias_X: Tensor | None) -> Tensor:
        return self.silu_times(F.linear(inputs_NK, weight_XK, bias_X))

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
        query_BX = self.rotate_store(qkv_BX, key_BKLD, value_BKLD, rows, layer, weights)
        return self.attend(query_BX, key_BKLD, value_BKLD, rows, span, weights)

    def draw(self, hidden_BH: Tensor, rows: Rows, sampling: SamplingConfig, eos_E: Tensor, weights: Weights) -> None:
        self.sample(head_logits(hidden_BH, weights), rows, sampling, eos_E)

    def sample(self, logits_BV: Tensor, rows: Rows, sampling: SamplingConfig, eos_E: Tensor) -> None:
        scaled_BV = logits_BV if sampling.temperature == 1 else logits_BV / sampling.temperature
        logps_BV = torch.log_softmax(scaled_BV, -1)
        cumulative_BV = truncate(logps_BV, sampling).double().exp().cumsum(-1)
        uniform_B1 = rows.uniforms_BT.gather(1, rows.steps_B.clamp(max=rows.uniforms_BT.shape[1] - 1)[:, None])
        tokens_B1 = torch.searchsorted(cumulative_BV, uniform_B1 * cumulative_BV[:, -1:], right=True)
        tokens_B1 = tokens_B1.clamp(max=logits_BV.shape[1] - 1)
        advance(rows, tokens_B1[:, 0], logps_BV.gather(1, tokens_B1)[:, 0], eos_E)


def head_logits(hidden_BH: Tensor, weights: Weights) -> Tensor:
    """float32 logits, never rounded to the compute dtype where the GPU can write them so."""
    if hidden_BH.is_cuda and hidden_BH.dtype is not torch.float32:
        logits_BV = torch.mm(hidden_BH, weights.head.T, out_dtype=torch.float32)
    else:
        logits_BV = F.linear(hidden_BH, weights.head).float()
    return logits_BV if weights.head_bias is None else logits_BV + weights.head_bias


def advance(rows: Rows, tokens_B: Tensor, logps_B: Tensor, eos_E: Tensor) -> None:
    """Append the drawn tokens of living rows."""
    alive_B1 = rows.alive_B[:, None]
    at_B1 = rows.steps_B.clamp(max=rows.out_BT.shape[1] - 1)[:, None]
    rows.out_BT.scatter_(1, at_B1, torch.where(alive_B1, tokens_B[:, None], rows.out_BT.gather(1, at_B1)))
    rows.logps_BT.scatter_(1, at_B1, torch.where(alive_B1, logps_B[:, None], rows.logps_BT.gather(1, at_B1)))
    rows.tokens_B.copy_(torch.where(rows.alive_B, tokens_B, rows.tokens_B))
    rows.steps_B += rows.alive_B
    rows.positions_B += rows.alive_B
    ended_B = (tokens_B[:, None] == eos_E).any(-1) | (rows.steps_B >= rows.limits_B)
    rows.alive_B &= ~ended_B


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """x / √(mean x² + eps) · weight, in float32."""
    x = x.float()
    return (x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)).mul_(weight)


def rotated(qkv: Tensor, cos: Tensor, sin: Tensor, layer: Layer, weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values (…, heads, D) of (…, all heads, D), the first two normed and rotated."""
    both, value = torch.split(qkv, [weights.heads + weights.kv_heads, weights.kv_heads], -2)
    if layer.query_norm is not None and layer.key_norm is not None:
        weight = torch.cat([layer.query_norm.expand(weights.heads, -1), layer.key_norm.expand(weights.kv_heads, -1)])
        both = rms_norm(both, weight, weights.eps)
    query, key = torch.split(rotate(both, cos, sin).to(qkv.dtype), [weights.heads, weights.kv_heads], -2)
    return query, key, value


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """The rotary embedding, in float32: halves (a, b) → (a cos − b sin, b cos + a sin)."""
    a, b = x.float().chunk(2, -1)
    return torch.cat([(a * cos).addcmul_(b, sin, value=-1), (b * cos).addcmul_(a, sin)], -1)
