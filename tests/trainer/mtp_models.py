"""Tiny models with modules for multi-token prediction, and the same arithmetic written out in float64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from veritune.trainer.config import MTPConfig
from veritune.trainer.policy.mtp import attach_mtp

SIZES: dict[str, Any] = {
    "vocab_size": 23,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": 1,
}
LATENT: dict[str, Any] = {
    "num_key_value_heads": 4,
    "moe_intermediate_size": 8,
    "n_routed_experts": 8,
    "n_group": 2,
    "topk_group": 1,
    "num_experts_per_tok": 2,
    "n_shared_experts": 1,
    "kv_lora_rank": 8,
    "q_lora_rank": 12,
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 6,
    "v_head_dim": 6,
    "first_k_dense_replace": 1,
}
KINDS: dict[str, dict[str, Any]] = {
    "llama": {"num_key_value_heads": 4},
    "qwen2": {"tie_word_embeddings": True},
    "qwen3": {"head_dim": 8, "tie_word_embeddings": True},
    "deepseek_v3": LATENT,
}


def make_model(kind: str, mtp: MTPConfig | None = None, dtype: torch.dtype = torch.float64, **changes: Any) -> Any:
    """With spread-out weights, norms too."""
    from transformers import AutoModelForCausalLM
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    torch.manual_seed(0)
    config = CONFIG_MAPPING[kind](**{**SIZES, **KINDS[kind], **changes})
    model = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa").to(dtype)
    if mtp is not None:
        attach_mtp(model, mtp)
    for parameter in model.parameters():
        parameter.data += 0.15 * torch.randn_like(parameter)
    return model


def norm(x: Tensor, weight: Tensor, eps: float = 1e-6) -> Tensor:
    return x / (x.pow(2).mean(-1, keepdim=True) + eps).sqrt() * weight


def by_hand(model: Any, sequence: Sequence[int], states_TH: Tensor, depth: int) -> list[Tensor]:
    """log P^k of every token of one sequence, (T, V) a module (eqs 21 to 23), from the weights alone.

    Row i of module k predicts token i + k + 1; a block is written out here for Llama-like models.
    """
    weights = dict(model.named_parameters())
    embedding = weights["model.embed_tokens.weight"]
    head: Any = weights.get("lm_head.weight", embedding)
    found, tokens = [], torch.tensor(list(sequence))
    for k in range(1, min(depth, len(tokens) - 1) + 1):
        own = {n.removeprefix(f"mtp.layers.{k - 1}."): p for n, p in weights.items() if f"mtp.layers.{k - 1}." in n}
        states_TH = states_TH[: len(tokens) - k]  # state i and token i + k
        both = [norm(embedding[tokens[k:]], own["enorm.weight"]), norm(states_TH, own["hnorm.weight"])]
        states_TH = _block(model, own, torch.cat(both, -1) @ own["eh_proj.weight"].T)
        states_TH = norm(states_TH, own["norm.weight"])
        found.append(torch.log_softmax(states_TH @ head.T, -1))
    return found


def _block(model: Any, own: dict[str, Tensor], x_TH: Tensor) -> Tensor:
    config = model.config
    heads, groups = config.num_attention_heads, config.num_key_value_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    length = len(x_TH)

    def project(name: str, inputs: Tensor) -> Tensor:
        weight, bias = own[f"block.{name}.weight"], own.get(f"block.{name}.bias")
        return inputs @ weight.T if bias is None else inputs @ weight.T + bias

    hidden = norm(x_TH, own["block.input_layernorm.weight"])
    q, k, v = (project(f"self_attn.{name}_proj", hidden).view(length, -1, width) for name in "qkv")
    if "block.self_attn.q_norm.weight" in own:
        q, k = norm(q, own["block.self_attn.q_norm.weight"]), norm(k, own["block.self_attn.k_norm.weight"])
    angle = torch.arange(length, dtype=x_TH.dtype)[:, None] * 10_000.0 ** (
        -torch.arange(0, width, 2, dtype=x_TH.dtype) / width
    )
    turn = torch.polar(torch.ones_like(angle), angle)[:, None]

    def rotate(x: Tensor) -> Tensor:
        turned = torch.complex(x[..., : width // 2], x[..., width // 2 :]) * turn
        return torch.cat([turned.real, turned.imag], -1)

    q, k = rotate(q), rotate(k).repeat_interleave(heads // groups, 1)
    v = v.repeat_interleave(heads // groups, 1)
    scores = torch.einsum("ihd,jhd->hij", q, k) / width**0.5
    later = torch.ones(length, length, dtype=torch.bool).triu(1)
    mixed = torch.einsum("hij,jhd->ihd", scores.masked_fill(later, -torch.inf).softmax(-1), v)
    x_TH = x_TH + project("self_attn.o_proj", mixed.reshape(length, -1))
    hidden = norm(x_TH, own["block.post_attention_layernorm.weight"])
    gate = project("mlp.gate_proj", hidden)
    return x_TH + project("mlp.down_proj", gate * gate.sigmoid() * project("mlp.up_proj", hidden))
