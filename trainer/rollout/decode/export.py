"""The policy's weights for an engine that keeps its own copy: names, values, and whether they have changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from veritune.trainer.policy.experts.routers import BIAS
from veritune.trainer.policy.layers import linear_weight
from veritune.trainer.policy.mtp import is_mtp
from veritune.trainer.policy.quantized import full_weight
from veritune.trainer.policy.sharding import bare, is_sharded, whole

GATED = ("gate_proj", "up_proj")
"""What an expert's first matrix is made of."""


@torch.no_grad()
def policy_weights(model: Any) -> Iterator[tuple[str, Tensor]]:
    """Every parameter once, under the name it has in a model without adapters, with adapters added in; and the biases
    of routers, which training moves too.

    Of a sharded model whole tensors, one after the other: a meeting, which every process must go through to the end.
    """
    base = bare(model)
    if is_sharded(model):
        base.reshard()  # a forward without backward leaves a copy behind that optimizers do not see
    modules = dict(base.named_modules())
    for name, parameter in base.named_parameters():
        owner, _, own = name.rpartition(".")
        if is_mtp(name) or ".lora_" in name or owner.endswith(".original_module"):
            continue  # modules that are apart, the adapter's own, and what is trained whole beside it in its place
        owner = owner.replace(".modules_to_save.default", "")
        if owner.endswith(".base_layer"):
            layer = owner.removesuffix(".base_layer")
            value = linear_weight(modules[layer])() if own == "weight" else whole(parameter)
            yield f"{layer}.{own}", value.detach()
        elif parameter.is_floating_point():
            yield f"{owner}.{own}" if owner else own, whole(parameter)
        else:
            yield name, full_weight(modules[owner])
    yield from _biases(base)


def _biases(base: Any) -> list[tuple[str, Tensor]]:
    return [
        (name, value.detach()) for name, value in base.named_buffers() if name.endswith(f".{BIAS}") and not is_mtp(name)
    ]


def published(weights: Iterable[tuple[str, Tensor]]) -> Iterator[tuple[str, Tensor]]:
    """The same under the names that checkpoints on the hub have: experts, which transformers holds as one tensor a
    layer, each by itself, as engines read them."""
    for name, value in weights:
        layer, _, own = name.rpartition(".experts.")
        if not layer or own not in ("gate_up_proj", "down_proj"):
            yield name, value
            continue
        for number, matrix in enumerate(value):
            parts = {"down_proj": matrix} if own == "down_proj" else dict(zip(GATED, matrix.chunk(2), strict=True))
            for projection, part in parts.items():
                yield f"{layer}.experts.{number}.{projection}.weight", part


def gathered_weights(model: Any, dtype: torch.dtype, keep: bool = True, copy: bool = False) -> dict[str, Tensor]:
    """Name → weight on the CPU, in ``dtype``; empty where not to ``keep``. A meeting for a sharded model. With ``copy``
    none of them is the model's own, which training changes in place."""
    if not keep and not is_sharded(model):
        return {}
    state: dict[str, Tensor] = {}
    for name, value in policy_weights(model):
        if keep:
            kept = torch.float32 if name.endswith(f".{BIAS}") else dtype
            state[name] = value.to("cpu", kept, copy=copy).contiguous()
    return state


def save_weights(model: Any, state: dict[str, Tensor], folder: Path) -> None:
    """A checkpoint of transformers with these weights. Raises OSError."""
    bare(model).save_pretrained(folder, state_dict=state)


@torch.no_grad()
def fingerprint(model: Any) -> list[int]:
    """Two sums of the bits of each parameter (of this process's part of it) and router's bias: equal where nothing has
    changed.

    Rows and columns are weighted by their place, so that neither a step of a single bit nor a swap goes unseen.
    """
    tensors = [*bare(model).parameters(), *(value for _, value in _biases(bare(model)))]
    sums = [_bits(getattr(t, "to_local", t.detach)().detach()) for t in tensors if t.numel()]
    return [int(value) for pair in sums for value in pair.tolist()]


def _bits(tensor: Tensor) -> Tensor:
    kinds = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    if not tensor.numel():
        return torch.zeros(2, dtype=torch.int64)
    bits_RC = tensor.reshape(tensor.shape[0] if tensor.dim() else 1, -1).contiguous().view(kinds[tensor.element_size()])
    totals = []
    for dim in (0, 1):
        values_N = bits_RC.sum(dim, dtype=torch.int64)
        totals.append((values_N * (2 * torch.arange(len(values_N), device=tensor.device) + 1)).sum())
    return torch.stack(totals).cpu()
