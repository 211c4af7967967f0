"""The arithmetic of a Llama, Mistral, Qwen2 or Qwen3 model: prompts into the cache, and one token step.

The residual stream has the dtype of the model's embedding, as in training under autocast; products are in the compute
dtype, norms, rotation and softmax in float32.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from veritune.trainer.config import SamplingConfig
from veritune.trainer.policy.layers import Weights
from veritune.trainer.rollout.decode.ops import Ops, rotated
from veritune.trainer.rollout.decode.rows import State


def token_step(
    weights: Weights, ops: Ops, state: State, count: int, span: int, sampling: SamplingConfig, eos_E: Tensor
) -> None:
    """Advance the first ``count`` rows by one token, in place. ``span``: no position lies at or beyond it."""
    rows = state.rows.first(count)
    residual_BH = F.embedding(rows.tokens_B, weights.embedding)
    delta_BH: Tensor | None = None
    for layer, cache in zip(weights.layers, state.cache, strict=True):
        hidden_BH = ops.add_norm(residual_BH, delta_BH, layer.attention_norm, weights)
        qkv_BX = F.linear(hidden_BH, layer.qkv, layer.qkv_bias)
        key_BKLD, value_BKLD = cache[0, :count], cache[1, :count]
        query_BX = ops.rotate_store(qkv_BX, key_BKLD, value_BKLD, rows, layer, weights)
        mixed_BX = ops.attend(query_BX, key_BKLD, value_BKLD, rows, span, weights)
        delta_BH = F.linear(mixed_BX, layer.out, layer.out_bias)
        hidden_BH = ops.add_norm(residual_BH, delta_BH, layer.mlp_norm, weights)
        delta_BH = F.linear(ops.silu_times(F.linear(hidden_BH, layer.gate_up, layer.gate_up_bias)), layer.down)
        if layer.down_bias is not None:
            delta_BH = delta_BH + layer.down_bias
    hidden_BH = ops.add_norm(residual_BH, delta_BH, weights.norm, weights)
    ops.sample(_logits(hidden_BH, weights), rows, sampling, eos_E)


def prefill(weights: Weights, ops: Ops, state: State, prompts: Sequence[Sequence[int]], rows: Sequence[int]) -> None:
    """Keys and values of ``prompts[i]`` into the cache of row ``rows[i]``; equal prompts are run once.

    Padding stands on the right, where causal attention never looks at it and decoding later writes over it.
    """
    unique = {tuple(p): None for p in prompts if p}
    if not unique:
        return
    order = {prompt: index for index, prompt in enumerate(unique)}
    taken = [(row, order[tuple(p)]) for row, p in zip(rows, prompts, strict=True) if p]
    device = weights.device
    target_R, source_R = torch.tensor(taken, device=device).T
    width = max(map(len, unique))
    ids_PL = torch.tensor([[*p, *[0] * (width - len(p))] for p in unique], device=device)
    residual = F.embedding(ids_PL, weights.embedding).flatten(0, 1)
    delta: Tensor | None = None
    for layer, cache in zip(weights.layers, state.cache, strict=True):
        hidden = ops.add_norm(residual, delta, layer.attention_norm, weights)
        qkv = F.linear(hidden, layer.qkv, layer.qkv_bias).view(*ids_PL.shape, -1, weights.head_dim)
        query, key, value = rotated(qkv, weights.cos_LF[:width, None], weights.sin_LF[:width, None], layer, weights)
        query, key, value = (x.transpose(1, 2) for x in (query, key, value))
        cache[0][target_R, :, :width] = key[source_R]
        cache[1][target_R, :, :width] = value[source_R]
        if cache is state.cache[-1]:
            return
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True, scale=weights.scale, enable_gqa=True)
        delta = F.linear(mixed.transpose(1, 2).flatten(2).flatten(0, 1), layer.out, layer.out_bias)
        hidden = ops.add_norm(residual, delta, layer.mlp_norm, weights)
        delta = F.linear(ops.silu_times(F.linear(hidden, layer.gate_up, layer.gate_up_bias)), layer.down)
        if layer.down_bias is not None:
            delta = delta + layer.down_bias


def _logits(hidden_BH: Tensor, weights: Weights) -> Tensor:
    """float32 logits, never rounded to the compute dtype where the GPU can write them so."""
    if hidden_BH.is_cuda and hidden_BH.dtype is not torch.float32:
        logits_BV = torch.mm(hidden_BH, weights.head.T, out_dtype=torch.float32)
    else:
        logits_BV = F.linear(hidden_BH, weights.head).float()
    return logits_BV if weights.head_bias is None else logits_BV + weights.head_bias
