"""A Llama-like decoder for training: few operations, few kept activations, gradients added in place.

Each layer is two autograd functions with attention between them. Kept for the backward are the residual stream before
each norm, query, key and value, what attention mixed, and gate and up; norms and silu(gate) · up are computed again.
The residual stream has the embedding's dtype, products are in the compute dtype, everything else is in float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from veritune.trainer.policy import block_ops as ops
from veritune.trainer.policy.attention import Segments, attend_segments
from veritune.trainer.policy.block_heads import HeadNorms, Heads
from veritune.trainer.policy.products import Product, plus_product


@dataclass
class Plan:
    """What all layers of a forward pass share."""

    dtype: torch.dtype
    cos_Th: Tensor
    sin_Th: Tensor
    heads: Heads
    scale: float
    rows: tuple[int, int]
    """The T tokens are so many rows of so many tokens."""
    segments: Segments | None = None
    """One row of sequences, each of which sees itself."""
    mask_B1LL: Tensor | None = None
    rounded: tuple[Tensor, Tensor] | None = None
    """In the backward: the residual stream's gradient as a layer left it, and the same in the compute dtype."""


class Block:
    """The products of one decoder layer."""

    def __init__(self, layer: Any) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.qkv = Product([attention.q_proj, attention.k_proj, attention.v_proj])
        self.out = Product([attention.o_proj])
        self.gate_up = Product([mlp.gate_proj, mlp.up_proj])
        self.down = Product([mlp.down_proj])
        self.layer = layer

    def current(self) -> bool:
        """Whether the products are still those that the layer's modules stand for."""
        attention, mlp = self.layer.self_attn, self.layer.mlp
        now = _linear(attention, mlp)
        held = (*self.qkv.layers, *self.out.layers, *self.gate_up.layers, *self.down.layers)
        return all(a is b for a, b in zip(now, held, strict=True))

    def refresh(self, dtype: torch.dtype) -> None:
        """Take the parameters as they are now."""
        for product in (self.qkv, self.out, self.gate_up, self.down):
            product.refresh(dtype)

    def norms(self) -> HeadNorms | None:
        attention = self.layer.self_attn
        query = getattr(attention, "q_norm", None)
        if query is None:
            return None
        return HeadNorms(query.weight, attention.k_norm.weight, query.variance_epsilon)

    def __call__(self, x_TH: Tensor, plan: Plan) -> Tensor:
        first, second = self.layer.input_layernorm, self.layer.post_attention_layernorm
        norms = self.norms()
        self.refresh(plan.dtype)
        given = [first.weight, *(norms[:2] if norms else ()), *self.qkv.now]
        x_TH, query, key, value = cast(Any, _Before).apply(x_TH, self, plan, *given)
        mixed_TX = attend(query, key, value, plan).reshape(len(x_TH), -1)
        rest = [*self.out.now, *self.gate_up.now, *self.down.now]
        return cast(Tensor, cast(Any, _After).apply(x_TH, mixed_TX, self, plan, second.weight, *rest))


def _linear(attention: Any, mlp: Any) -> tuple[Any, ...]:
    first = attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj
    return (*first, mlp.gate_proj, mlp.up_proj, mlp.down_proj)


def trainable(layer: Any) -> bool:
    """Whether a decoder layer's products are plain linear layers of one dtype."""
    attention, mlp = layer.self_attn, layer.mlp
    linear = _linear(attention, mlp)
    if any(type(module) is not nn.Linear for module in linear):
        return False
    together = [[module.bias is None for module in part] for part in (linear[:3], linear[4:6])]
    return all(len(set(biases)) == 1 for biases in together) and len({module.weight.dtype for module in linear}) == 1


def attend(query: Tensor, key: Tensor, value: Tensor, plan: Plan) -> Tensor:
    """(T, heads, width) softmax attention, each token back over its own row or sequence, or as the mask says."""
    if plan.segments is not None:
        return attend_segments(query, key, value, plan.segments, plan.scale)
    query, key, value = (x.view(*plan.rows, *x.shape[1:]).transpose(1, 2) for x in (query, key, value))
    fewer = query.shape[1] // key.shape[1]
    if plan.mask_B1LL is not None and fewer > 1:  # kernels that take a mask take no shared keys
        key, value = key.repeat_interleave(fewer, 1), value.repeat_interleave(fewer, 1)
    mixed = F.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=plan.mask_B1LL,
        is_causal=plan.mask_B1LL is None,
        scale=plan.scale,
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return mixed.transpose(1, 2).flatten(0, 1)


class _Before(torch.autograd.Function):
    """x → x, and query, key and value of norm(x)."""

    @staticmethod
    def forward(ctx: Any, x_TH: Tensor, block: Block, plan: Plan, weight_H: Tensor, *given: Tensor) -> Any:
        norms = block.norms()
        normed_TH, scale_T1 = ops.norm(x_TH, weight_H, block.layer.input_layernorm.variance_epsilon, plan.dtype)
        matrix, bias = block.qkv.matrix()
        qkv_TX = F.linear(normed_TH, matrix, bias)
        ctx.save_for_backward(x_TH, weight_H, scale_T1, qkv_TX if norms else None)
        ctx.block, ctx.plan = block, plan
        query, key, value = ops.rotate(qkv_TX, plan.cos_Th, plan.sin_Th, plan.heads, norms)
        return x_TH.view_as(x_TH), query, key, value

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Any:
        x_TH, weight_H, scale_T1, raw_TX = ctx.saved_tensors
        block, plan = ctx.block, ctx.plan
        residual_TH, query, key, value = upstream
        norms = block.norms()
        down_TX, *head_norms = ops.rotate_backward(
            query, key, value, raw_TX, plan.cos_Th, plan.sin_Th, plan.heads, norms
        )
        eps = block.layer.input_layernorm.variance_epsilon
        block.qkv.add_gradients(down_TX, ops.norm(x_TH, weight_H, eps, plan.dtype)[0])
        down_TH = down_TX @ block.qkv.matrix()[0]
        found_TH, rounded_TH, found_H = ops.norm_backward(down_TH, x_TH, weight_H, scale_T1, residual_TH, plan.dtype)
        plan.rounded = found_TH, rounded_TH
        pairs = zip(head_norms, norms[:2], strict=True) if norms else ()
        small = [g.to(w.dtype) for g, w in pairs if g is not None]
        return found_TH, None, None, found_H.to(weight_H.dtype), *small, *[None] * len(block.qkv.now)


class _After(torch.autograd.Function):
    """x and what attention mixed → x + out(mixed), and to that the gated MLP of its norm added."""

    @staticmethod
    def forward(
        ctx: Any, x_TH: Tensor, mixed_TX: Tensor, block: Block, plan: Plan, weight_H: Tensor, *given: Tensor
    ) -> Tensor:
        matrix, bias = block.out.matrix()
        x_TH = plus_product(x_TH, mixed_TX, matrix.T, bias)
        eps = block.layer.post_attention_layernorm.variance_epsilon
        normed_TH, scale_T1 = ops.norm(x_TH, weight_H, eps, plan.dtype)
        gate_up_TJ = F.linear(normed_TH, *block.gate_up.matrix())
        matrix, bias = block.down.matrix()
        ctx.save_for_backward(mixed_TX, x_TH, weight_H, scale_T1, gate_up_TJ)
        ctx.block, ctx.plan, ctx.given = block, plan, len(given)
        return plus_product(x_TH, ops.gated(gate_up_TJ), matrix.T, bias)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Any:
        mixed_TX, x_TH, weight_H, scale_T1, gate_up_TJ = ctx.saved_tensors
        block, dtype = ctx.block, ctx.plan.dtype
        given, rounded = upstream[0], ctx.plan.rounded
        ctx.plan.rounded = None
        same = rounded is not None and rounded[0].data_ptr() == given.data_ptr()
        above_TH = rounded[1] if same else given.to(dtype)
        down_TJ, lit_TI = ops.gated_backward(above_TH @ block.down.matrix()[0], gate_up_TJ)
        block.down.add_gradients(above_TH, lit_TI)
        del lit_TI, gate_up_TJ
        eps = block.layer.post_attention_layernorm.variance_epsilon
        block.gate_up.add_gradients(down_TJ, ops.norm(x_TH, weight_H, eps, dtype)[0])
        down_TH = down_TJ @ block.gate_up.matrix()[0]
        del down_TJ
        found_TH, above_TH, found_H = ops.norm_backward(down_TH, x_TH, weight_H, scale_T1, given, dtype)
        block.out.add_gradients(above_TH, mixed_TX)
        mixed = above_TH @ block.out.matrix()[0]
        return found_TH, mixed, None, None, found_H.to(weight_H.dtype), *[None] * ctx.given
