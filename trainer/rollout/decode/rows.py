"""The completions being decoded: their caches and what each has so far, in tensors of fixed addresses.

Suffixes: B rows, T completion tokens, L cache positions, K key-value heads, D a head's width. A row's tokens stand at
positions 0, 1, … of its cache whatever the other rows hold: nothing is padded on the left, and nothing needs a mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from veritune.trainer.policy.layers import Weights


@dataclass
class Rows:
    """State of B rows. ``positions_B`` is where in the cache ``tokens_B``, the last token, will stand."""

    tokens_B: Tensor
    positions_B: Tensor
    steps_B: Tensor
    """Tokens drawn so far."""
    limits_B: Tensor
    """Tokens to draw at most."""
    alive_B: Tensor
    out_BT: Tensor
    """The tokens drawn, and their log-probs."""
    logps_BT: Tensor
    uniforms_BT: Tensor
    """The random numbers in [0, 1) that choose a row's tokens: one a step, the row's own, whatever its neighbours."""

    @classmethod
    def empty(cls, count: int, tokens: int, device: torch.device) -> Rows:
        def integers() -> Tensor:
            return torch.zeros(count, dtype=torch.long, device=device)

        return cls(
            integers(),
            integers(),
            integers(),
            integers(),
            torch.zeros(count, dtype=torch.bool, device=device),
            torch.zeros(count, tokens, dtype=torch.long, device=device),
            torch.zeros(count, tokens, device=device),
            torch.zeros(count, tokens, dtype=torch.float64, device=device),
        )

    def first(self, count: int) -> Rows:
        """Views of the first rows."""
        return self.part(0, count)

    def part(self, begin: int, end: int) -> Rows:
        """Views of rows ``begin`` … ``end``."""
        return type(self)(*(tensor[begin:end] for tensor in self.tensors()))

    def tensors(self) -> list[Tensor]:
        return [getattr(self, f.name) for f in fields(self)]


@dataclass
class State:
    """Rows and their caches: ``cache`` is (layers, 2, B, K, L, D)."""

    rows: Rows
    cache: Tensor

    @classmethod
    def empty(cls, weights: Weights, count: int, length: int, tokens: int) -> State:
        shape = (len(weights.layers), 2, count, weights.kv_heads, length, weights.head_dim)
        cache = torch.zeros(shape, dtype=weights.dtype, device=weights.device)  # zeros: 0 times garbage may be NaN
        return cls(Rows.empty(count, tokens, weights.device), cache)

    @property
    def count(self) -> int:
        return self.cache.shape[2]

    @property
    def length(self) -> int:
        return self.cache.shape[4]

    @property
    def tokens(self) -> int:
        return self.rows.out_BT.shape[1]

    @property
    def bytes(self) -> int:
        return self.cache.numel() * self.cache.element_size()

    def move(self, sources: Sequence[int], targets: Sequence[int], span: int) -> None:
        """Copy rows over others, the first ``span`` cache positions of them; the sources are no longer alive."""
        source, target = (torch.tensor(rows, device=self.cache.device) for rows in (sources, targets))
        for tensor in self.rows.tensors():
            tensor[target] = tensor[source]
        self.rows.alive_B[source] = False
        for layer_2BKLD in self.cache:
            layer_2BKLD[:, target, :, :span] = layer_2BKLD[:, source, :, :span]


def row_bytes(weights: Weights, length: int) -> int:
    """Cache bytes of one row."""
    return len(weights.layers) * 2 * weights.kv_heads * length * weights.head_dim * weights.dtype.itemsize
