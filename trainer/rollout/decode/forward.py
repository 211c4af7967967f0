"""The arithmetic of a Llama, Mistral, Qwen2 or Qwen3 model: prompts into the cache, and one token step.

The residual stream has the dtype of the model's embedding, as in training under autocast; products are in the compute
dtype, norms, rotation and softmax in float32.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from veritune.trainer.config import SamplingConfig
from veritune.trainer.policy.layers import Layer, Weights
from veritune.trainer.rollout.decode.ops import Ops, rotated
from veritune.trainer.rollout.decode.rows import State


def token_step(
    weights: Weights, ops: Ops, state: State, count: int, span: int, sampling: SamplingConfig, eos_E: Tensor
) -> None:
    """Advance the first ``count`` rows by one token, in place. ``span``: no position lies at or beyond it."""
    rows = state.rows.first(count)
    branches = ops.branches(count, weights)
    if branches == 1:
        hidden_BH = _layers(weights, ops, state, 0, count, span)
    else:
        bounds = [count * i // branches for i in range(branches + 1)]
        runs = [partial(_layers, weights, ops, state, *pair, span) for pair in itertools.pairwise(bounds)]
        hidden_BH = torch.cat(side_by_side(runs, weights.device))
    ops.draw(hidden_BH, rows, sampling, eos_E, weights)


def _layers(weights: Weights, ops: Ops, state: State, begin: int, end: int, span: int) -> Tensor:
    """The last normed hidden states of rows ``begin`` … ``end``."""
    rows = state.rows.part(begin, end)
    residual_BH = F.embedding(rows.tokens_B, weights.embedding)
    delta: Tensor | None = None
    for layer, cache in zip(weights.layers, state.cache, strict=True):
        hidden_BH = ops.add_norm(residual_BH, delta, layer.attention_norm, weights)
        qkv = ops.product(hidden_BH, layer.qkv, layer.qkv_bias)
        mixed_BX = ops.rotate_attend(qkv, cache[0, begin:end], cache[1, begin:end], rows, span, layer, weights)
        delta = ops.product(mixed_BX, layer.out, layer.out_bias)
        hidden_BH = ops.add_norm(residual_BH, delta, layer.mlp_norm, weights)
        delta = ops.product(ops.gated(hidden_BH, layer.gate_up, layer.gate_up_bias), layer.down, layer.down_bias)
    return ops.add_norm(residual_BH, delta, weights.norm, weights)


def side_by_side(runs: Sequence[Callable[[], Tensor]], device: torch.device) -> list[Tensor]:
    """What each gives, on a GPU in streams of their own: while one waits for its kernels to begin, or for memory,
    another computes."""
    if device.type != "cuda":
        return [run() for run in runs]
    here = torch.cuda.current_stream(device)
    streams = [here, *_side_streams(device, len(runs) - 1)]
    for stream in streams[1:]:
        stream.wait_stream(here)
    found = []
    for stream, run in zip(streams, runs, strict=True):
        with torch.cuda.stream(stream):
            found.append(run())
    for stream in streams[1:]:
        here.wait_stream(stream)
    return found


@functools.cache
def _side_streams(device: torch.device, count: int) -> list[torch.cuda.Stream]:
    return [torch.cuda.Stream(device) for _ in range(count)]  # type: ignore[no-untyped-call]


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
    for layer, cache in zip(weights.layers[:-1], state.cache[:-1], strict=True):
        delta = prefill_layer(weights, ops, layer, cache, residual, delta, ids_PL.shape, target_R, source_R)
    _keys_and_values(
        weights, ops, weights.layers[-1], state.cache[-1], residual, delta, ids_PL.shape, target_R, source_R
    )


def prefill_layer(
    weights: Weights,
    ops: Ops,
    layer: Layer,
    cache: Tensor,
    residual: Tensor,
    delta: Tensor | None,
    shape: Sequence[int],
    target_R: Tensor,
    source_R: Tensor,
) -> Tensor:
    """One layer over whole prompts, its keys and values into the rows' cache; what is to be added to the residual."""
    query, key, value = _keys_and_values(weights, ops, layer, cache, residual, delta, shape, target_R, source_R)
    mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True, scale=weights.scale, enable_gqa=True)
    return feed_forward(weights, ops, layer, residual, mixed.transpose(1, 2).flatten(2).flatten(0, 1))


def feed_forward(weights: Weights, ops: Ops, layer: Layer, residual_NH: Tensor, mixed_NX: Tensor) -> Tensor:
    """What a layer does behind its attention; the result is :meth:`Ops.product`'s."""
    hidden_NH = ops.add_norm(residual_NH, ops.product(mixed_NX, layer.out, layer.out_bias), layer.mlp_norm, weights)
    return ops.product(ops.gated(hidden_NH, layer.gate_up, layer.gate_up_bias), layer.down, layer.down_bias)


def _keys_and_values(
    weights: Weights,
    ops: Ops,
    layer: Layer,
    cache: Tensor,
    residual: Tensor,
    delta: Tensor | None,
    shape: Sequence[int],
    target_R: Tensor,
    source_R: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    width = shape[1]
    hidden = ops.add_norm(residual, delta, layer.attention_norm, weights)
    qkv = F.linear(hidden, layer.qkv, layer.qkv_bias).view(*shape, -1, weights.head_dim)
    query, key, value = rotated(qkv, weights.cos_LF[:width, None], weights.sin_LF[:width, None], layer, weights)
    query, key, value = (x.transpose(1, 2) for x in (query, key, value))
    cache[0][target_R, :, :width] = key[source_R]
    cache[1][target_R, :, :width] = value[source_R]
    return query, key, value
