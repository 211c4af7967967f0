"""Log-prob, KL, GRPO, distillation and FP8 kernels: Triton on CUDA, plain PyTorch everywhere else, one API.

Every operation picks its back-end by device (`backend="auto"`); `"reference"` and `"triton"` override the choice per
call, and the environment variable `VERITUNE_KERNELS` for the process. Importing this package imports neither torch
nor Triton.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from veritune.kernels.distillation.op import divergence, linear_divergence
    from veritune.kernels.fp8.convert import convert_to_fp8
    from veritune.kernels.fp8.gemm import fp8_matmul
    from veritune.kernels.fp8.linear import FP8Linear
    from veritune.kernels.fp8.quantize import dequantize, quantize_blocks, quantize_both, quantize_rows
    from veritune.kernels.grpo.objective import GRPOObjective, grpo_loss
    from veritune.kernels.grpo.op import linear_grpo_loss
    from veritune.kernels.kl import kl_estimate
    from veritune.kernels.linear.op import linear_logprob
    from veritune.kernels.logits.op import logprob_entropy

_HOMES = {
    "FP8Linear": "fp8.linear",
    "GRPOObjective": "grpo.objective",
    "convert_to_fp8": "fp8.convert",
    "dequantize": "fp8.quantize",
    "divergence": "distillation.op",
    "fp8_matmul": "fp8.gemm",
    "grpo_loss": "grpo.objective",
    "kl_estimate": "kl",
    "linear_divergence": "distillation.op",
    "linear_grpo_loss": "grpo.op",
    "linear_logprob": "linear.op",
    "logprob_entropy": "logits.op",
    "quantize_blocks": "fp8.quantize",
    "quantize_both": "fp8.quantize",
    "quantize_rows": "fp8.quantize",
}

__all__ = [
    "FP8Linear",
    "GRPOObjective",
    "convert_to_fp8",
    "dequantize",
    "divergence",
    "fp8_matmul",
    "grpo_loss",
    "kl_estimate",
    "linear_divergence",
    "linear_grpo_loss",
    "linear_logprob",
    "logprob_entropy",
    "quantize_blocks",
    "quantize_both",
    "quantize_rows",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    value = importlib.import_module(f"{__name__}.{_HOMES[name]}")

    found = getattr(value, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
