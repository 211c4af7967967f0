"""Llama-like models with fewer operations and fewer kept activations, for training.

:func:`fuse_layers` replaces forward methods in place; whatever they compute they compute to transformers' numbers, to
rounding. A pass over whole rows (no cache) of a model whose products are plain linear layers runs
:mod:`veritune.trainer.policy.blocks`. Anything else (adapters, FP8, sharded parameters, drawing with a cache) runs
transformers' layers, of which norms and gated MLPs are then lighter: a norm is one operation that keeps its input in
place of seven that keep three float32 tensors, and the gate computes silu(gate) again in the backward.
"""

from __future__ import annotations

from functools import partial
from types import MethodType
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint

from veritune.trainer.policy import block_ops
from veritune.trainer.policy.attention import Segments, takes_segments
from veritune.trainer.policy.block_heads import Heads
from veritune.trainer.policy.blocks import Block, Plan, trainable
from veritune.trainer.policy.layers import FAMILIES
from veritune.trainer.policy.sharding import bare, is_sharded

BLOCKS = "_veritune_blocks"
"""Where a decoder keeps its layers' products."""

WITHOUT_PLANS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
"""Attention that is ready at once. cuDNN's makes a plan for every new shape, which takes a good part of a second, and
nearly every micro-batch has a shape of its own."""


def fuse_layers(model: Any) -> int:
    """Replace the forward of decoder, norms and MLPs, in place; returns of how many layers. 0 for other
    architectures."""
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
    decoder.forward = MethodType(_decoder, decoder)
    return len(decoder.layers)


def takes_rows_unpadded(model: Any, device: torch.device) -> bool:
    """Whether a forward pass over this model may be given :class:`Segments`; asked under the pass's autocast."""
    model = bare(model)
    if is_sharded(model) or not hasattr(model, "get_decoder"):
        return False
    decoder = model.get_decoder()
    if not runs_blocks(decoder):
        return False
    return takes_segments(device, _compute_dtype(decoder, device), _head_width(decoder.config))


def _decoder(
    self: Any,
    input_ids: Tensor | None = None,
    attention_mask: Any = None,
    position_ids: Tensor | None = None,
    past_key_values: Any = None,
    inputs_embeds: Tensor | None = None,
    use_cache: bool | None = None,
    segments: Segments | None = None,
    **more: Any,
) -> Any:
    ours = use_cache is False and past_key_values is None and input_ids is not None and not any(more.values())
    ours = ours and (attention_mask is None or (attention_mask.dim() == 4 and attention_mask.dtype is torch.bool))
    if not (ours and runs_blocks(self)):
        assert segments is None
        return type(self).forward(
            self,
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            **more,
        )
    from transformers.modeling_outputs import BaseModelOutputWithPast

    x_BLH = self.embed_tokens(input_ids)
    plan = _plan(self, x_BLH, position_ids, attention_mask, segments)
    x_TH = x_BLH.flatten(0, 1)
    with torch.autocast(x_TH.device.type, enabled=False), sdpa_kernel(WITHOUT_PLANS):
        for block in _blocks(self):
            kept = block.layer.gradient_checkpointing and self.training and torch.is_grad_enabled()
            x_TH = checkpoint(partial(block, plan=plan), x_TH, use_reentrant=False) if kept else block(x_TH, plan)
        x_TH = cast(Any, _Norm).apply(x_TH, self.norm.weight, self.norm.variance_epsilon, plan.dtype)
    return BaseModelOutputWithPast(last_hidden_state=x_TH.view(x_BLH.shape))


def runs_blocks(decoder: Any) -> bool:
    """Whether a pass without a cache over this decoder runs our blocks."""
    if getattr(decoder.forward, "__func__", None) is not _decoder or is_sharded(decoder):
        return False
    config = decoder.config
    if getattr(config, "_attn_implementation", None) not in ("sdpa", None):
        return False
    windows = any(kind != "full_attention" for kind in getattr(config, "layer_types", None) or [])
    windowed = config.model_type == "mistral" and getattr(config, "sliding_window", None)
    return not windows and not windowed and all(trainable(layer) for layer in decoder.layers)


def _blocks(decoder: Any) -> list[Block]:
    """The layers' products; made once, and again where a module was put in another's place."""
    found: list[Block] | None = decoder.__dict__.get(BLOCKS)
    if found is None or [b.layer for b in found] != list(decoder.layers) or not all(b.current() for b in found):
        found = decoder.__dict__[BLOCKS] = [Block(layer) for layer in decoder.layers]
    return found


def _plan(decoder: Any, x_BLH: Tensor, position_ids: Tensor | None, mask: Tensor | None, segments: Any) -> Plan:
    rows, length = x_BLH.shape[:2]
    config, device = decoder.config, x_BLH.device
    if position_ids is None:
        position_ids = torch.arange(length, device=device)[None]
    cos, sin = decoder.rotary_emb(torch.zeros(1, device=device), position_ids)
    width = _head_width(config)
    cos_Th, sin_Th = (x[..., : width // 2].expand(rows, -1, -1).flatten(0, 1).contiguous() for x in (cos, sin))
    heads = Heads(config.num_attention_heads, config.num_key_value_heads, width)
    dtype = _compute_dtype(decoder, device)
    return Plan(dtype, cos_Th, sin_Th, heads, width**-0.5, (rows, length), segments, mask)


def _head_width(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _compute_dtype(decoder: Any, device: torch.device) -> torch.dtype:
    kind = device.type
    if torch.is_autocast_enabled(kind):
        return torch.get_autocast_dtype(kind)
    return cast(torch.dtype, decoder.layers[0].mlp.down_proj.weight.dtype)


class _Norm(torch.autograd.Function):
    """The last norm; keeps its input."""

    @staticmethod
    def forward(ctx: Any, x_TH: Tensor, weight_H: Tensor, eps: float, dtype: torch.dtype) -> Tensor:
        out_TH, scale_T1 = block_ops.norm(x_TH, weight_H, eps, dtype)
        ctx.save_for_backward(x_TH, weight_H, scale_T1)
        return out_TH

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Any:
        x_TH, weight_H, scale_T1 = ctx.saved_tensors
        found_TH, _, found_H = block_ops.norm_backward(upstream[0], x_TH, weight_H, scale_T1, None, x_TH.dtype)
        return found_TH, found_H.to(weight_H.dtype), None, None


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
