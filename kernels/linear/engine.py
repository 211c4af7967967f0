"""Launches the target-anchored kernels: row statistics, and gradients from a kept or a recomputed E."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch

from veritune.kernels.linear.head import LOG2E, Head

# A row whose sum of exp2(z - anchor) passes this is recomputed with its maximum as anchor: 44 nats below certainty.
SUM_LIMIT = float(2**64)
# Bytes of one recomputed slice of E in lean mode.
LEAN_BYTES = 256 << 20


@dataclass
class RowStats:
    """Per-row results of the forward, all `[N]` float32. Base 2 except `logp` and `entropy`, which are in nats."""

    target_z: torch.Tensor
    anchors: torch.Tensor
    sums: torch.Tensor
    mean: torch.Tensor
    logp: torch.Tensor
    entropy: torch.Tensor


@dataclass
class Gradients:
    """Gradients of the head's inputs; None where not needed."""

    hidden: torch.Tensor | None
    weight: torch.Tensor | None
    bias: torch.Tensor | None


def exp_buffer(rows: int, columns: int, like: torch.Tensor) -> torch.Tensor:
    """Room for E `[rows, columns]`, its rows padded to whole 16-byte units as the copy engine wants them."""
    unit = 16 // like.element_size()
    padded = -(-columns // unit) * unit
    return torch.empty((rows, padded), dtype=like.dtype, device=like.device)[:, :columns]


def row_stats(
    hidden: torch.Tensor, head: Head, targets: torch.Tensor, *, want_entropy: bool, e: torch.Tensor | None, slope: bool
) -> RowStats:
    """Log-prob, entropy and what the backward needs. With `e`, E is kept there, times the soft-cap's slope if asked."""
    from veritune.kernels.linear import triton_kernels as kernels

    n, v = hidden.shape[0], head.vocabulary
    stats = RowStats(*(torch.empty(n, dtype=torch.float32, device=hidden.device) for _ in range(6)))
    cap, flags = head.softcap or 1.0, {"BIAS": head.bias is not None, "CAP": head.softcap is not None}
    bias = head.weight if head.bias is None else head.bias
    kernels.anchor_kernel[(n,)](
        hidden, head.weight, bias, targets, stats.target_z, stats.anchors, v, head.width, hidden.stride(0),
        head.weight.stride(0), cap, head.to_base2, BLOCK=1024, num_warps=4, **flags,
    )  # fmt: skip
    tile = _tile(hidden)
    tiles = -(-v // tile["BN"])
    partial = torch.empty((1 + want_entropy, tiles, n), dtype=torch.float32, device=hidden.device)
    _exp(hidden, head, stats.anchors, e, partial, want_entropy=want_entropy, slope=slope)
    kernels.reduce_kernel[(-(-n // 32),)](
        partial[0], partial[-1], stats.sums, stats.mean, n, tiles, ROWS=32, TILES=32, ENTROPY=want_entropy, num_warps=4
    )
    kernels.settle_kernel[(-(-n // 16),)](
        hidden, head.weight, bias, hidden if e is None else e, stats.target_z, stats.anchors, stats.sums, stats.mean,
        stats.logp, stats.entropy, stats.mean, n, v, head.width, hidden.stride(0), head.weight.stride(0),
        0 if e is None else e.stride(0), cap, head.to_base2, SUM_LIMIT, ROWS=16, BN=64, BK=64, ENTROPY=want_entropy,
        STORE=e is not None, SLOPE=slope, num_warps=4, **flags,
    )  # fmt: skip
    return stats


def gradients_from_kept(
    e: torch.Tensor,
    hidden: torch.Tensor,
    head: Head,
    targets: torch.Tensor,
    stats: RowStats,
    grad_logp: torch.Tensor,
    grad_entropy: torch.Tensor | None,
    into: Gradients,
) -> None:
    """Adds the gradients of one block of tokens to `into`, from the E that `row_stats` kept; E is used up."""
    if grad_entropy is not None:
        _blend(e, head, stats, grad_logp, grad_entropy)
    scale, scaled = _patch(e, hidden, head, targets, stats, grad_logp, grad_entropy, 0, head.vocabulary, scaled=True)
    if into.hidden is not None:
        _scale_rows(e @ head.weight, into.hidden, scale)
    if into.weight is not None:
        # Float32 room adds up several blocks; narrower room is one block's alone.
        if into.weight.dtype is torch.float32:
            accumulate(into.weight, e.t(), scaled)
        else:
            product(e.t(), scaled, into.weight)
    if into.bias is not None:
        into.bias += _column_sums(e, scale)


def gradients_recomputed(
    hidden: torch.Tensor,
    head: Head,
    targets: torch.Tensor,
    stats: RowStats,
    grad_logp: torch.Tensor,
    grad_entropy: torch.Tensor | None,
    into: Gradients,
) -> None:
    """Writes the gradients to `into`, recomputing E a slice of the vocabulary at a time.

    Each slice's weight gradient is whole after one product, so it needs no float32 copy and no accumulation.
    """
    n, v = hidden.shape[0], head.vocabulary
    size = max(1024, LEAN_BYTES // (n * hidden.element_size()) // 256 * 256)
    scale, scaled = _patch(hidden, hidden, head, targets, stats, grad_logp, grad_entropy, 0, 0, scaled=True)
    total = None
    if into.hidden is not None:
        total = torch.zeros(hidden.shape, dtype=torch.float32, device=hidden.device)
    buffer = exp_buffer(n, min(size, v), hidden)
    for start in range(0, v, size):
        stop = min(v, start + size)
        part = head.part(start, stop)
        e = buffer[:, : stop - start]
        slope = head.softcap is not None and grad_entropy is None
        _exp(hidden, part, stats.anchors, e, None, want_entropy=False, slope=slope)
        if grad_entropy is not None:
            _blend(e, part, stats, grad_logp, grad_entropy)
        _patch(e, hidden, part, targets, stats, grad_logp, grad_entropy, start, stop - start, scaled=False)
        if total is not None:
            accumulate(total, e, part.weight)
        if into.weight is not None:
            product(e.t(), scaled, into.weight[start:stop])
        if into.bias is not None:
            into.bias[start:stop] += _column_sums(e, scale)
    if total is not None and into.hidden is not None:
        _scale_rows(total, into.hidden, scale)


def scale_in_place(tensor: torch.Tensor, factor: torch.Tensor) -> None:
    """tensor *= factor (one number on the device), without touching memory when it is 1."""
    from veritune.kernels.linear import triton_kernels as kernels

    n = tensor.numel()
    if n:
        kernels.multiply_kernel[(-(-n // 8192),)](tensor, factor, n, BLOCK=8192, num_warps=8)


def _tile(hidden: torch.Tensor) -> dict[str, int]:
    if hidden.device.type == "cpu":
        return {"BM": 32, "BN": 64, "BK": 32}
    return {"BM": 128, "BN": 256, "BK": 64}


def _exp(
    hidden: torch.Tensor,
    head: Head,
    anchors: torch.Tensor,
    e: torch.Tensor | None,
    partial: torch.Tensor | None,
    *,
    want_entropy: bool,
    slope: bool,
) -> None:
    from triton.tools.tensor_descriptor import TensorDescriptor

    from veritune.kernels.linear import triton_kernels as kernels

    n, v, tile = hidden.shape[0], head.vocabulary, _tile(hidden)
    split = hidden.device.type != "cpu"
    box = [tile["BM"], tile["BN"] // 2 if split else tile["BN"]]
    h_desc = TensorDescriptor(hidden, list(hidden.shape), list(hidden.stride()), [tile["BM"], tile["BK"]])
    weight = head.weight
    w_desc = TensorDescriptor(weight, list(weight.shape), list(weight.stride()), [tile["BN"], tile["BK"]])
    e_desc = h_desc if e is None else TensorDescriptor(e, list(e.shape), list(e.stride()), box)
    unused = anchors if partial is None else partial
    tiles = -(-n // tile["BM"]) * -(-v // tile["BN"])
    programs = min(tiles, _processors(hidden.device))
    kernels.exp_kernel[(programs,)](
        h_desc, w_desc, e_desc, anchors, weight if head.bias is None else head.bias, unused[0], unused[-1], n, v,
        head.width, head.softcap or 1.0, head.to_base2, GROUP=16, STAGES=3, PROGRAMS=programs, SPLIT=split,
        BIAS=head.bias is not None, CAP=head.softcap is not None, SUMS=partial is not None, ENTROPY=want_entropy,
        STORE=e is not None, SLOPE=slope, num_warps=8, num_stages=3, **tile,
    )  # fmt: skip


@functools.cache
def _processors(device: torch.device) -> int:
    return 2 if device.type == "cpu" else torch.cuda.get_device_properties(device).multi_processor_count


def _blend(e: torch.Tensor, head: Head, stats: RowStats, grad_logp: torch.Tensor, grad_entropy: torch.Tensor) -> None:
    from veritune.kernels.linear import triton_kernels as kernels

    kernels.blend_kernel[(e.shape[0],)](
        e, stats.anchors, stats.mean, grad_logp, grad_entropy, e.shape[1], e.stride(0), head.softcap or 1.0,
        1.0 / head.to_base2, BLOCK=4096, CAP=head.softcap is not None, num_warps=8,
    )  # fmt: skip


def _patch(
    e: torch.Tensor,
    hidden: torch.Tensor,
    head: Head,
    targets: torch.Tensor,
    stats: RowStats,
    grad_logp: torch.Tensor,
    grad_entropy: torch.Tensor | None,
    start: int,
    width: int,
    *,
    scaled: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Patches E at the targets in [start, start + width); returns the row scales v and v * hidden where `scaled`."""
    from veritune.kernels.linear import triton_kernels as kernels

    scale = torch.empty_like(stats.sums) if scaled else stats.sums
    weighted = torch.empty(hidden.shape, dtype=hidden.dtype, device=hidden.device) if scaled else hidden
    kernels.patch_kernel[(hidden.shape[0],)](
        e, hidden, weighted, targets, stats.target_z, stats.anchors, stats.sums, stats.mean, grad_logp,
        grad_logp if grad_entropy is None else grad_entropy, scale, start, width, head.width, hidden.stride(0),
        e.stride(0), head.softcap or 1.0, 1.0 / head.to_base2, head.to_base2 / LOG2E, BLOCK=1024,
        CAP=head.softcap is not None, ENTROPY=grad_entropy is not None, SCALED=scaled, num_warps=4,
    )  # fmt: skip
    return scale, weighted


def _scale_rows(x: torch.Tensor, out: torch.Tensor, scale: torch.Tensor) -> None:
    from veritune.kernels.linear import triton_kernels as kernels

    kernels.scale_rows_kernel[(x.shape[0],)](
        x, out, scale, x.shape[1], x.stride(0), out.stride(0), BLOCK=1024, num_warps=4
    )


def accumulate(out: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> None:
    """out += a @ b in float32, without rounding the product to the operands' dtype first."""
    if a.dtype is torch.float32:
        out.addmm_(a, b)
    else:
        torch.addmm(out, a, b, out_dtype=torch.float32, out=out)


def product(a: torch.Tensor, b: torch.Tensor, out: torch.Tensor) -> None:
    """out = a @ b, rounded once to the dtype of `out`."""
    if out.dtype is a.dtype:
        torch.mm(a, b, out=out)
    elif out.dtype is torch.float32:
        torch.mm(a, b, out_dtype=torch.float32, out=out)
    else:
        out.copy_(torch.mm(a, b, out_dtype=torch.float32))


def _column_sums(e: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """sum_i scale_i E_ij in float32; the scale travels as two numbers of E's dtype and so keeps its precision."""
    high = scale.to(e.dtype)
    pair = torch.stack((high, (scale - high.float()).to(e.dtype)), dim=1)
    if e.dtype is torch.float32:
        return (e.t() @ pair).sum(1)
    return torch.mm(e.t(), pair, out_dtype=torch.float32).sum(1)
