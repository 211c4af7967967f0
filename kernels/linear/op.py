"""`linear_logprob`: token log-prob and entropy straight from hidden states."""

from __future__ import annotations

from typing import Any, Literal, cast, get_args

import torch

from veritune.kernels.backend import Backend, on_own_gpu
from veritune.kernels.linear import reference
from veritune.kernels.linear.head import Head, check_head, compute_dtype, head_wants_triton

Mode = Literal["auto", "fast", "lean"]
# `mode="auto"` keeps E for the backward up to this many bytes.
FAST_BYTES = 5 << 29


@on_own_gpu
def linear_logprob(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    targets: torch.Tensor,
    *,
    temperature: float = 1.0,
    bias: torch.Tensor | None = None,
    softcap: float | None = None,
    want_entropy: bool = True,
    mask: torch.Tensor | None = None,
    mode: Mode = "auto",
    backend: Backend = "auto",
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Log-prob of each target and entropy, in nats (at least float32), under the head softmax(z) with
    z = softcap * tanh((hidden @ weight.T + bias) / softcap) / temperature (no soft-cap when None).

    `hidden` is `[..., H]`, `weight` `[V, H]`, `bias` `[V]`, `targets` and `mask` `[...]`; both results have the shape
    of `targets`. Differentiable in hidden, weight and bias, through the log-prob and the entropy. Masked tokens
    (false) are dropped before the head and give 0. The entropy is None when not wanted.

    On CUDA with bfloat16 products (Hopper and later) the `[N, V]` logits never exist. `mode="fast"` keeps
    E = exp(z - z_target) in bfloat16 for the backward (2 N V bytes, three products in all); `"lean"` keeps nothing and
    recomputes E in the backward a slice of the vocabulary at a time (0.6 to 1 GB, only while the backward runs; four
    products), so that several calls before one backward cost no more; `"auto"` is fast up to 2.5 GiB of E. Elsewhere
    the PyTorch reference runs, a slice of tokens at a time.

    Raises:
        ValueError: shapes do not match, a number is out of range, or the back-end cannot run.
    """
    check_head(hidden, weight, targets, bias, softcap, temperature)
    if mode not in get_args(Mode):
        raise ValueError(f"mode={mode!r}: expected one of {', '.join(get_args(Mode))}")
    hidden, weight, bias = without_grad_detached(hidden, weight, bias)
    rows = hidden.reshape(-1, hidden.shape[-1])
    flat = targets.reshape(-1).long()
    keep = None if mask is None else kept_rows(mask, targets)
    use_triton = head_wants_triton(hidden, backend)
    if keep is not None:
        rows, flat = take_rows(rows, keep), flat[keep]
    if targets.device.type == "cpu":
        check_targets(flat, weight.shape[0])
    entropy: torch.Tensor | None
    if use_triton and flat.numel():
        apply = cast(Any, _LinearLogprob.apply)
        logp, entropy = apply(rows, weight, bias, flat, softcap, temperature, want_entropy, mode)
    else:
        rows = rows.to(compute_dtype(hidden))
        logp, entropy = reference.linear_logprob(rows, weight, flat, bias, softcap, temperature, want_entropy)
    if keep is not None:
        logp = spread_rows(logp, keep, targets.numel())
        entropy = None if entropy is None else spread_rows(entropy, keep, targets.numel())
    return logp.view(targets.shape), None if entropy is None else entropy.view(targets.shape)


def without_grad_detached(
    hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """The operands; detached under `no_grad`, where an autograd function is still told that parameters need gradients
    and would prepare for them."""
    if torch.is_grad_enabled():
        return hidden, weight, bias
    return hidden.detach(), weight.detach(), None if bias is None else bias.detach()


def kept_rows(mask: torch.Tensor, targets: torch.Tensor) -> torch.Tensor | None:
    """Indices of the true entries of `mask`, None when all are; waits for the device, whose count it needs."""
    if mask.shape != targets.shape:
        raise ValueError(f"mask {tuple(mask.shape)} does not match targets {tuple(targets.shape)}")
    keep = mask.reshape(-1).nonzero().squeeze(-1)
    return None if keep.numel() == mask.numel() else keep


def take_rows(x: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    """x[keep] whose gradient is a plain copy: the indices are unique, so nothing needs adding up."""
    return cast(torch.Tensor, cast(Any, _TakeRows.apply)(x, keep))


def spread_rows(x: torch.Tensor, keep: torch.Tensor, rows: int) -> torch.Tensor:
    """The inverse of `take_rows`: zeros where no row was kept."""
    return x.new_zeros((rows, *x.shape[1:])).index_copy(0, keep, x)


def check_targets(targets: torch.Tensor, vocabulary: int) -> None:
    """ValueError when a target is outside [0, vocabulary)."""
    if targets.numel() and not 0 <= int(targets.min()) <= int(targets.max()) < vocabulary:
        raise ValueError(
            f"targets reach from {int(targets.min())} to {int(targets.max())}: expected [0, {vocabulary}); "
            "leave padding out with mask="
        )


def product_operand(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """`tensor` in the products' dtype with contiguous rows on a 16-byte boundary, detached."""
    tensor = tensor.detach().to(dtype)
    aligned = tensor.stride(-1) == 1 and tensor.stride(0) * tensor.element_size() % 16 == 0
    return tensor if aligned and tensor.data_ptr() % 16 == 0 else tensor.clone(memory_format=torch.contiguous_format)


def plain_bias(bias: torch.Tensor | None) -> torch.Tensor | None:
    """The bias as the kernels read it: one element after the other, detached."""
    return None if bias is None else bias.detach().contiguous()


class _TakeRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(keep)
        ctx.rows = x.shape[0]
        return x.index_select(0, keep)

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor, None]:
        return spread_rows(upstream[0], ctx.saved_tensors[0], ctx.rows), None


class _LinearLogprob(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
        softcap: float | None,
        temperature: float,
        want_entropy: bool,
        mode: Mode,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        from veritune.kernels.linear import engine

        ctx.set_materialize_grads(False)
        h = product_operand(hidden, compute_dtype(hidden))
        head = Head(product_operand(weight, h.dtype), plain_bias(bias), softcap, temperature)
        e = None
        if any(ctx.needs_input_grad) and _keeps(mode, h, head):
            e = engine.exp_buffer(h.shape[0], head.vocabulary, h)
        # An entropy gradient reads z back from E, so the soft-cap's slope must not be in it.
        slope = softcap is not None and not want_entropy
        stats = engine.row_stats(h, head, targets, want_entropy=want_entropy, e=e, slope=slope)
        ctx.save_for_backward(h, head.weight, bias, targets)
        ctx.stats, ctx.e, ctx.want_entropy = stats, e, want_entropy
        ctx.softcap, ctx.temperature = softcap, temperature
        ctx.dtypes = hidden.dtype, weight.dtype, None if bias is None else bias.dtype
        return stats.logp, stats.entropy if want_entropy else None

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
        from veritune.kernels.linear import engine

        grad_logp, grad_entropy = upstream
        h, weight, bias, targets = ctx.saved_tensors
        head = Head(weight, plain_bias(bias), ctx.softcap, ctx.temperature)
        g = torch.zeros_like(ctx.stats.sums) if grad_logp is None else grad_logp.float().contiguous()
        u = None if grad_entropy is None else grad_entropy.float().contiguous()
        e, ctx.e = ctx.e, None
        if e is not None and ctx.softcap is not None and u is None and ctx.want_entropy:
            # E was kept without the slope in case the entropy has a gradient: the blend puts it in.
            u = torch.zeros_like(g)
        need_h, need_w, need_b = ctx.needs_input_grad[:3]
        hidden_dtype, weight_dtype, bias_dtype = ctx.dtypes
        # Zeroed only where the products add to it.
        make = torch.zeros if weight_dtype is torch.float32 else torch.empty
        into = engine.Gradients(
            torch.empty(h.shape, dtype=hidden_dtype, device=h.device) if need_h else None,
            make(weight.shape, dtype=weight_dtype, device=h.device) if need_w else None,
            torch.zeros(head.vocabulary, dtype=torch.float32, device=h.device) if need_b else None,
        )
        room = engine.lean_room(h, head) if e is None else e
        engine.gradients(room, h, head, targets, ctx.stats, g, u, into, kept=e is not None)
        grad_bias = None if into.bias is None else into.bias.to(bias_dtype)
        return into.hidden, into.weight, grad_bias, None, None, None, None, None


def _keeps(mode: Mode, hidden: torch.Tensor, head: Head) -> bool:
    size = hidden.shape[0] * head.vocabulary * hidden.element_size()
    return mode == "fast" or (mode == "auto" and size <= FAST_BYTES)
