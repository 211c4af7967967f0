"""`logprob_entropy`: token log-prob and entropy from logits, with an optional in-place backward."""

from __future__ import annotations

from typing import Any, cast

import torch

from veritune.kernels.backend import Backend, on_own_gpu, wants_triton
from veritune.kernels.logits import reference

_FLOATS = (torch.bfloat16, torch.float16, torch.float32)
# How the kernels are launched; the benchmark's sweep tries others.
FORWARD_LAUNCH = {"LANES": 1024, "DEPTH": 4, "STAGES": 3, "num_warps": 4}
BACKWARD_LAUNCH = {"BLOCK": 4096, "num_warps": 4}


@on_own_gpu
def logprob_entropy(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    temperature: float = 1.0,
    mask: torch.Tensor | None = None,
    want_entropy: bool = True,
    inplace_backward: bool = False,
    backend: Backend = "auto",
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Log-prob of each target and entropy of softmax(logits / temperature), in nats and at least float32.

    logp = z_y - log sum_j exp(z_j) and H = -sum_j p_j log p_j with z = logits / temperature. `logits` is `[..., V]`,
    `targets` `[...]` (int64), `mask` `[...]` (true = scored; masked tokens give 0 and no gradient); both results have
    the shape of `targets`, the entropy is None when not wanted. Both are differentiable in the logits.

    On CUDA one kernel reads the logits once, and the backward reads them once more. `inplace_backward` writes the
    gradient over the logits: no second `[N, V]` tensor, but the logits are gone afterwards and a second backward
    raises. A target outside [0, V) gives NaN on CUDA (checking it would stall the device) and raises on a CPU.

    Raises:
        ValueError: shapes do not match, the temperature is not positive, or the back-end cannot run.
    """
    rows, flat_targets, flat_mask = _flatten(logits, targets, mask, temperature)
    supported = logits.dtype in _FLOATS
    if wants_triton(logits, backend, supported=supported, why=f"logits are {logits.dtype}"):
        apply = cast(Any, _LogprobEntropy.apply)
        logp, entropy = apply(rows, flat_targets, flat_mask, temperature, want_entropy, inplace_backward)
    else:
        logp, entropy = reference.logprob_entropy(rows, flat_targets, flat_mask, temperature, want_entropy)
    return logp.view(targets.shape), None if entropy is None else entropy.view(targets.shape)


def _flatten(
    logits: torch.Tensor, targets: torch.Tensor, mask: torch.Tensor | None, temperature: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    if not temperature > 0:
        raise ValueError(f"temperature={temperature}: expected a number above 0")
    if targets.dtype.is_floating_point or targets.dtype in (torch.bool, torch.complex64, torch.complex128):
        raise ValueError(f"targets are {targets.dtype}: expected whole numbers, one token a place")
    if logits.shape[:-1] != targets.shape:
        raise ValueError(
            f"targets {tuple(targets.shape)} do not match logits {tuple(logits.shape)} without its last axis"
        )
    if mask is not None and mask.shape != targets.shape:
        raise ValueError(f"mask {tuple(mask.shape)} does not match targets {tuple(targets.shape)}")
    if targets.device.type == "cpu" and targets.numel():
        scored, v = targets if mask is None else targets[mask.bool()], logits.shape[-1]
        if scored.numel() and not 0 <= int(scored.min()) <= int(scored.max()) < v:
            raise ValueError(f"targets reach from {int(scored.min())} to {int(scored.max())}: expected [0, {v})")
        if mask is not None:
            targets = targets.masked_fill(~mask.bool(), 0)
    rows = logits.reshape(-1, logits.shape[-1])
    return rows, targets.reshape(-1).long(), None if mask is None else mask.reshape(-1).bool()


class _LogprobEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        logits: torch.Tensor,
        targets: torch.Tensor,
        mask: torch.Tensor | None,
        temperature: float,
        want_entropy: bool,
        inplace: bool,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        from veritune.kernels.logits import triton_kernels as kernels

        ctx.set_materialize_grads(False)
        logits = logits if logits.stride(-1) == 1 else logits.contiguous()
        targets = targets.contiguous()
        n, v = logits.shape
        stats = torch.empty((5, n), dtype=torch.float32, device=logits.device)
        logp, entropy, peak, lse, mean = stats.unbind(0)
        if not want_entropy:
            mean.zero_()
        if n:
            kernels.forward_kernel[(n,)](
                logits, targets, targets if mask is None else mask, logp, entropy, peak, lse, mean, v,
                logits.stride(0), 1.0 / temperature, ENTROPY=want_entropy, MASK=mask is not None, **FORWARD_LAUNCH,
            )  # fmt: skip
        ctx.save_for_backward(logits, targets, mask, peak, lse, mean)
        ctx.temperature, ctx.inplace = temperature, inplace
        ctx.consumed = False
        # Outputs own their memory: views of one buffer would tie their autograd versions together.
        return logp.clone(), entropy.clone() if want_entropy else None

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
        from veritune.kernels.logits import triton_kernels as kernels

        grad_logp, grad_entropy = upstream
        if ctx.consumed:
            raise RuntimeError("inplace_backward=True has overwritten the logits: backward can run only once")
        logits, targets, mask, peak, lse, mean = ctx.saved_tensors
        n, v = logits.shape
        if grad_logp is None:
            grad_logp = torch.zeros(n, dtype=torch.float32, device=logits.device)
        if grad_entropy is None:
            grad_entropy = torch.zeros_like(lse)
        grads = logits.detach() if ctx.inplace else torch.empty((n, v), dtype=logits.dtype, device=logits.device)
        ctx.consumed = ctx.inplace
        if n:
            kernels.backward_kernel[(n * -(-v // BACKWARD_LAUNCH["BLOCK"]),)](
                logits, grads, targets, targets if mask is None else mask, peak, lse, mean, grad_logp.contiguous(),
                grad_entropy.contiguous(), v, logits.stride(0), grads.stride(0), 1.0 / ctx.temperature,
                MASK=mask is not None, **BACKWARD_LAUNCH,
            )  # fmt: skip
        return grads, None, None, None, None, None
