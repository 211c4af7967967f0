"""Decoding with a latent cache: DeepSeek-V3's attention with absorbed projections, and its experts.

A token takes rank + rope numbers of a layer's cache, whatever the number of heads. Softmax, norms, rotation and router
are in float32 (or float64), products in the compute dtype. Nothing waits for the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from veritune.trainer.config import SamplingConfig
from veritune.trainer.policy.experts.products import group_ends, grouped_linear, grouped_on_device
from veritune.trainer.policy.latent_layers import Experts, LatentLayer, LatentWeights
from veritune.trainer.rollout.decode.engines import give_uniforms
from veritune.trainer.rollout.decode.ops import Ops, TorchOps, head_logits
from veritune.trainer.rollout.decode.rows import Rows, State


class LatentEngine:
    """How the static sampler advances rows of such a model: ``cache`` is (layers, 1, B, 1, L, rank + rope)."""

    most, tables = 1, 1

    def __init__(self, weights: LatentWeights, ops: Ops) -> None:
        self.weights, self.ops = weights, ops

    def row_bytes(self, length: int) -> int:
        return len(self.weights.layers) * length * self.weights.width * self.weights.dtype.itemsize

    def empty(self, count: int, length: int, tokens: int) -> State:
        cache = empty_cache(self.weights, len(self.weights.layers), count, length)
        return State(Rows.empty(count, tokens, self.weights.device), cache)

    def give_uniforms(self, state: State, index_R: Tensor, uniforms_RX: Tensor) -> None:
        give_uniforms(state, index_R, uniforms_RX)

    def prefill(
        self, state: State, prompts: Sequence[Sequence[int]], rows: Sequence[int], sampling: SamplingConfig
    ) -> None:
        unique = {tuple(p[:-1]): None for p in prompts if len(p) > 1}
        if not unique:
            return
        order = {prompt: index for index, prompt in enumerate(unique)}
        taken = [(row, order[tuple(p[:-1])]) for row, p in zip(rows, prompts, strict=True) if len(p) > 1]
        target_R, source_R = torch.tensor(taken, device=self.weights.device).T
        width = max(map(len, unique))
        ids_PL = torch.tensor([[*p, *[0] * (width - len(p))] for p in unique], device=self.weights.device)
        residual = F.embedding(ids_PL, self.weights.embedding).flatten(0, 1)
        delta: Tensor | None = None
        layers: list[Any] = self.weights.layers
        for layer, cache in zip(layers, state.cache, strict=True):
            delta = latent_prefill_layer(
                self.weights, self.ops, layer, cache, residual, delta, ids_PL.shape, target_R, source_R
            )

    def step(self, state: State, count: int, span: int, sampling: SamplingConfig, eos_E: Tensor) -> None:
        rows = state.rows.first(count)
        residual_BH = F.embedding(rows.tokens_B, self.weights.embedding)
        delta_BH: Tensor | None = None
        layers: list[Any] = self.weights.layers
        for layer, cache in zip(layers, state.cache, strict=True):
            delta_BH = latent_block(
                self.weights, self.ops, layer, cache[:, :count], residual_BH, delta_BH, [rows], span
            )
        hidden_BH = self.ops.add_norm(residual_BH, delta_BH, self.weights.norm, self.weights)
        self.ops.sample(head_logits(hidden_BH, self.weights), rows, sampling, eos_E)

    def counts(self, state: State, index_R: Tensor) -> list[dict[str, int]]:
        return [{} for _ in index_R]


def empty_cache(weights: LatentWeights, layers: int, count: int, length: int) -> Tensor:
    shape = (layers, 1, count, 1, length, weights.width)
    return torch.zeros(shape, dtype=weights.dtype, device=weights.device)


def latent_block(
    weights: LatentWeights,
    ops: Ops,
    layer: LatentLayer,
    cache_1B1LX: Tensor,
    residual_NH: Tensor,
    delta_NH: Tensor | None,
    slots: Sequence[Rows],
    span: int,
) -> Tensor:
    """One layer over one token a row, or over two, the first of all rows before the second; what is to be added."""
    hidden_NH = ops.add_norm(residual_NH, delta_NH, layer.attention_norm, weights)
    mixed_NX = latent_attention(weights, ops, layer, hidden_NH, cache_1B1LX[0, :, 0], slots, span)
    return latent_feed_forward(weights, ops, layer, residual_NH, mixed_NX)


def latent_attention(
    weights: LatentWeights,
    ops: Ops,
    layer: LatentLayer,
    hidden_NH: Tensor,
    cache_BLX: Tensor,
    slots: Sequence[Rows],
    span: int,
) -> Tensor:
    """(N, heads · v): c_t and k_t^R of the new tokens into the cache, then absorbed attention over it."""
    query_NHD, latent_NR, key_NP = _compressed(weights, layer, hidden_NH)
    positions_N = torch.cat([rows.positions_B for rows in slots])
    cos, sin = weights.cos_LF[positions_N], weights.sin_LF[positions_N]
    new_NX = torch.cat([latent_NR, _rotated(key_NP, cos, sin, weights)], -1)
    nope_NHD, rope_NHP = torch.split(query_NHD, [weights.nope, weights.rope], -1)
    up_key, up_value = torch.split(layer.latent_up, [weights.nope, weights.value], 1)
    absorbed_NHR = torch.bmm(nope_NHD.transpose(0, 1), up_key).transpose(0, 1)
    query_NHX = torch.cat([absorbed_NHR, _rotated(rope_NHP, cos[:, None], sin[:, None], weights)], -1)
    index_B = torch.arange(len(cache_BLX), device=cache_BLX.device)
    for new_BX, rows in zip(new_NX.chunk(len(slots)), slots, strict=True):
        cache_BLX[index_B, rows.positions_B] = new_BX
    attend = _attend(ops)
    read = [
        attend(query_BHX, cache_BLX, rows, span, weights.rank, weights.scale)
        for query_BHX, rows in zip(query_NHX.chunk(len(slots)), slots, strict=True)
    ]
    mixed_HNR = torch.cat(read).transpose(0, 1)
    return torch.bmm(mixed_HNR, up_value.transpose(1, 2)).transpose(0, 1).flatten(1)


def attend_latent(query_BHX: Tensor, cache_BLX: Tensor, rows: Rows, span: int, rank: int, scale: float) -> Tensor:
    """(B, heads, rank): softmax(scale · q · [c; k^R]) over positions 0 … ``rows.positions_B``, times c. The law."""
    cache_BLX = cache_BLX[:, :span]
    scores_BHL = torch.bmm(query_BHX, cache_BLX.transpose(1, 2))
    scores_BHL = scores_BHL.to(torch.promote_types(scores_BHL.dtype, torch.float32)) * scale
    later_BL = torch.arange(span, device=query_BHX.device) > rows.positions_B[:, None]
    shares_BHL = scores_BHL.masked_fill(later_BL[:, None], -torch.inf).softmax(-1)
    return torch.bmm(shares_BHL.to(cache_BLX.dtype), cache_BLX[..., :rank])


def latent_prefill_layer(
    weights: LatentWeights,
    ops: Ops,
    layer: LatentLayer,
    cache: Tensor,
    residual: Tensor,
    delta: Tensor | None,
    shape: Sequence[int],
    target_R: Tensor,
    source_R: Tensor,
) -> Tensor:
    """One layer over whole prompts, keys and values of the heads made of their latents once; what is to be added."""
    width = shape[1]
    hidden = ops.add_norm(residual, delta, layer.attention_norm, weights)
    query_NHD, latent_NR, key_NP = _compressed(weights, layer, hidden)
    cos, sin = (t[:width].repeat(shape[0], 1) for t in (weights.cos_LF, weights.sin_LF))
    key_NP = _rotated(key_NP, cos, sin, weights)
    new_PLX = torch.cat([latent_NR, key_NP], -1).view(*shape, -1)
    cache[0, target_R, 0, :width] = new_PLX[source_R]
    nope_NHD, rope_NHP = torch.split(query_NHD, [weights.nope, weights.rope], -1)
    query_NHD = torch.cat([nope_NHD, _rotated(rope_NHP, cos[:, None], sin[:, None], weights)], -1)
    expanded = F.linear(latent_NR, layer.latent_up.flatten(0, 1)).view(len(latent_NR), weights.heads, -1)
    own, value = torch.split(expanded, [weights.nope, weights.value], -1)
    key_NHD = torch.cat([own, key_NP[:, None].expand(-1, weights.heads, -1)], -1)
    query, key, value = (x.view(*shape, weights.heads, -1).transpose(1, 2) for x in (query_NHD, key_NHD, value))
    mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True, scale=weights.scale)
    return latent_feed_forward(weights, ops, layer, residual, mixed.transpose(1, 2).flatten(2).flatten(0, 1))


def latent_feed_forward(
    weights: LatentWeights, ops: Ops, layer: LatentLayer, residual_NH: Tensor, mixed_NX: Tensor
) -> Tensor:
    """What a layer does behind its attention: a dense MLP, or the experts of each token and the shared one."""
    hidden_NH = ops.add_norm(residual_NH, F.linear(mixed_NX, layer.out, layer.out_bias), layer.mlp_norm, weights)
    if layer.experts is None:
        assert layer.gate_up is not None
        assert layer.down is not None
        return F.linear(ops.silu_times(F.linear(hidden_NH, layer.gate_up)), layer.down)
    experts = layer.experts
    shared_NH = F.linear(ops.silu_times(F.linear(hidden_NH, experts.shared_gate_up)), experts.shared_down)
    return shared_NH + routed(hidden_NH, experts, ops)


def routed(hidden_NH: Tensor, experts: Experts, ops: Ops) -> Tensor:
    """(N, hidden) the sum over a token's experts, each times its gate."""
    index_NK, gates_NK = route(hidden_NH, experts)
    experts_S, order_S = index_NK.flatten().sort(stable=True)
    back_S = torch.empty_like(order_S)
    back_S[order_S] = torch.arange(len(order_S), device=order_S.device)
    ends_E = group_ends(experts_S, len(experts.router))

    def product(rows_SX: Tensor, weight_EYX: Tensor) -> Tensor:
        if rows_SX.is_cuda and not grouped_on_device(rows_SX, weight_EYX):  # without asking the device
            return torch.bmm(weight_EYX[experts_S], rows_SX[:, :, None])[..., 0]
        return grouped_linear(rows_SX, weight_EYX, ends_E, rows_SX.dtype)

    inner_SI = ops.silu_times(product(hidden_NH[order_S // experts.choices], experts.gate_up))
    out_NKH = product(inner_SI, experts.down)[back_S].view(len(hidden_NH), experts.choices, -1)
    return (out_NKH * gates_NK.to(out_NKH.dtype)[..., None]).sum(1)


def route(hidden_NH: Tensor, experts: Experts) -> tuple[Tensor, Tensor]:
    """(N, K) the experts of each token, by affinity plus bias within the best groups, and their gates, of the affinity
    alone (arXiv 2412.19437, eqs 12 to 16)."""
    affinity_NE = F.linear(hidden_NH.to(experts.router.dtype), experts.router).sigmoid()
    choice_NE = affinity_NE + experts.bias
    grouped_NGE = choice_NE.view(len(choice_NE), experts.groups, -1)
    if experts.groups > 1:
        best_NG = grouped_NGE.topk(2, -1).values.sum(-1)
        kept_NG = torch.zeros_like(best_NG, dtype=torch.bool)
        kept_NG.scatter_(1, best_NG.topk(experts.groups_kept, -1).indices, True)
        choice_NE = grouped_NGE.masked_fill(~kept_NG[..., None], -torch.inf).flatten(1)
    index_NK = choice_NE.topk(experts.choices, -1).indices
    gates_NK = affinity_NE.gather(1, index_NK)
    if experts.normed:
        gates_NK = gates_NK / (gates_NK.sum(-1, keepdim=True) + 1e-20)
    return index_NK, gates_NK * experts.scale


def _compressed(weights: LatentWeights, layer: LatentLayer, hidden_NH: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Queries (N, heads, nope + rope), c_t (N, rank) and the shared key (N, rope); what rotates is not rotated yet."""
    both_NX = F.linear(hidden_NH, layer.compress, layer.compress_bias)
    query, latent_NR, key_NP = torch.split(both_NX, [both_NX.shape[1] - weights.width, weights.rank, weights.rope], -1)
    if layer.query_up is not None:
        assert layer.query_norm is not None
        query = F.linear(_norm(query, layer.query_norm, weights), layer.query_up)
    return query.view(len(hidden_NH), weights.heads, -1), _norm(latent_NR, layer.latent_norm, weights), key_NP


def _norm(x: Tensor, weight: Tensor, weights: LatentWeights) -> Tensor:
    exact = x.to(weight.dtype)
    normed = exact * torch.rsqrt(exact.pow(2).mean(-1, keepdim=True) + weights.latent_eps) * weight
    return normed.to(x.dtype)


def _rotated(x: Tensor, cos: Tensor, sin: Tensor, weights: LatentWeights) -> Tensor:
    """The rotary embedding of pairs (interleaved) or halves. The order of the result is the same for queries and keys
    and never leaves their product."""
    exact = x.to(weights.exact)
    a, b = (exact[..., 0::2], exact[..., 1::2]) if weights.interleaved else exact.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1).to(x.dtype)


def _attend(ops: Ops) -> Any:
    """The law, or the Triton kernel where the operations are Triton's."""
    if isinstance(ops, TorchOps):
        return attend_latent
    from veritune.trainer.rollout.decode.latent_kernels import attend_latent as kernel

    return kernel
