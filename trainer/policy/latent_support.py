"""Which models with latent attention can be decoded with a latent cache."""

from __future__ import annotations

from typing import Any

from torch import nn


def unsupported_latent(decoder: Any) -> str | None:
    """Why a model of these families cannot be decoded with a latent cache, None where it can."""
    for layer in decoder.layers:
        attention, mlp = layer.self_attn, layer.mlp
        if not hasattr(attention, "kv_b_proj") or not hasattr(attention, "scaling"):
            return "its attention is not the latent one of transformers"
        if hasattr(mlp, "experts"):
            experts = mlp.experts
            if not isinstance(getattr(experts, "gate_up_proj", None), nn.Parameter):
                return "its experts are not held in two tensors"
        for name, module in layer.named_modules():
            if name.endswith("_proj") and not isinstance(getattr(module, "base_layer", module), nn.Linear):
                return f"{name} is a {type(module).__name__}, not a linear layer"
    return None
