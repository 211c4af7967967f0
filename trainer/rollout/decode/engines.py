"""How the static sampler's rows are advanced, for each kind of model: what is cached, prompts into it, one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor

from veritune.trainer.config import SamplingConfig
from veritune.trainer.policy.layers import Weights
from veritune.trainer.rollout.decode.forward import prefill, token_step
from veritune.trainer.rollout.decode.ops import Ops
from veritune.trainer.rollout.decode.rows import State, row_bytes


class Engine(Protocol):
    """What :class:`StaticSampler` asks of the arithmetic. ``step`` must not wait for the device."""

    most: int
    """Tokens that a row gains in a step at most."""
    tables: int
    """Random numbers a token."""
    weights: Any

    def row_bytes(self, length: int) -> int:
        """What one row takes, of so many cache positions."""

    def empty(self, count: int, length: int, tokens: int) -> State:
        """Rows and their caches."""

    def give_uniforms(self, state: State, index_R: Tensor, uniforms_RX: Tensor) -> None:
        """Of rows that begin: their random numbers, ``tables`` parts beside one another."""

    def prefill(
        self, state: State, prompts: Sequence[Sequence[int]], rows: Sequence[int], sampling: SamplingConfig
    ) -> None:
        """All tokens of ``prompts[i]`` but the last into the cache of row ``rows[i]``, which has its other values."""

    def step(self, state: State, count: int, span: int, sampling: SamplingConfig, eos_E: Tensor) -> None:
        """Advance the first ``count`` rows. ``span``: no position lies at or beyond it."""

    def counts(self, state: State, index_R: Tensor) -> list[dict[str, int]]:
        """What is counted of these rows, as a rollout's fields."""


class PlainEngine:
    """A token a step, keys and values cached."""

    most, tables = 1, 1

    def __init__(self, weights: Weights, ops: Ops) -> None:
        self.weights, self.ops = weights, ops

    def row_bytes(self, length: int) -> int:
        return row_bytes(self.weights, length)

    def empty(self, count: int, length: int, tokens: int) -> State:
        return State.empty(self.weights, count, length, tokens)

    def give_uniforms(self, state: State, index_R: Tensor, uniforms_RX: Tensor) -> None:
        give_uniforms(state, index_R, uniforms_RX)

    def prefill(
        self, state: State, prompts: Sequence[Sequence[int]], rows: Sequence[int], sampling: SamplingConfig
    ) -> None:
        prefill(self.weights, self.ops, state, [prompt[:-1] for prompt in prompts], rows)

    def step(self, state: State, count: int, span: int, sampling: SamplingConfig, eos_E: Tensor) -> None:
        token_step(self.weights, self.ops, state, count, span, sampling, eos_E)

    def counts(self, state: State, index_R: Tensor) -> list[dict[str, int]]:
        return [{} for _ in index_R]


def give_uniforms(state: State, index_R: Tensor, uniforms_RT: Tensor) -> None:
    """One number a token."""
    state.rows.uniforms_BT[index_R, : uniforms_RT.shape[1]] = uniforms_RT
