"""The products of routed experts in FP8; their weights stay what they are."""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch import Tensor

from veritune.kernels.fp8.blocks import BLOCK
from veritune.kernels.fp8.grouped import fp8_grouped_linear, make_groups, pays
from veritune.kernels.fp8.linear import FP8Recipe

RECIPE = "veritune_fp8"
"""The name of a layer's recipe."""
logger = logging.getLogger(__name__)


def experts_to_fp8(model: Any, recipe: FP8Recipe) -> int:
    """Let the experts that :func:`group_experts` took run in FP8, in place, where widths are multiples of 128; returns
    of how many layers, and the log tells why not of the others."""
    count = 0
    for name, experts in model.named_modules():
        if not hasattr(experts, "_apply_gate") or not isinstance(getattr(experts, "gate_up_proj", None), Tensor):
            continue
        _, inner, width = experts.gate_up_proj.shape
        if width % BLOCK or (inner // 2) % BLOCK:
            logger.info("%s stays in high precision: %d -> %d is no multiple of %d", name, width, inner // 2, BLOCK)
            continue
        setattr(experts, RECIPE, recipe)
        count += 1
    return count


def uses_fp8(experts: Any, rows_SH: Tensor, dtype: torch.dtype) -> bool:
    """Whether this layer runs these rows in FP8: ``auto`` where it is faster than bfloat16."""
    recipe: FP8Recipe | None = getattr(experts, RECIPE, None)
    if recipe is None or recipe.use == "never" or not len(rows_SH):
        return False
    if recipe.use == "always":
        return True
    count, inner, width = experts.gate_up_proj.shape
    enough = dtype is torch.bfloat16 and rows_SH.is_cuda
    return enough and pays(count, width, inner // 2, len(rows_SH), experts.gate_up_proj.dtype, rows_SH)


def fp8_products(experts: Any, rows_SH: Tensor, ends_E: Tensor, dtype: torch.dtype) -> Tensor:
    """(S, H) what the experts make of rows that are sorted by expert."""
    recipe: FP8Recipe = getattr(experts, RECIPE)
    options: dict[str, Any] = {"pow2_scales": recipe.pow2_scales, "backend": recipe.backend}
    groups = make_groups(ends_E, len(rows_SH))
    both_PI = fp8_grouped_linear(groups.pad(rows_SH), experts.gate_up_proj, groups, dtype, **options)
    out_PH = fp8_grouped_linear(experts._apply_gate(both_PI), experts.down_proj, groups, dtype, **options)
    return groups.unpad(out_PH)
