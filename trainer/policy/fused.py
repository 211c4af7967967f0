"""Norms and gated MLPs of Llama-like models with fewer kernels and fewer kept activations, for training on a GPU.

transformers' RMSNorm is seven operations that keep three float32 tensors, and under autocast every projection casts
its output anew; here it is one operation that keeps its input, cast once. The gate keeps its two inputs and computes
silu(gate) again in the backward. Both give the numbers that transformers gives, to rounding.
"""

from __future__ import annotations

from types import MethodType
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from veritune.trainer.policy.layers import FAMILIES
from veritune.trainer.policy.sharding import bare


def fuse_layers(model: Any) -> int:
    """Replace the forward of norms and MLPs, in place; returns of how many layers. 0 for other architectures."""
    model = bare(model)
    config: Any = getattr(model, "config", None)
    if getattr(config, "model_type", None) not in FAMILIES or getattr(config, "hidden_act", "silu") != "silu":
        return 0
    decoder = model.get_decoder()
    for layer in decoder.layers:
        for norm in (layer.input_layernorm, layer.post_attention_layernorm):
            norm.forward = MethodType(_norm, norm)
        layer.mlp.forward = MethodType(_mlp, layer.mlp)
    decoder.norm.forward = MethodType(_norm, decoder.norm)
    return len(decoder.layers)


def _norm(self: Any, hidden_states: Tensor) -> Tensor:
    """RMS norm in float32; the result in the dtype that the next product will run in."""
    kind = hidden_states.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden_states.dtype
    weight = self.weight.float()
    return F.rms_norm(hidden_states.float(), weight.shape, weight, self.variance_epsilon).to(dtype)


def _mlp(self: Any, x: Tensor) -> Tensor:
    gated = cast(Any, _GatedSilu.apply)(self.gate_proj(x), self.up_proj(x))
    return cast(Tensor, self.down_proj(gated))


class _GatedSilu(torch.autograd.Function):
    """silu(gate) · up; keeps gate and up alone."""

    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor) -> Tensor:
        ctx.save_for_backward(gate, up)
        return F.silu(gate) * up

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, Tensor]:
        gate, up = ctx.saved_tensors
        slope = torch.ops.aten.silu_backward(upstream[0] * up, gate)
        return slope, upstream[0] * F.silu(gate)
