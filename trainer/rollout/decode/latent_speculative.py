"""Speculative decoding of models with a latent cache: the steps are those of any other model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from veritune.trainer.policy.latent_layers import LatentWeights
from veritune.trainer.rollout.decode.latent import empty_cache, latent_block, latent_prefill_layer
from veritune.trainer.rollout.decode.ops import Ops
from veritune.trainer.rollout.decode.rows import Rows
from veritune.trainer.rollout.decode.speculative import SpeculativeEngine


class LatentSpeculativeEngine(SpeculativeEngine):
    """:class:`SpeculativeEngine`, with the layers of :mod:`veritune.trainer.rollout.decode.latent`."""

    weights: LatentWeights
    _prefill_layer = staticmethod(latent_prefill_layer)

    def __init__(self, weights: LatentWeights, ops: Ops) -> None:
        super().__init__(weights, ops)

    def row_bytes(self, length: int) -> int:
        layers = len(self.weights.layers) + 1
        return layers * length * self.weights.width * self.weights.dtype.itemsize + 4 * len(self.weights.head)

    def _cache(self, count: int, length: int) -> Tensor:
        return empty_cache(self.weights, len(self.weights.layers) + 1, count, length)

    def _block(
        self,
        layer: Any,
        cache_2BKLD: Tensor,
        residual_NH: Tensor,
        delta_NH: Tensor | None,
        both: Sequence[Rows],
        span: int,
    ) -> Tensor:
        return latent_block(self.weights, self.ops, layer, cache_2BKLD, residual_NH, delta_NH, both, span)
