"""Small mixtures of experts, and an independent account of what their layers compute."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tests.trainer.conftest import TINY
from veritune.trainer.config import parse_config
from veritune.trainer.data.tasks import get_task
from veritune.trainer.policy.models import Policy, load_policy

SIZES = {
    "hidden_size": 20,
    "intermediate_size": 28,
    "moe_intermediate_size": 10,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "num_experts_per_tok": 2,
    "max_position_embeddings": 256,
    "attention_bias": False,
}
LATENT = {"q_lora_rank": 12, "kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 6, "v_head_dim": 6}
SHARED = {"first_k_dense_replace": 1, "n_routed_experts": 8, "n_shared_experts": 1, "n_group": 2, "topk_group": 1}
BUILDS: dict[str, dict[str, Any]] = {
    "deepseek_v3": {"model_type": "deepseek_v3", **SIZES, **LATENT, **SHARED},
    "glm4_moe": {"model_type": "glm4_moe", **SIZES, **SHARED, "head_dim": 10},
    "qwen3_moe": {"model_type": "qwen3_moe", **SIZES, "num_experts": 8, "head_dim": 10, "norm_topk_prob": True},
}


def policy_of(kind: str, **model: Any) -> Policy:
    """A random policy of that kind with the arithmetic task's vocabulary; its routers are sure of themselves, and their
    biases not 0."""
    torch.manual_seed(0)
    values = {
        "model": {"build": BUILDS.get(kind, TINY), **model},
        "data": {"task": "arithmetic"},
        "rewards": {"accuracy": {}},
    }
    made = load_policy(parse_config(values), get_task("arithmetic", {"terms": 3}))
    with torch.no_grad():
        for name, value in [*made.model.named_parameters(), *made.model.named_buffers()]:
            if name.endswith("e_score_correction_bias"):
                value.normal_(std=0.05)
            elif value.dim() > 1 and "inv_freq" not in name:
                value.normal_(std=0.3)
    return made


def blocks(model: Any) -> list[Any]:
    """The layers of experts."""
    return [layer.mlp for layer in model.model.layers if hasattr(layer.mlp, "experts")]


def mixture(block: Any, states_NH: Tensor, choice_NK: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """(N, H) what a layer of experts gives, and (N, K) which it chose, token by token and expert by expert, from the
    equations (12–16 of arXiv 2412.19437; softmax, no bias and no groups for Qwen3)."""
    gate, experts, config = block.gate, block.experts, block.gate
    sigmoid = hasattr(gate, "e_score_correction_bias")
    rows, choices = [], []
    for number, state in enumerate(states_NH):
        affinity = gate.weight.to(state.dtype) @ state
        scores = 1 / (1 + torch.exp(-affinity)) if sigmoid else torch.softmax(affinity, 0)
        if choice_NK is None:
            biased = scores + gate.e_score_correction_bias.to(state.dtype) if sigmoid else scores
            allowed = biased
            if sigmoid and config.num_group > 1:
                groups = biased.view(config.num_group, -1)
                strength = groups.sort(descending=True).values[:, :2].sum(1)
                best = strength.argsort(descending=True)[: config.topk_group].tolist()
                outside = [g for g in range(config.num_group) if g not in best]
                allowed = groups.clone()
                allowed[outside] = -1e9
                allowed = allowed.flatten()
            chosen = allowed.argsort(descending=True)[: gate.top_k].tolist()
        else:
            chosen = choice_NK[number].tolist()
        total = sum(scores[e] for e in chosen) if gate.norm_topk_prob else 1.0
        out = torch.zeros_like(state)
        for e in chosen:
            share = scores[e] / total * getattr(gate, "routed_scaling_factor", 1.0)
            out = out + share * one_expert(experts.gate_up_proj[e], experts.down_proj[e], state)
        if hasattr(block, "shared_experts"):
            shared = block.shared_experts
            both = torch.cat([shared.gate_proj.weight, shared.up_proj.weight])
            out = out + one_expert(both, shared.down_proj.weight, state)
        rows.append(out)
        choices.append(torch.tensor(chosen))
    return torch.stack(rows), torch.stack(choices)


def one_expert(gate_up: Tensor, down: Tensor, state: Tensor) -> Tensor:
    gate, up = (gate_up.to(state.dtype) @ state).chunk(2)
    return down.to(state.dtype) @ (gate / (1 + torch.exp(-gate)) * up)
