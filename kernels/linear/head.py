"""What a language-model head is to these kernels: weight, bias, soft-cap and temperature."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from veritune.kernels.backend import Backend, compute_capability, interpreting, wants_triton

LOG2E = 1.4426950408889634


@dataclass(frozen=True)
class Head:
    """logits = (cap * tanh((h W^T + b) / cap)) / temperature; no cap without `softcap`."""

    weight: torch.Tensor
    bias: torch.Tensor | None
    softcap: float | None
    temperature: float

    @property
    def vocabulary(self) -> int:
        return self.weight.shape[0]

    @property
    def width(self) -> int:
        return self.weight.shape[1]

    @property
    def to_base2(self) -> float:
        """Factor from capped logits to base-2 exponents: log2(e) / temperature."""
        return LOG2E / self.temperature

    def part(self, start: int, stop: int) -> Head:
        """The head of the tokens `start` to `stop`."""
        bias = None if self.bias is None else self.bias[start:stop]
        return Head(self.weight[start:stop], bias, self.softcap, self.temperature)


def check_head(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    targets: torch.Tensor,
    bias: torch.Tensor | None,
    softcap: float | None,
    temperature: float,
) -> None:
    """ValueError unless the shapes fit: hidden `[..., H]`, weight `[V, H]`, targets `[...]`, bias `[V]`."""
    if not temperature > 0:
        raise ValueError(f"temperature={temperature}: expected a number above 0")
    if softcap is not None and not softcap > 0:
        raise ValueError(f"softcap={softcap}: expected a number above 0, or None for no soft-cap")
    if weight.dim() != 2 or hidden.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"weight {tuple(weight.shape)} does not fit hidden {tuple(hidden.shape)}: "
            f"expected [vocabulary, {hidden.shape[-1]}]"
        )
    if targets.dtype.is_floating_point or targets.dtype in (torch.bool, torch.complex64, torch.complex128):
        raise ValueError(f"targets are {targets.dtype}: expected whole numbers, one token a place")
    if hidden.shape[:-1] != targets.shape:
        raise ValueError(
            f"targets {tuple(targets.shape)} do not match hidden {tuple(hidden.shape)} without its last axis"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(
            f"bias {tuple(bias.shape)} does not fit weight {tuple(weight.shape)}: expected [{weight.shape[0]}]"
        )


def compute_dtype(hidden: torch.Tensor) -> torch.dtype:
    """The dtype of the products: autocast's where it is on, else that of `hidden`."""
    kind = hidden.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype


def head_wants_triton(hidden: torch.Tensor, backend: Backend) -> bool:
    """Whether the Triton kernels run: bf16 products on compute capability 9.0 and later, H a multiple of 8."""
    why = ""
    if interpreting():
        why = "" if hidden.dtype is torch.float32 else "the interpreter computes in float32 only"
    elif compute_dtype(hidden) is not torch.bfloat16:
        why = f"hidden states are {hidden.dtype}, the kernels compute in bfloat16"
    elif compute_capability(hidden) < (9, 0):
        why = "it needs a GPU of compute capability 9.0 (Hopper) or later"
    if not why and hidden.shape[-1] % 8:
        why = f"the width {hidden.shape[-1]} is no multiple of 8"
    return wants_triton(hidden, backend, supported=not why, why=why)
