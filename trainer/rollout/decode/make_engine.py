"""Which engine advances the static sampler's rows, by the model and by whether it drafts."""

from __future__ import annotations

from typing import Any

import torch

from veritune.trainer.policy.latent_layers import LatentWeights
from veritune.trainer.policy.layers import LATENT, Weights
from veritune.trainer.policy.sharding import bare
from veritune.trainer.rollout.decode.engines import Engine, PlainEngine
from veritune.trainer.rollout.decode.latent import LatentEngine
from veritune.trainer.rollout.decode.latent_speculative import LatentSpeculativeEngine
from veritune.trainer.rollout.decode.ops import Ops
from veritune.trainer.rollout.decode.speculative import SpeculativeEngine


def make_engine(model: Any, dtype: torch.dtype, ops: Ops, speculative: bool) -> Engine:
    """Of a model that the static sampler can run."""
    if bare(model).config.model_type in LATENT:
        latent = LatentWeights(model, dtype, drafts=speculative)
        return LatentSpeculativeEngine(latent, ops) if speculative else LatentEngine(latent, ops)
    if speculative:
        return SpeculativeEngine(Weights(model, dtype, drafts=True), ops)
    return PlainEngine(Weights(model, dtype), ops)
