"""`convert_to_fp8`: a model's linear layers in FP8, the delicate ones left alone."""

from __future__ import annotations

import fnmatch
import logging
from collections.abc import Sequence
from typing import TypeVar

from torch import nn

from veritune.kernels.fp8.blocks import BLOCK
from veritune.kernels.fp8.linear import FP8Linear, FP8Recipe

Model = TypeVar("Model", bound=nn.Module)
logger = logging.getLogger(__name__)

# What DeepSeek-V3 keeps in high precision besides norms and attention products, which are no linear layers: the
# embedding, the output head and the gates of its experts. A SwiGLU's gate_proj is a projection, not a gate.
SKIP = (
    "*lm_head*", "*embed*", "*output_head*", "*classifier*", "*score", "*value_head*", "*v_head*",
    "*.gate", "gate", "*router*", "*shared_expert_gate", "*norm*",
)  # fmt: skip


def convert_to_fp8(model: Model, skip: Sequence[str] = (), *, recipe: FP8Recipe | None = None) -> Model:
    """Replaces the linear layers of `model` by `FP8Linear`, in place, sharing their parameters; returns `model`.

    Left in high precision: layers whose qualified name, or its last part, matches a pattern of `SKIP` or of `skip`
    (shell patterns such as `model.layers.0.*`; a plain name matches that module and all below it), layers whose weight
    is shared with another module (a tied head), layers whose width is no multiple of 128, and subclasses of nn.Linear.
    The log tells how many were converted, and why each of the others was not.

    Raises:
        ValueError: a pattern of `skip` matches no module: a misspelt name must not silently quantise what it meant.
    """
    names = [name for name, _ in model.named_modules() if name]
    for pattern in skip:
        if not any(_matches(name, pattern) for name in names):
            raise ValueError(
                f"skip={pattern!r} matches no module of {type(model).__name__}; it has {', '.join(names[:12])}"
            )
    owners: dict[int, int] = {}
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            owners[id(parameter)] = owners.get(id(parameter), 0) + 1
    converted = 0
    for name, module in list(model.named_modules()):
        if not isinstance(module, nn.Linear) or isinstance(module, FP8Linear) or not name:
            continue
        reason = _reason(name, module, (*SKIP, *skip), owners)
        if reason:
            logger.info("convert_to_fp8 leaves %s in high precision: %s", name, reason)
            continue
        parent, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(parent), leaf, FP8Linear.from_linear(module, recipe))
        converted += 1
    logger.info("convert_to_fp8: %d linear layers of %s run in FP8", converted, type(model).__name__)
    return model


def _reason(name: str, layer: nn.Linear, patterns: Sequence[str], owners: dict[int, int]) -> str | None:
    """Why the layer stays as it is, None if it need not."""
    for pattern in patterns:
        if _matches(name, pattern):
            return f"its name matches {pattern}"
    if type(layer) is not nn.Linear:
        return f"it is a {type(layer).__name__}, whose forward may do more"
    if owners[id(layer.weight)] > 1:
        return "its weight is shared"
    if layer.in_features % BLOCK or layer.out_features % BLOCK:
        return f"{layer.in_features} -> {layer.out_features} is no multiple of {BLOCK}"
    return None


def _matches(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern) or name.startswith(f"{pattern}.")
