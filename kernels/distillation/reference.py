"""The law for the divergences, in plain PyTorch."""

from __future__ import annotations

import torch
from torch.utils.checkpoint import checkpoint

from veritune.kernels.distillation.kinds import Divergence
from veritune.kernels.linear.head import Head
from veritune.kernels.linear.reference import SLICE_ELEMENTS, head_logits


def _kl(p_log: torch.Tensor, q_log: torch.Tensor) -> torch.Tensor:
    """KL(p || q) along the last axis; a token with p = 0 adds nothing, whatever q is."""
    p = p_log.exp()
    ruled_out = p_log == -torch.inf
    return (p * (p_log.masked_fill(ruled_out, 0.0) - q_log.masked_fill(ruled_out, 0.0))).sum(-1)


def divergence(student: torch.Tensor, teacher: torch.Tensor, which: Divergence, temperature: float) -> torch.Tensor:
    """Per-token divergence `[N]`, in nats, of logits `[N, V_s]` and `[N, V_t]` cut to the smaller vocabulary."""
    v = min(student.shape[-1], teacher.shape[-1])
    wide = torch.promote_types(torch.promote_types(student.dtype, teacher.dtype), torch.float32)
    s = torch.log_softmax(student[..., :v].to(wide) / temperature, dim=-1)
    t = torch.log_softmax(teacher[..., :v].detach().to(wide) / temperature, dim=-1)
    if which.kind == "forward_kl":
        return _kl(t, s)
    if which.kind == "reverse_kl":
        return _kl(s, t)
    share = torch.tensor(which.teacher_share, dtype=wide, device=s.device)
    m = torch.logaddexp(t + share.log(), s + torch.log1p(-share))
    if which.kind == "skew_forward_kl":
        return _kl(t, m)
    if which.kind == "skew_reverse_kl":
        return _kl(s, m)
    return which.skew * _kl(t, m) + (1.0 - which.skew) * _kl(s, m)


def linear_divergence(
    student: torch.Tensor,
    student_head: Head,
    teacher: torch.Tensor,
    teacher_head: Head,
    which: Divergence,
) -> torch.Tensor:
    """The same from hidden states, a slice of tokens at a time; the heads share one temperature."""

    def of_slice(hs: torch.Tensor, ht: torch.Tensor, ws: torch.Tensor, bs: torch.Tensor | None) -> torch.Tensor:
        zs = head_logits(hs, ws, bs, student_head.softcap)
        zt = head_logits(ht, teacher_head.weight, teacher_head.bias, teacher_head.softcap)
        return divergence(zs, zt, which, student_head.temperature)

    size = max(1, SLICE_ELEMENTS // student_head.vocabulary)
    if student.shape[0] <= size:
        return of_slice(student, teacher, student_head.weight, student_head.bias)
    return torch.cat(
        [
            checkpoint(
                of_slice, hs, ht, student_head.weight, student_head.bias, use_reentrant=False, preserve_rng_state=False
            )
            for hs, ht in zip(torch.split(student, size), torch.split(teacher, size), strict=True)
        ]
    )
