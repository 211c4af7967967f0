"""`FP8Linear`: a linear layer whose three products run in FP8; its weight stays in high precision."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import torch
from torch import nn

from veritune.kernels.backend import Backend, compute_capability
from veritune.kernels.fp8 import measure
from veritune.kernels.fp8.blocks import BLOCK, BlockQuantized
from veritune.kernels.fp8.gemm import fp8_matmul
from veritune.kernels.fp8.quantize import quantize_blocks, quantize_both, quantize_rows

Use = Literal["auto", "always", "never"]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FP8Recipe:
    """How a layer uses FP8.

    `use="auto"` runs FP8 where it is faster than bfloat16, measured once per shape with quantisation included, and says
    in the log where it is not; `"always"` and `"never"` decide without measuring. `pow2_scales` rounds scales to powers
    of two.
    """

    use: Use = "auto"
    pow2_scales: bool = False
    backend: Backend = "auto"

    def __post_init__(self) -> None:
        if self.use not in get_args(Use):
            raise ValueError(f"use={self.use!r}: expected one of {', '.join(get_args(Use))}")


class FP8Linear(nn.Linear):
    """y = x W^T + b with FP8 (e4m3) operands and float32 accumulation: the DeepSeek-V3 recipe (arXiv 2412.19437, 3.3).

    Activations and output gradients are quantised in 1 x 128 blocks, the weight in 128 x 128; each straight from high
    precision in both orientations. The input is kept for the backward in FP8 alone. The gradients of weight and bias
    have the dtype of the parameters. Forward x W^T, dgrad dy W and wgrad dy^T x are all FP8 products.

    `in_features` and `out_features` must be multiples of 128. On a CPU the same numbers are computed from dequantised
    operands (an emulation, for tests).
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        recipe: FP8Recipe | None = None,
    ) -> None:
        if in_features % BLOCK or out_features % BLOCK:
            raise ValueError(f"FP8Linear({in_features}, {out_features}): both must be multiples of {BLOCK}")
        super().__init__(in_features, out_features, bias, device=device, dtype=dtype)
        self.recipe = recipe or FP8Recipe()

    @classmethod
    def from_linear(cls, layer: nn.Linear, recipe: FP8Recipe | None = None) -> FP8Linear:
        """The same layer in FP8; it shares the parameters (not copies) of `layer`."""
        new = cls(layer.in_features, layer.out_features, False, device="meta", recipe=recipe)
        new.weight, new.bias = layer.weight, layer.bias
        new.train(layer.training)
        return new

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        x = input.reshape(-1, self.in_features)
        kind = x.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
        if x.shape[0] == 0 or not self._uses_fp8(x, dtype):
            bias = None if self.bias is None else self.bias.to(dtype)
            return nn.functional.linear(input.to(dtype), self.weight.to(dtype), bias)
        asked = any(tensor is not None and tensor.requires_grad for tensor in (x, self.weight, self.bias))
        if asked and torch.is_grad_enabled():
            apply = cast(Any, _FP8Product.apply)
            y = apply(x, self.weight, self.bias, self.recipe, dtype)
        else:
            a = quantize_rows(x, **_options(self.recipe))
            y = _product(a, quantize_blocks(self.weight, **_options(self.recipe)), self.bias, dtype)
        return cast(torch.Tensor, y).view(*input.shape[:-1], self.out_features)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, fp8={self.recipe.use}"

    def _uses_fp8(self, x: torch.Tensor, dtype: torch.dtype) -> bool:
        if self.recipe.use != "auto":
            return self.recipe.use == "always"
        return dtype is torch.bfloat16 and compute_capability(x) >= (9, 0) and _pays(x, self, dtype)


def _pays(x: torch.Tensor, layer: FP8Linear, dtype: torch.dtype) -> bool:
    """Whether forward and backward in FP8 beat bfloat16 at this shape, quantisation of input and weight included."""
    m, n, k = measure.bucket(x.shape[0]), layer.out_features, layer.in_features
    key = f"linear {m}x{n}x{k} {str(layer.weight.dtype).removeprefix('torch.')}{measure.setting(layer.recipe.backend)}"
    key += " pow2" * layer.recipe.pow2_scales
    known = measure.recall(key, x.device)
    if known is None:
        if measure.capturing():
            return False
        try:
            with apart(x.device), torch.autocast(x.device.type, enabled=False), torch.enable_grad():
                times = measure.race(_steps(m, n, k, layer.weight.dtype, layer.recipe))
        except torch.OutOfMemoryError:
            return False  # for now: nothing is known of the shape
        known = "fp8" if times["always"] < times["never"] else "bf16"
        ratio = times["never"] / times["always"]
        say = logger.info if known == "bf16" else logger.debug
        say("FP8Linear %d -> %d, %d tokens: FP8 is %.2f times as fast as bfloat16; %s runs", k, n, m, ratio, known)
        measure.remember(key, known, x.device)
    return known == "fp8"


@contextmanager
def apart(device: torch.device) -> Iterator[None]:
    """A measurement inside a forward pass leaves no trace in it: not in the random state, and not among the tensors
    that checkpointed activations count to tell whether the recomputation is the same."""
    on = torch.cuda.device(device) if device.type == "cuda" else nullcontext()
    kept = torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, lambda tensor: tensor)
    with on, torch.device(device), kept, torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield


def _steps(
    m: int, n: int, k: int, weight_dtype: torch.dtype, recipe: FP8Recipe
) -> dict[str, Callable[[], tuple[torch.Tensor, ...]]]:
    """Forward and backward of a layer that always uses FP8 and of one that never does, on the same operands."""
    x = torch.randn(m, k, dtype=torch.bfloat16, requires_grad=True)
    upstream = torch.randn(m, n, dtype=torch.bfloat16)

    def step(layer: FP8Linear) -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(layer(x), (x, layer.weight), upstream)

    uses: tuple[Use, ...] = ("always", "never")
    layers = {
        use: FP8Linear(k, n, False, dtype=weight_dtype, recipe=FP8Recipe(use, recipe.pow2_scales, recipe.backend))
        for use in uses
    }
    return {use: functools.partial(step, layer) for use, layer in layers.items()}


class _FP8Product(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        recipe: FP8Recipe,
        dtype: torch.dtype,
    ) -> torch.Tensor:
        options = _options(recipe)
        # Anew in every forward: no sign of the tensor tells that it has changed (fused optimizers and `.data` leave its
        # version alone), and a stale copy would train silently wrong. It costs 1 to 3 % of the products.
        w, w_turned = quantize_both(weight.detach(), (BLOCK, BLOCK), **options)
        a, a_turned = quantize_both(x.detach(), **options)
        ctx.a_turned, ctx.w_turned, ctx.options = a_turned, w_turned, options
        ctx.dtypes = x.dtype, weight.dtype, None if bias is None else bias.dtype
        return _product(a, w, bias, dtype)

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        dy = upstream[0]
        x_dtype, weight_dtype, bias_dtype = ctx.dtypes
        need_x, need_w, need_b = ctx.needs_input_grad[:3]
        g, g_turned = quantize_both(dy, **ctx.options)
        dx = fp8_matmul(g, ctx.w_turned, _accumulated(x_dtype)).to(x_dtype) if need_x else None
        dw = fp8_matmul(g_turned, ctx.a_turned, _accumulated(weight_dtype)).to(weight_dtype) if need_w else None
        db = dy.sum(0, dtype=torch.float32).to(bias_dtype) if need_b else None
        return dx, dw, db, None, None


def _options(recipe: FP8Recipe) -> Any:
    return {"pow2_scales": recipe.pow2_scales, "backend": recipe.backend}


def _product(a: BlockQuantized, w: BlockQuantized, bias: torch.Tensor | None, dtype: torch.dtype) -> torch.Tensor:
    y = fp8_matmul(a, w, _accumulated(dtype)).to(dtype)
    return y if bias is None else y + bias.detach().to(dtype)


def _accumulated(dtype: torch.dtype) -> torch.dtype:
    """The dtype a product is written in: bfloat16 where that is what is wanted, else float32."""
    return torch.bfloat16 if dtype is torch.bfloat16 else torch.float32
