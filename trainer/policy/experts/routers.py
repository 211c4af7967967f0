"""Which modules of a model are routers of experts, and what they compute."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

Scoring = Literal["sigmoid", "softmax"]
BIAS = "e_score_correction_bias"
"""The buffer that DeepSeek-V3 and its kin add to the scores when they choose, and not to the gates."""


def in_bfloat16(model: Any) -> Any:
    """The model in bfloat16, in place. In float32 stay its routers' biases, where a step of 0.001 would soon change
    nothing, and what no file holds: rotary frequencies, which transformers loads no other way either. Rounded they turn
    the 500th position somewhere else."""
    saved = model.state_dict().keys()
    kept = {n: b.clone() for n, b in model.named_buffers() if n.endswith(f".{BIAS}") or n not in saved}
    model.to(torch.bfloat16)
    for name, buffer in kept.items():
        owner, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(owner), attribute, buffer.float() if attribute == BIAS else buffer)
    return model


def find_routers(model: Any) -> list[Any]:
    """The routers, in the order of the layers: modules without children that turn states into (logits, gates,
    indices), tried on a few random states."""
    return [module for module in model.modules() if _looks_like_a_router(module) and scoring_of(module) is not None]


def _looks_like_a_router(module: Any) -> bool:
    weight = getattr(module, "weight", None)
    named = hasattr(module, "top_k") and hasattr(module, "num_experts")
    return named and isinstance(weight, Tensor) and weight.dim() == 2 and len(weight) == module.num_experts


@torch.no_grad()
def scoring_of(router: Any) -> Scoring | None:
    """How the router scores, by what it gives on random states; None where it is neither way that we know."""
    weight = router.weight
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(8, weight.shape[1], generator=generator).to(weight.device, weight.dtype)
    try:
        logits, gates, indices = type(router).forward(router, states)
    except (RuntimeError, TypeError, ValueError, ArithmeticError):
        return None
    if logits.shape != (8, router.num_experts) or gates.shape != indices.shape or gates.shape != (8, router.top_k):
        return None
    kinds: tuple[Scoring, ...] = ("sigmoid", "softmax")
    for kind in kinds:
        if torch.allclose(gates_of(router, kind, logits, indices).float(), gates.float(), rtol=2e-2, atol=1e-5):
            return kind
    return None


def scores_of(scoring: Scoring, logits_NE: Tensor) -> Tensor:
    """(N, E) s, in float32."""
    return logits_NE.float().sigmoid() if scoring == "sigmoid" else logits_NE.float().softmax(-1)


def gates_of(router: Any, scoring: Scoring, logits_NE: Tensor, indices_NK: Tensor) -> Tensor:
    """(N, K) the gates of these experts: their scores, normalised and scaled as the router does it."""
    gates_NK = scores_of(scoring, logits_NE).gather(1, indices_NK)
    if getattr(router, "norm_topk_prob", True):
        gates_NK = gates_NK / (gates_NK.sum(-1, keepdim=True) + 1e-20)
    return gates_NK * getattr(router, "routed_scaling_factor", 1.0)
