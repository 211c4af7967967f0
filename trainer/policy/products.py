"""Linear layers that read the same input as one matrix: in the dtype of the products, cast once an optimizer step.

Where the parameters have that dtype already they become views of the one matrix, so that nothing is copied. Gradients
are added to ``.grad`` in place, in the parameters' dtype: float32 gradients of bfloat16 products are never rounded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook

_steps = 0


def _count(*_: Any) -> None:
    """Fused optimizers change parameters without telling their version counters."""
    global _steps
    _steps += 1


register_optimizer_step_post_hook(_count)


class Product:
    """x ↦ x · [W₁; W₂; …]ᵀ + [b₁; b₂; …]."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        self.layers = list(layers)
        self._key: tuple[Any, ...] = ()
        self._cast: tuple[Tensor, Tensor | None] | None = None
        self.now: list[Tensor] = []
        """The parameters at the last :meth:`refresh`."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Product:
        import copy

        return Product([copy.deepcopy(layer, memo) for layer in self.layers])

    @property
    def parameters(self) -> list[Tensor]:
        """Weights, then biases."""
        biases = [layer.bias for layer in self.layers if layer.bias is not None]
        return [*(layer.weight for layer in self.layers), *biases]

    def refresh(self, dtype: torch.dtype) -> None:
        """Look at the parameters as they are now; before a forward pass."""
        parameters = self.now = self.parameters
        if self._cast is None or self._state(dtype) != self._key:
            count = len(self.layers)
            weight = self._joined(parameters[:count], dtype)
            bias = self._joined(parameters[count:], dtype) if len(parameters) > count else None
            self._cast = weight, bias
            self._key = self._state(dtype)

    def _state(self, dtype: torch.dtype) -> tuple[Any, ...]:
        """What changes whenever the parameters do."""
        parameters = self.now
        return (dtype, _steps, *[p._version for p in parameters], *[p.data_ptr() for p in parameters])

    def matrix(self) -> tuple[Tensor, Tensor | None]:
        """Weight and bias in the products' dtype, as they were at the last :meth:`refresh`; without gradient."""
        assert self._cast is not None
        return self._cast

    @torch.no_grad()
    def _joined(self, parts: Sequence[Tensor], dtype: torch.dtype) -> Tensor:
        if len(parts) == 1:
            return parts[0].detach().to(dtype)
        if all(p.dtype is dtype for p in parts):
            return one_matrix(parts)
        old = None if self._cast is None else self._cast[parts[0].ndim == 1]
        rows = sum(map(len, parts))
        usable = old is not None and old.dtype is dtype and old.device == parts[0].device and len(old) == rows
        made = old if usable else parts[0].new_empty(rows, *parts[0].shape[1:], dtype=dtype)
        assert made is not None
        torch._foreach_copy_(list(torch.split(made, [len(p) for p in parts])), [p.detach() for p in parts])
        return made

    def add_gradients(self, upstream_TO: Tensor, x_TI: Tensor) -> None:
        """The weights' gradient upstreamᵀ · x and the biases' are added to ``.grad``."""
        count = len(self.layers)
        weights, biases = self.now[:count], self.now[count:]
        if any(w.requires_grad for w in weights):
            whole = _whole_gradient(weights)
            if whole is not None:
                add_product(whole, upstream_TO.T, x_TI)
            else:
                self._apart(weights, lambda: product(upstream_TO.T, x_TI, weights[0].dtype))
        if any(b.requires_grad for b in biases):
            whole, total_O = _whole_gradient(biases), upstream_TO.sum(0, dtype=torch.float32)
            if whole is not None:
                whole += total_O
            else:
                self._apart(biases, lambda: total_O.to(biases[0].dtype))

    def _apart(self, parameters: Sequence[Tensor], made: Callable[[], Tensor]) -> None:
        """Gradients that are not one tensor yet: the parts of one from now on, or added to what is there."""
        for parameter, part in zip(parameters, torch.split(made(), [len(p) for p in parameters]), strict=True):
            if parameter.requires_grad:
                if parameter.grad is None:
                    parameter.grad = part
                else:
                    parameter.grad += part


@torch.no_grad()
def one_matrix(parameters: Sequence[Tensor]) -> Tensor:
    """Parameters of one dtype as one tensor, whose parts they become where they are not so already."""
    found = neighbours([p.detach() for p in parameters])
    if found is None:
        found = torch.cat([p.detach() for p in parameters])
        for parameter, own in zip(parameters, torch.split(found, [len(p) for p in parameters]), strict=True):
            parameter.data = own
    return found


def _whole_gradient(parameters: Sequence[Tensor]) -> Tensor | None:
    """Gradients that are there already, as one tensor."""
    gradients = [p.grad for p in parameters]
    if any(g is None for g in gradients):
        return None
    return neighbours([g for g in gradients if g is not None])


def neighbours(parts: Sequence[Tensor]) -> Tensor | None:
    """Matrices (or vectors) that lie one behind the other in memory, as one; None where they do not."""
    first = parts[0]
    if len(parts) == 1:
        return first
    at = first.data_ptr()
    for part in parts:
        if part.data_ptr() != at or not part.is_contiguous() or part.dtype is not first.dtype:
            return None
        at += part.numel() * first.element_size()
    shape, held = (sum(map(len, parts)), *first.shape[1:]), first.untyped_storage()
    if at > held.data_ptr() + held.nbytes():  # neighbours by chance, of several allocations
        return None
    return first.as_strided(shape, first.stride())


def product(a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor:
    """a · b, summed in float32 and rounded once, to ``dtype``."""
    if a.dtype is dtype:
        return torch.mm(a, b)
    if dtype is torch.float32 and a.is_cuda and _writes_float32():
        return torch.mm(a, b, out_dtype=torch.float32)
    return torch.mm(a, b).to(dtype)


def add_product(into: Tensor, a: Tensor, b: Tensor) -> None:
    """into += a · b."""
    if into.dtype is a.dtype:
        into.addmm_(a, b)
    elif into.dtype is torch.float32 and a.is_cuda and _writes_float32():
        torch.addmm(into, a, b, out_dtype=torch.float32, out=into)
    else:
        into.add_(torch.mm(a, b))


def plus_product(x: Tensor, a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """x + a · b (+ bias) in the dtype of ``x``."""
    if bias is not None:
        x = x + bias
    if x.dtype is a.dtype:
        return torch.addmm(x, a, b)
    if x.dtype is torch.float32 and a.is_cuda and _writes_float32():
        return torch.addmm(x, a, b, out_dtype=torch.float32)
    return x + torch.mm(a, b)


@functools.cache
def _writes_float32() -> bool:
    """Whether this torch multiplies bfloat16 matrices into a float32 one, adding to it in place."""
    try:
        a = torch.ones(8, 8, dtype=torch.bfloat16, device="cuda")
        into = torch.ones(8, 8, device="cuda")
        torch.addmm(into, a, a, out_dtype=torch.float32, out=into)
        return bool((into == 9).all())
    except (RuntimeError, TypeError):
        return False
