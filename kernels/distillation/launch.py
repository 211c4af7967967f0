"""Launches the divergence kernels on two blocks of logits."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from veritune.kernels.distillation.kinds import Divergence
from veritune.kernels.linear.head import LOG2E


@dataclass(frozen=True)
class Setting:
    """What is computed: the divergence, the temperature, and each side's soft-cap."""

    which: Divergence
    temperature: float
    student_cap: float | None
    teacher_cap: float | None


@dataclass
class DivergenceStats:
    """Per-row `[N]` float32: the divergence in nats, a logit of each side from which its base-2 log-sum-exp counts,
    the log-sum-exps, and sum p_s u."""

    value: torch.Tensor
    base_s: torch.Tensor
    base_t: torch.Tensor
    lse_s: torch.Tensor
    lse_t: torch.Tensor
    center: torch.Tensor

    def rows(self, start: int, stop: int) -> DivergenceStats:
        return DivergenceStats(*(tensor[start:stop] for tensor in vars(self).values()))


def empty_stats(n: int, device: torch.device) -> DivergenceStats:
    return DivergenceStats(*(torch.empty(n, dtype=torch.float32, device=device) for _ in range(6)))


def forward(
    student: torch.Tensor, teacher: torch.Tensor, mask: torch.Tensor | None, setting: Setting, out: DivergenceStats
) -> None:
    """Fills `out` from logits whose columns are the shared vocabulary."""
    from veritune.kernels.distillation import triton_kernels as kernels

    n, v = student.shape
    if n:
        kernels.forward_kernel[(n,)](
            student, teacher, out.value if mask is None else mask, out.value, out.base_s, out.base_t, out.lse_s,
            out.lse_t, out.center, v, student.stride(0), teacher.stride(0), setting.student_cap or 1.0,
            setting.teacher_cap or 1.0, LOG2E / setting.temperature, setting.which.teacher_share, LANES=4096,
            KIND=setting.which.code, CAP_S=setting.student_cap is not None,
            CAP_T=setting.teacher_cap is not None, MASK=mask is not None, num_warps=8,
        )  # fmt: skip


def backward(
    student: torch.Tensor,
    teacher: torch.Tensor,
    mask: torch.Tensor | None,
    setting: Setting,
    stats: DivergenceStats,
    upstream: torch.Tensor,
    grads: torch.Tensor,
) -> None:
    """Writes the gradient of sum(upstream * divergence) in the student's logits to `grads`."""
    from veritune.kernels.distillation import triton_kernels as kernels

    n, v = student.shape
    if n:
        kernels.backward_kernel[(n * -(-v // 2048),)](
            student, teacher, grads, upstream if mask is None else mask, stats.base_s, stats.base_t, stats.lse_s,
            stats.lse_t, stats.center,
            upstream, v, student.stride(0), teacher.stride(0), grads.stride(0), setting.student_cap or 1.0,
            setting.teacher_cap or 1.0, LOG2E / setting.temperature, 1.0 / setting.temperature,
            setting.which.teacher_share, BLOCK=2048, KIND=setting.which.code, CAP_S=setting.student_cap is not None,
            CAP_T=setting.teacher_cap is not None, MASK=mask is not None, num_warps=8,
        )  # fmt: skip
