"""Speculative decoding with the first module of multi-token prediction, in the static sampler.

A step runs the model on two tokens a row: the last one, and the draft of the next. The draft is accepted or replaced by
rejection sampling (Leviathan et al. 2211.17192; Chen et al. 2302.01318), so that what is drawn has the distribution it
has without drafts, whatever the module says; where it is accepted, the step gives a second token. Both distributions
are at the sampling temperature and truncated alike. The module then reads the states of the one or two new tokens and
drafts the next. Nothing waits for the device: the whole step is one CUDA graph.

A rejected draft leaves keys and values behind it in both caches, which the next step writes over before anything reads
them. Random numbers belong to a completion and the place of a token in it: one to draw it, one to accept its draft, one
to draft it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from veritune.trainer.config import SamplingConfig
from veritune.trainer.policy.layers import Weights
from veritune.trainer.rollout.decode.forward import feed_forward, prefill_layer
from veritune.trainer.rollout.decode.ops import Ops, TorchOps, advance, head_logits
from veritune.trainer.rollout.decode.rows import Rows, State, row_bytes
from veritune.trainer.rollout.decode.speculative_rows import SpeculativeRows
from veritune.trainer.rollout.decode.tokens import truncate

PLAIN = SamplingConfig()
"""At temperature 1 and whole: what is given is a distribution already."""


class SpeculativeEngine:
    """How the static sampler advances its rows: two tokens a step at most."""

    most = 2
    tables = 3
    """Random numbers a token."""
    _prefill_layer: ClassVar[Callable[..., Tensor]] = staticmethod(prefill_layer)

    def __init__(self, weights: Weights, ops: Ops) -> None:
        self.weights, self.ops = weights, ops

    def row_bytes(self, length: int) -> int:
        layers = len(self.weights.layers)
        return row_bytes(self.weights, length) * (layers + 1) // layers + 4 * len(self.weights.head)

    def empty(self, count: int, length: int, tokens: int) -> State:
        """The module's cache is the last of the layers'."""
        weights = self.weights
        cache = self._cache(count, length)
        plain = Rows.empty(count, tokens, weights.device)

        def table() -> Tensor:
            return torch.zeros(count, tokens, dtype=torch.float64, device=weights.device)

        def integers() -> Tensor:
            return torch.zeros(count, dtype=torch.long, device=weights.device)

        drafts = torch.zeros(count, len(weights.head), device=weights.device)
        own = (table(), table(), integers(), drafts, integers(), integers(), integers())
        return State(SpeculativeRows(*[*plain.tensors(), *own]), cache)

    def _cache(self, count: int, length: int) -> Tensor:
        weights = self.weights
        shape = (len(weights.layers) + 1, 2, count, weights.kv_heads, length, weights.head_dim)
        return torch.zeros(shape, dtype=weights.dtype, device=weights.device)

    def give_uniforms(self, state: State, index_R: Tensor, uniforms_RX: Tensor) -> None:
        """Of rows that begin: their random numbers."""
        rows = _own(state)
        width = uniforms_RX.shape[1] // self.tables
        tables = (rows.uniforms_BT, rows.accepts_BT, rows.draft_uniforms_BT)
        for table_BT, part_RT in zip(tables, torch.split(uniforms_RX, width, 1), strict=True):
            table_BT[index_R, :width] = part_RT

    def prefill(
        self, state: State, prompts: Sequence[Sequence[int]], rows: Sequence[int], sampling: SamplingConfig
    ) -> None:
        """Prompts into both caches, and the first draft of each row; a prompt of one token has none."""
        weights, ops, own = self.weights, self.ops, _own(state)
        device = weights.device
        index_R = torch.tensor(rows, device=device)
        own.draft_B[index_R] = -1
        for counter_B in (own.forwards_B, own.drafted_B, own.accepted_B):
            counter_B[index_R] = 0
        unique = {tuple(p): None for p in prompts if len(p) > 1}
        if not unique:
            return
        order = {prompt: index for index, prompt in enumerate(unique)}
        taken = [(row, order[tuple(p)]) for row, p in zip(rows, prompts, strict=True) if len(p) > 1]
        target_R, source_R = torch.tensor(taken, device=device).T
        width = max(map(len, unique)) - 1
        padded_PL = torch.tensor([[*p, *[0] * (width + 1 - len(p))] for p in unique], device=device)
        ids_PL, next_PL = padded_PL[:, :-1], padded_PL[:, 1:]
        residual = F.embedding(ids_PL, weights.embedding).flatten(0, 1)
        shape, delta = ids_PL.shape, None
        for layer, cache in zip(weights.layers, state.cache, strict=False):
            delta = self._prefill_layer(weights, ops, layer, cache, residual, delta, shape, target_R, source_R)
        states = ops.add_norm(residual, delta, weights.norm, weights)
        residual = self._joined(states, next_PL.flatten())
        delta = self._prefill_layer(
            weights, ops, self._layer, state.cache[-1], residual, None, shape, target_R, source_R
        )
        lasts_P = torch.tensor([i * width + len(p) - 2 for i, p in enumerate(unique)], device=device)
        hidden_PH = ops.add_norm(residual[lasts_P], delta[..., lasts_P, :], weights.draft.norm, weights)
        self._draft(own, warped(head_logits(hidden_PH, weights), sampling)[source_R], target_R, None)

    def step(self, state: State, count: int, span: int, sampling: SamplingConfig, eos_E: Tensor) -> None:
        """Advance the first ``count`` rows by one or two tokens, in place."""
        weights, ops = self.weights, self.ops
        rows = _own(state).first(count)
        assert isinstance(rows, SpeculativeRows)
        tokens_N = torch.cat([rows.tokens_B, rows.draft_B.clamp(min=0)])
        residual_NH = F.embedding(tokens_N, weights.embedding)
        positions_B, alive_B = rows.positions_B.clone(), rows.alive_B.clone()
        both = [replace(rows, positions_B=positions_B + slot, alive_B=alive_B) for slot in (0, 1)]
        delta_NH: Tensor | None = None
        for layer, cache in zip(weights.layers, state.cache, strict=False):
            delta_NH = self._block(layer, cache[:, :count], residual_NH, delta_NH, both, span)
        states_NH = ops.add_norm(residual_NH, delta_NH, weights.norm, weights)
        first_B, second_B, accepted_B = verify(head_logits(states_NH, weights), ops, rows, sampling, eos_E)
        residual_NH = self._joined(states_NH, torch.cat([first_B, second_B]))
        delta_NH = self._block(self._layer, state.cache[-1][:, :count], residual_NH, None, both, span)
        slot_B1 = accepted_B[:, None]
        residual_BH = torch.where(slot_B1, residual_NH[count:], residual_NH[:count])
        delta_BH = torch.where(slot_B1, delta_NH[..., count:, :], delta_NH[..., :count, :])
        hidden_BH = ops.add_norm(residual_BH, delta_BH, weights.draft.norm, weights)
        self._draft(rows, warped(head_logits(hidden_BH, weights), sampling), None, alive_B)

    def counts(self, state: State, index_R: Tensor) -> list[dict[str, int]]:
        rows = _own(state)
        names = ("forwards", "drafted", "accepted")
        columns = torch.stack([rows.forwards_B, rows.drafted_B, rows.accepted_B])[:, index_R].T.tolist()
        return [dict(zip(names, values, strict=True)) for values in columns]

    @property
    def _layer(self) -> Any:
        return self.weights.draft.layer

    def _joined(self, states_NH: Tensor, tokens_N: Tensor) -> Tensor:
        """M [RMSNorm(Emb(t)); RMSNorm(h)], the residual stream of the module's block."""
        weights, draft = self.weights, self.weights.draft
        embedded_NH = F.embedding(tokens_N, weights.embedding)
        normed = (
            self.ops.add_norm(embedded_NH.clone(), None, draft.token_norm, weights),
            self.ops.add_norm(states_NH, None, draft.state_norm, weights),
        )
        return F.linear(torch.cat(normed, -1), draft.join).to(embedded_NH.dtype)

    def _block(
        self,
        layer: Any,
        cache_2BKLD: Tensor,
        residual_NH: Tensor,
        delta_NH: Tensor | None,
        both: Sequence[Rows],
        span: int,
    ) -> Tensor:
        """One layer over two tokens a row, the first of all rows before the second; what is to be added."""
        weights, ops = self.weights, self.ops
        key_BKLD, value_BKLD = cache_2BKLD
        hidden_NH = ops.add_norm(residual_NH, delta_NH, layer.attention_norm, weights)
        qkv_NX = F.linear(hidden_NH, layer.qkv, layer.qkv_bias)
        if not isinstance(ops, TorchOps):
            kernels = _kernels()
            query_NX = kernels.rotate_store_two(qkv_NX, key_BKLD, value_BKLD, both[0], layer, weights)
            mixed_NX = kernels.attend_two(query_NX, key_BKLD, value_BKLD, both[0], weights)
            return feed_forward(weights, ops, layer, residual_NH, mixed_NX)
        queries = [
            ops.rotate_store(qkv_BX, key_BKLD, value_BKLD, rows, layer, weights)
            for qkv_BX, rows in zip(qkv_NX.chunk(2), both, strict=True)
        ]
        mixed = [
            ops.attend(query_BX, key_BKLD, value_BKLD, rows, span, weights)
            for query_BX, rows in zip(queries, both, strict=True)
        ]
        return feed_forward(weights, ops, layer, residual_NH, torch.cat(mixed))

    def _draft(self, rows: SpeculativeRows, logits_RV: Tensor, index_R: Tensor | None, alive_B: Tensor | None) -> None:
        """Draw the next draft of some rows, or of all that were alive, and keep what it was drawn from."""
        steps_R = rows.steps_B if index_R is None else rows.steps_B[index_R]
        table_RT = rows.draft_uniforms_BT if index_R is None else rows.draft_uniforms_BT[index_R]
        at_R1 = steps_R.clamp(max=table_RT.shape[1] - 1)[:, None]
        count = len(logits_RV)
        tokens_R, alive_R = torch.zeros_like(steps_R), torch.ones(count, dtype=torch.bool, device=steps_R.device)
        zeros = [torch.zeros_like(steps_R) for _ in range(2)]
        limits_R = torch.full_like(steps_R, 2)
        out = (tokens_R.new_zeros(count, 1), torch.zeros(count, 1, device=tokens_R.device), table_RT.gather(1, at_R1))
        drawn = Rows(tokens_R, zeros[0], zeros[1], limits_R, alive_R, *out)
        self.ops.sample(logits_RV, drawn, PLAIN, tokens_R.new_zeros(0))
        if index_R is None:
            assert alive_B is not None
            rows.draft_B.copy_(torch.where(alive_B, drawn.tokens_B, rows.draft_B))
            torch.where(alive_B[:, None], logits_RV, rows.draft_BV, out=rows.draft_BV)
        else:
            rows.draft_B[index_R] = drawn.tokens_B
            rows.draft_BV[index_R] = logits_RV


def verify(
    logits_NV: Tensor, ops: Ops, rows: SpeculativeRows, sampling: SamplingConfig, eos_E: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Accept or replace each living row's draft, and append the one or two tokens to it.

    With p the model's distribution at the draft's place, q the draft's: it is accepted with probability
    min(1, p(d)/q(d)), else replaced by a draw from max(0, p − q) normalised; the next token after an accepted one is
    drawn from the model's distribution there. Log-probs are those of the whole distribution at the temperature. Returns
    the first and second token, and whether the second counts.
    """
    drawn = _draw(ops)(logits_NV, rows, sampling)
    if not isinstance(ops, TorchOps):
        found: tuple[Tensor, Tensor, Tensor] = _kernels().advance_two(drawn, rows, eos_E)
        return found
    return append_drawn(drawn, rows, eos_E)


def append_drawn(
    drawn: tuple[Tensor, Tensor, Tensor, Tensor], rows: SpeculativeRows, eos_E: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Append what :func:`draw_verified` has found to the living rows."""
    token_B, accepted_B, logps_B, draft_logps_B = drawn
    drafted_B = rows.draft_B >= 0
    alive_B = rows.alive_B.clone()
    rows.forwards_B += alive_B
    rows.drafted_B += alive_B & drafted_B
    rows.accepted_B += alive_B & accepted_B
    first_B = torch.where(accepted_B, rows.draft_B, token_B)
    advance(rows, first_B, torch.where(accepted_B, draft_logps_B, logps_B), eos_E)
    once_B = rows.alive_B.clone()
    rows.alive_B &= accepted_B
    second_B = rows.alive_B.clone()
    advance(rows, token_B, logps_B, eos_E)
    rows.alive_B |= once_B & ~second_B
    return first_B, token_B, second_B


def _kernels() -> Any:
    """Those for two tokens a row: Triton need not be installed."""
    from veritune.trainer.rollout.decode import two_kernels

    return two_kernels


def _draw(ops: Ops) -> Any:
    """The law, or the Triton kernel where the operations are Triton's."""
    from veritune.trainer.rollout.decode.verifying import draw_verified

    if isinstance(ops, TorchOps):
        return draw_verified
    from veritune.trainer.rollout.decode.verify_kernels import draw_verified as kernel

    return kernel


def warped(logits_NV: Tensor, sampling: SamplingConfig) -> Tensor:
    """Logits whose softmax is the distribution that is drawn from."""
    if sampling.top_k or sampling.min_p or sampling.top_p < 1:
        return truncate(torch.log_softmax(logits_NV / sampling.temperature, -1), sampling)
    return logits_NV / sampling.temperature


def _own(state: State) -> SpeculativeRows:
    assert isinstance(state.rows, SpeculativeRows)
    return state.rows
