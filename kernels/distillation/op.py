"""`divergence` and `linear_divergence`: the student's distance from the teacher, token by token."""

from __future__ import annotations

from typing import Any, cast

import torch

from veritune.kernels.backend import Backend, interpreting, on_own_gpu, wants_triton
from veritune.kernels.distillation import reference
from veritune.kernels.distillation.kinds import Kind, divergence_named
from veritune.kernels.distillation.launch import Setting, backward, empty_stats, forward
from veritune.kernels.linear.head import Head, compute_dtype
from veritune.kernels.linear.op import kept_rows, plain_bias, product_operand, spread_rows, take_rows

# Bytes of one float32 block of logits, of which there are two.
BLOCK_BYTES = 384 << 20
_FLOATS = (torch.bfloat16, torch.float16, torch.float32)


@on_own_gpu
def divergence(
    student: torch.Tensor,
    teacher: torch.Tensor,
    kind: Kind = "forward_kl",
    *,
    alpha: float = 0.1,
    beta: float = 0.5,
    temperature: float = 1.0,
    mask: torch.Tensor | None = None,
    backend: Backend = "auto",
) -> torch.Tensor:
    """Per-token divergence, in nats, of softmax(student / temperature) and softmax(teacher / temperature).

    Logits `[..., V_s]` and `[..., V_t]`; of unequal vocabularies the larger is cut to the smaller (models of a family
    pad theirs differently). `kind` is one of those of `Divergence`: forward_kl, reverse_kl, skew_forward_kl and
    skew_reverse_kl with skew `alpha` (DistiLLM, arXiv 2402.03898), jsd with `beta` (GKD, arXiv 2306.13649). `mask`
    `[...]`: false gives 0 and no gradient. Differentiable in the student only. No factor temperature^2: multiply by it
    for Hinton's classic loss.

    Raises:
        ValueError: shapes do not match, a number is out of range, or the back-end cannot run.
    """
    which = divergence_named(kind, alpha, beta)
    _check(student, teacher, mask, temperature)
    lead = student.shape[:-1]
    s = student.reshape(-1, student.shape[-1])
    t = teacher.detach().reshape(-1, teacher.shape[-1])
    flat = None if mask is None else mask.reshape(-1).bool()
    supported = student.dtype in _FLOATS and teacher.dtype in _FLOATS
    if wants_triton(student, backend, supported=supported, why=f"logits are {student.dtype} and {teacher.dtype}"):
        setting = Setting(which, temperature, None, None)
        return cast(torch.Tensor, cast(Any, _Divergence.apply)(s, t, flat, setting)).view(lead)
    value = reference.divergence(s, t, which, temperature)
    return (value if flat is None else torch.where(flat, value, torch.zeros_like(value))).view(lead)


@on_own_gpu
def linear_divergence(
    student: torch.Tensor,
    student_weight: torch.Tensor,
    teacher: torch.Tensor,
    teacher_weight: torch.Tensor,
    kind: Kind = "forward_kl",
    *,
    alpha: float = 0.1,
    beta: float = 0.5,
    temperature: float = 1.0,
    mask: torch.Tensor | None = None,
    student_bias: torch.Tensor | None = None,
    teacher_bias: torch.Tensor | None = None,
    student_softcap: float | None = None,
    teacher_softcap: float | None = None,
    backend: Backend = "auto",
) -> torch.Tensor:
    """`divergence` from hidden states `[..., H_s]`, `[..., H_t]` and heads `[V_s, H_s]`, `[V_t, H_t]`.

    Neither model's logits are ever whole in memory: blocks of tokens in the forward, slices of the vocabulary,
    recomputed, in the backward. Differentiable in the student's hidden states, weight and bias. Masked tokens are
    dropped before the heads and give 0.
    """
    which = divergence_named(kind, alpha, beta)
    _check(student, teacher, mask, temperature)
    v = min(student_weight.shape[0], teacher_weight.shape[0])
    lead, total = student.shape[:-1], student.shape[:-1].numel()
    s = student.reshape(-1, student.shape[-1])
    t = teacher.detach().reshape(-1, teacher.shape[-1])
    keep = None if mask is None else kept_rows(mask, mask)
    if keep is not None:
        s, t = take_rows(s, keep), t[keep]
    teacher_dtype = compute_dtype(teacher)
    t_head = Head(
        teacher_weight.detach()[:v],
        None if teacher_bias is None else teacher_bias.detach()[:v],
        teacher_softcap,
        temperature,
    )
    # Cutting the student's head here leaves its gradient's zero rows to autograd.
    s_weight = student_weight if student_weight.shape[0] == v else student_weight[:v]
    s_bias = None if student_bias is None else student_bias[:v]
    supported = student.dtype in _FLOATS and teacher.dtype in _FLOATS
    if wants_triton(student, backend, supported=supported, why=f"hidden states are {student.dtype}") and s.shape[0]:
        t = product_operand(t, teacher_dtype)
        t_head = Head(
            product_operand(t_head.weight, teacher_dtype), plain_bias(t_head.bias), teacher_softcap, temperature
        )
        setting = Setting(which, temperature, student_softcap, teacher_softcap)
        value = cast(torch.Tensor, cast(Any, _LinearDivergence.apply)(s, s_weight, s_bias, t, t_head, setting))
    else:
        s_head = Head(s_weight, s_bias, student_softcap, temperature)
        value = reference.linear_divergence(s, s_head, t, t_head, which)
    return (value if keep is None else spread_rows(value, keep, total)).view(lead)


def _check(student: torch.Tensor, teacher: torch.Tensor, mask: torch.Tensor | None, temperature: float) -> None:
    if not temperature > 0:
        raise ValueError(f"temperature={temperature}: expected a number above 0")
    if student.shape[:-1] != teacher.shape[:-1]:
        raise ValueError(
            f"student {tuple(student.shape)} and teacher {tuple(teacher.shape)} must agree on all but the last axis"
        )
    if mask is not None and mask.shape != student.shape[:-1]:
        raise ValueError(f"mask {tuple(mask.shape)} does not match the tokens {tuple(student.shape[:-1])}")


def _shared(student: torch.Tensor, teacher: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    v = min(student.shape[1], teacher.shape[1])
    return student[:, :v], teacher[:, :v]


class _Divergence(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, student: torch.Tensor, teacher: torch.Tensor, mask: torch.Tensor | None, setting: Setting
    ) -> torch.Tensor:
        student = student if student.stride(-1) == 1 else student.contiguous()
        teacher = teacher if teacher.stride(-1) == 1 else teacher.contiguous()
        stats = empty_stats(student.shape[0], student.device)
        forward(*_shared(student, teacher), mask, setting, stats)
        ctx.save_for_backward(student, teacher, mask)
        ctx.stats, ctx.setting = stats, setting
        return stats.value

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        student, teacher, mask = ctx.saved_tensors
        v = min(student.shape[1], teacher.shape[1])
        grads = torch.empty(student.shape, dtype=student.dtype, device=student.device)
        grads[:, v:] = 0
        s, t = _shared(student, teacher)
        backward(s, t, mask, ctx.setting, ctx.stats, upstream[0].float().contiguous(), grads[:, :v])
        return grads, None, None, None


class _LinearDivergence(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        student: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        teacher: torch.Tensor,
        teacher_head: Head,
        setting: Setting,
    ) -> torch.Tensor:
        h = product_operand(student, compute_dtype(student))
        head = Head(product_operand(weight, h.dtype), plain_bias(bias), setting.student_cap, setting.temperature)
        n = h.shape[0]
        stats = empty_stats(n, h.device)
        size = max(1, BLOCK_BYTES // (4 * head.vocabulary))
        size = min(n, size // 128 * 128 or size)
        for start in range(0, n, size):
            stop = min(n, start + size)
            zs, zt = _logits(h[start:stop], head), _logits(teacher[start:stop], teacher_head)
            forward(zs, zt, None, setting, stats.rows(start, stop))
        ctx.save_for_backward(h, head.weight, bias, teacher)
        ctx.teacher_head, ctx.setting, ctx.stats = teacher_head, setting, stats
        ctx.dtypes = student.dtype, weight.dtype
        return stats.value

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        from veritune.kernels.linear.engine import accumulate, product

        h, weight, bias, teacher = ctx.saved_tensors
        head = Head(weight, plain_bias(bias), ctx.setting.student_cap, ctx.setting.temperature)
        g = upstream[0].float().contiguous()
        need_h, need_w, need_b = ctx.needs_input_grad[:3]
        n, v = h.shape[0], head.vocabulary
        total = torch.zeros(h.shape, dtype=torch.float32, device=h.device)
        grad_w = torch.empty(weight.shape, dtype=ctx.dtypes[1], device=h.device) if need_w else None
        grad_b = torch.empty_like(bias) if need_b else None
        size = max(1024, BLOCK_BYTES // (4 * n) // 256 * 256)
        for start in range(0, v, size):
            stop = min(v, start + size)
            part = head.part(start, stop)
            zs, zt = _logits(h, part), _logits(teacher, ctx.teacher_head.part(start, stop))
            dz = torch.empty(zs.shape, dtype=h.dtype, device=h.device)
            backward(zs, zt, None, ctx.setting, ctx.stats, g, dz)
            if need_h:
                accumulate(total, dz, part.weight)
            if grad_w is not None:
                product(dz.t(), h, grad_w[start:stop])
            if grad_b is not None:
                grad_b[start:stop] = dz.sum(0, dtype=torch.float32)
        return total.to(ctx.dtypes[0]) if need_h else None, grad_w, grad_b, None, None, None


def _logits(h: torch.Tensor, head: Head) -> torch.Tensor:
    """h W^T + b in float32, before the soft-cap and the temperature."""
    if h.dtype is torch.float32 or interpreting():
        logits = h.float() @ head.weight.float().t()
    else:
        logits = torch.mm(h, head.weight.t(), out_dtype=torch.float32)
    return logits if head.bias is None else logits.add_(head.bias)
