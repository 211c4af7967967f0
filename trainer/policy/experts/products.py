"""Products of routed experts, grouped: every token times the matrices of the experts that it was sent to.

transformers keeps the experts of a layer as two tensors and lets a function of one's own run them (its experts
interface). Its grouped one multiplies in the dtype of the weights and refuses widths that are no multiple of 16 bytes;
this one follows autocast, so that float32 master weights are multiplied in bfloat16, and takes any width.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from veritune.trainer.policy.experts.fp8 import fp8_products, uses_fp8

NAME = "veritune"
"""The name under which transformers knows our products."""
ALIGNED = 16
"""Bytes that a row has to be a multiple of for torch's grouped product."""


def group_experts(model: Any) -> bool:
    """Let the experts of a transformers model run by :func:`grouped_experts`, in place, where they have the form that
    it computes: gated, without biases, gate and up rows in one tensor. Others stay as transformers runs them.

    Returns whether anything was changed.
    """
    try:
        from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS
    except ImportError:  # a transformers from before it had one tensor for all experts
        return False
    found = [module for module in model.modules() if hasattr(module, "_apply_gate")]
    if not found or not all(map(_has_our_form, found)):
        return False
    ALL_EXPERTS_FUNCTIONS.register(NAME, grouped_experts)
    model.set_experts_implementation(NAME)
    return True


def _has_our_form(experts: Any) -> bool:
    odd = ("is_transposed", "has_bias", "has_post_expert_norm", "_is_expert_parallel")
    needed = ("has_gate", "is_concatenated", "gate_up_proj", "down_proj", "num_experts")
    plain = not any(getattr(experts, name, False) for name in odd)
    return plain and all(getattr(experts, name, None) is not None for name in needed)


def grouped_experts(self: Any, hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor) -> Tensor:
    """Σ_k gate_k · down(act(W_gate x) · W_up x) of the experts in ``top_k_index`` (N, K), for ``hidden_states`` (N, H).

    Rows are sorted by expert, each expert multiplies its own, and the results go back to their tokens: nothing is
    dropped and nothing padded.
    """
    kind = hidden_states.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else self.gate_up_proj.dtype
    count, choices = top_k_index.shape
    with torch.autocast(kind, enabled=False):
        experts_S, order_S = top_k_index.reshape(-1).sort(stable=True)
        back_S = torch.empty_like(order_S)
        back_S[order_S] = torch.arange(len(order_S), device=order_S.device)
        ends_E = group_ends(experts_S, self.num_experts)
        rows_SH = hidden_states.to(dtype)[order_S // choices]
        if uses_fp8(self, rows_SH, dtype):
            out_SH = fp8_products(self, rows_SH, ends_E, dtype)
        else:
            inner_SI = self._apply_gate(grouped_linear(rows_SH, self.gate_up_proj, ends_E, dtype))
            out_SH = grouped_linear(inner_SI, self.down_proj, ends_E, dtype)
        out_NKH = out_SH[back_S].view(count, choices, -1)
        mixed_NH = (out_NKH * top_k_weights.to(dtype)[..., None]).sum(1)
    return mixed_NH.to(hidden_states.dtype)


def group_ends(experts_S: Tensor, experts: int) -> Tensor:
    """(E,) where the rows of each expert end, of rows sorted by expert."""
    counts_E = torch.zeros(experts, dtype=torch.int32, device=experts_S.device)
    counts_E.scatter_add_(0, experts_S, torch.ones_like(experts_S, dtype=torch.int32))
    return counts_E.cumsum(0, dtype=torch.int32)


def grouped_linear(x_SK: Tensor, weight_ENK: Tensor, ends_E: Tensor, dtype: torch.dtype) -> Tensor:
    """(S, N): the rows up to ``ends_E[0]`` times the first matrix transposed, those up to ``ends_E[1]`` times the
    second, and so on. torch's grouped product on a GPU in bfloat16, else one product an expert."""
    weight_ENK = weight_ENK.to(dtype)
    if grouped_on_device(x_SK, weight_ENK):
        return F.grouped_mm(x_SK, weight_ENK.transpose(-2, -1), offs=ends_E)
    return cast(Tensor, cast(Any, _EachExpert.apply)(x_SK, weight_ENK, ends_E))


def grouped_on_device(x_SK: Tensor, weight_ENK: Tensor) -> bool:
    if x_SK.device.type != "cuda" or x_SK.dtype is not torch.bfloat16 or not hasattr(F, "grouped_mm"):
        return False
    widths = x_SK.shape[1], weight_ENK.shape[1]
    fits = all(width * x_SK.element_size() % ALIGNED == 0 for width in widths)
    return fits and len(x_SK) > 0 and torch.cuda.get_device_capability(x_SK.device) >= (8, 0)


class _EachExpert(torch.autograd.Function):
    """One product an expert that has rows; experts without any have a gradient of 0."""

    @staticmethod
    def forward(ctx: Any, x_SK: Tensor, weight_ENK: Tensor, ends_E: Tensor) -> Tensor:
        ctx.save_for_backward(x_SK, weight_ENK)
        ctx.ends = ends_E.tolist()
        out_SN = x_SK.new_empty(len(x_SK), weight_ENK.shape[1])
        for expert, begin, end in _spans(ctx.ends):
            torch.mm(x_SK[begin:end], weight_ENK[expert].t(), out=out_SN[begin:end])
        return out_SN

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x_SK, weight_ENK = ctx.saved_tensors
        out_SN = upstream[0]
        need_x, need_w = ctx.needs_input_grad[:2]
        dx_SK = torch.empty_like(x_SK) if need_x else None
        dw_ENK = torch.zeros_like(weight_ENK) if need_w else None
        for expert, begin, end in _spans(ctx.ends):
            if dx_SK is not None:
                torch.mm(out_SN[begin:end], weight_ENK[expert], out=dx_SK[begin:end])
            if dw_ENK is not None:
                torch.mm(out_SN[begin:end].t(), x_SK[begin:end], out=dw_ENK[expert])
        return dx_SK, dw_ENK, None


def _spans(ends: list[int]) -> list[tuple[int, int, int]]:
    """(expert, begin, end) of those that have rows."""
    begins = [0, *ends[:-1]]
    return [(e, begin, end) for e, (begin, end) in enumerate(zip(begins, ends, strict=True)) if end > begin]
