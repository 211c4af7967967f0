"""A DeepSeek-V3 model's parameters as the sampler reads them: latent attention, its projections absorbed, and experts.

Of multi-head latent attention (arXiv 2412.19437, section 2.1.1) a token's cache is its compressed c_t =
RMSNorm(W^DKV h) and the key k_t^R that all heads share. W^UK is multiplied into the queries and W^UV into what the
heads have read, so that neither keys nor values of the heads are ever made of the cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from veritune.trainer.policy.layers import Weights, linear_bias, linear_weight
from veritune.trainer.policy.sharding import bare, whole


@dataclass
class Experts:
    """Routed experts and those that every token goes to. ``shared`` and ``shared_down`` are one dense MLP."""

    router: Tensor
    bias: Tensor
    gate_up: Tensor
    down: Tensor
    shared_gate_up: Tensor
    shared_down: Tensor
    choices: int
    groups: int
    groups_kept: int
    normed: bool
    scale: float


@dataclass
class LatentLayer:
    """One decoder layer. ``compress`` stacks the rows for the (compressed) query, c_t and the shared key."""

    compress: Tensor
    compress_bias: Tensor | None
    query_norm: Tensor | None
    query_up: Tensor | None
    """None where queries are not compressed."""
    latent_norm: Tensor
    latent_up: Tensor
    """(heads, nope + v, rank): W^UK over W^UV of each head."""
    out: Tensor
    out_bias: Tensor | None
    gate_up: Tensor | None
    down: Tensor | None
    """None where there are experts."""
    experts: Experts | None
    attention_norm: Tensor
    mlp_norm: Tensor


class LatentWeights(Weights):
    """:class:`Weights` of such a model; ``head_dim`` is that of the rotary part."""

    def __post_init__(self) -> None:
        config = bare(self.model).config
        self.rank: int = config.kv_lora_rank
        self.nope: int = config.qk_nope_head_dim
        self.rope: int = config.qk_rope_head_dim
        self.value: int = config.v_head_dim
        self.interleaved = bool(getattr(config, "rope_interleave", True))
        self.exact = torch.promote_types(self.dtype, torch.float32)
        super().__post_init__()
        self.head_dim = self.rope
        first: Any = bare(self.model).get_decoder().layers[0].self_attn
        self.scale = float(first.scaling)
        self.latent_eps = float(first.kv_a_layernorm.variance_epsilon)

    @property
    def width(self) -> int:
        """Numbers of a token in a layer's cache."""
        return self.rank + self.rope

    def _layer(self, layer: Any) -> Any:
        attention, mlp = layer.self_attn, layer.mlp

        def norm(module: Any) -> Tensor:
            return self._take([lambda: whole(module.weight)], self.exact)

        def matrix(*modules: Any) -> Tensor:
            return self._take([linear_weight(m) for m in modules], self.dtype)

        compressed = attention.q_lora_rank is not None
        query = attention.q_a_proj if compressed else attention.q_proj
        latent = attention.kv_a_proj_with_mqa
        up = matrix(attention.kv_b_proj).view(self.heads, self.nope + self.value, self.rank)
        routed = hasattr(mlp, "experts")
        return LatentLayer(
            compress=matrix(query, latent),
            compress_bias=self._bias(query, latent),
            query_norm=norm(attention.q_a_layernorm) if compressed else None,
            query_up=matrix(attention.q_b_proj) if compressed else None,
            latent_norm=norm(attention.kv_a_layernorm),
            latent_up=up,
            out=matrix(attention.o_proj),
            out_bias=self._bias(attention.o_proj),
            gate_up=None if routed else matrix(mlp.gate_proj, mlp.up_proj),
            down=None if routed else matrix(mlp.down_proj),
            experts=self._experts(mlp) if routed else None,
            attention_norm=norm(layer.input_layernorm),
            mlp_norm=norm(layer.post_attention_layernorm),
        )

    def _bias(self, *modules: Any) -> Tensor | None:
        """Rows without a bias beside rows with one have 0 (queries that are not compressed)."""
        found = [linear_bias(module) for module in modules]
        if all(bias is None for bias in found):
            return None
        rows = [module.out_features for module in modules]
        zeros = [partial(torch.zeros, count, device=self.device) for count in rows]
        return self._take([bias or zero for bias, zero in zip(found, zeros, strict=True)], self.dtype)

    def _experts(self, mlp: Any) -> Experts:
        gate, experts, shared = mlp.gate, mlp.experts, mlp.shared_experts
        config = mlp.config
        return Experts(
            router=self._take([lambda: whole(gate.weight)], self.exact),
            bias=self._take([lambda: whole(gate.e_score_correction_bias)], self.exact),
            gate_up=self._take([lambda: whole(experts.gate_up_proj)], self.dtype),
            down=self._take([lambda: whole(experts.down_proj)], self.dtype),
            shared_gate_up=self._take([linear_weight(m) for m in (shared.gate_proj, shared.up_proj)], self.dtype),
            shared_down=self._take([linear_weight(shared.down_proj)], self.dtype),
            choices=config.num_experts_per_tok,
            groups=config.n_group or 1,
            groups_kept=config.topk_group or 1,
            normed=bool(config.norm_topk_prob),
            scale=float(config.routed_scaling_factor),
        )
