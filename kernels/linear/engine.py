"""Launches the target-anchored kernels: row statistics, and gradients from what was kept of E and what was not."""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields

import torch

from veritune.kernels.linear.head import LOG2E, Head

# A row whose sum of exp2(z - anchor) passes this is recomputed with its maximum as anchor: 44 nats below certainty.
SUM_LIMIT = float(2**64)
# Least and most bytes of lean mode's room for E. Between them it is as large as a float32 copy of the head's gradient,
# which implementations that add that gradient up over chunks hold and this one does not.
LEAN_BYTES = (600 << 20, 1000 << 20)
# How the product behind E is launched on a GPU and in the interpreter.
GPU_LAUNCH = {"BM": 128, "BN": 256, "BK": 64, "GROUP": 16, "STAGES": 3, "num_warps": 8}
INTERPRETER_LAUNCH = {"BM": 32, "BN": 64, "BK": 32, "GROUP": 16, "STAGES": 1, "num_warps": 8}


@dataclass
class RowStats:
    """Per-row results of the forward, all `[N]` float32. Base 2 except `logp` and `entropy`, which are in nats."""

    target_z: torch.Tensor
    anchors: torch.Tensor
    sums: torch.Tensor
    mean: torch.Tensor
    logp: torch.Tensor
    entropy: torch.Tensor

    def first(self, rows: int) -> RowStats:
        return RowStats(*(getattr(self, field.name)[:rows] for field in fields(self)))


@dataclass
class Gradients:
    """Gradients of the head's inputs; None where not needed."""

    hidden: torch.Tensor | None
    weight: torch.Tensor | None
    bias: torch.Tensor | None


def no_rows(device: torch.device) -> RowStats:
    return RowStats(*(torch.empty(0, dtype=torch.float32, device=device) for _ in fields(RowStats)))


def exp_buffer(rows: int, columns: int, like: torch.Tensor) -> torch.Tensor:
    """Room for E `[rows, columns]`, its rows padded to whole 16-byte units as the copy engine wants them."""
    unit = 16 // like.element_size()
    padded = -(-columns // unit) * unit
    return torch.empty((rows, padded), dtype=like.dtype, device=like.device)[:, :columns]


def lean_room(hidden: torch.Tensor, head: Head) -> torch.Tensor:
    """Lean mode's room for a slice of E: whole tiles of columns, or all of a small vocabulary."""
    least, most = LEAN_BYTES
    size = min(max(least, 4 * head.weight.numel()), most)
    tile = _launch(hidden)["BN"]
    columns = max(1024, size // (hidden.shape[0] * hidden.element_size()) // tile * tile)
    return exp_buffer(hidden.shape[0], min(columns, head.vocabulary), hidden)


def row_stats(
    hidden: torch.Tensor,
    head: Head,
    targets: torch.Tensor,
    *,
    want_entropy: bool,
    e: torch.Tensor | None,
    slope: bool,
    count: torch.Tensor | None = None,
) -> RowStats:
    """Log-prob, entropy and what the backward needs. With `e`, as many of E's first columns as fit are kept there
    (whole tiles, or all), times the soft-cap's slope if asked.

    `count` (one int32 on the device): only so many of the first rows count. The others cost next to nothing and their
    results hold anything; so the host can launch all this before it knows the number.
    """
    from veritune.kernels.linear import triton_kernels as kernels

    n, v = hidden.shape[0], head.vocabulary
    kept = 0 if e is None else e.shape[1]
    stats = RowStats(*(torch.empty(n, dtype=torch.float32, device=hidden.device) for _ in range(6)))
    cap, flags = head.softcap or 1.0, {"BIAS": head.bias is not None, "CAP": head.softcap is not None}
    bias, number = head.weight if head.bias is None else head.bias, targets if count is None else count
    kernels.anchor_kernel[(n,)](
        hidden, head.weight, bias, targets, stats.target_z, stats.anchors, v, head.width, hidden.stride(0),
        head.weight.stride(0), cap, head.to_base2, BLOCK=1024, num_warps=4, **flags,
    )  # fmt: skip
    tile = _launch(hidden)["BN"]
    tiles = -(-v // tile)
    partial = torch.empty((1 + want_entropy, tiles, n), dtype=torch.float32, device=hidden.device)
    for start, stop, room in ((0, kept, e), (kept, v, None)):
        if start < stop:
            sums = partial[:, start // tile : -(-stop // tile)]
            part = head.part(start, stop)
            _exp(hidden, part, stats.anchors, room, sums, want_entropy=want_entropy, slope=slope, count=count)
    kernels.reduce_kernel[(-(-n // 32),)](
        partial[0], partial[-1], stats.sums, stats.mean, n, tiles, ROWS=32, TILES=128, ENTROPY=want_entropy, num_warps=8
    )
    kernels.settle_kernel[(-(-n // 16),)](
        hidden, head.weight, bias, hidden if e is None else e, stats.target_z, stats.anchors, stats.sums, stats.mean,
        stats.logp, stats.entropy, stats.mean, number, n, v, kept, head.width, hidden.stride(0), head.weight.stride(0),
        0 if e is None else e.stride(0), cap, head.to_base2, SUM_LIMIT, ROWS=16, BN=64, BK=64, ENTROPY=want_entropy,
        STORE=e is not None, SLOPE=slope, COUNTED=count is not None, num_warps=4, **flags,
    )  # fmt: skip
    return stats


def gradients(
    room: torch.Tensor,
    hidden: torch.Tensor,
    head: Head,
    targets: torch.Tensor,
    stats: RowStats,
    grad_logp: torch.Tensor,
    grad_entropy: torch.Tensor | None,
    into: Gradients,
    *,
    kept: bool,
) -> None:
    """Writes the gradients of a block of tokens to `into`; a weight gradient in float32 is added to.

    `room` holds a slice of E: if `kept`, the first columns as `row_stats` left them there (with the soft-cap's slope
    where there is no entropy gradient). The other columns are recomputed in it, one slice after the other: each
    slice's weight gradient is whole after one product, so it needs no float32 copy.
    """
    slices = _slices(head.vocabulary, room.shape[1], _launch(hidden)["BN"], kept=kept)
    slope = head.softcap is not None and grad_entropy is None
    scale = torch.empty_like(stats.sums)
    scaled = torch.empty(hidden.shape, dtype=hidden.dtype, device=hidden.device)
    # Of one slice the product is rounded once; those of several add up in float32.
    total_dtype = hidden.dtype if len(slices) == 1 else torch.float32
    total = None if into.hidden is None else torch.empty(hidden.shape, dtype=total_dtype, device=hidden.device)
    for start, stop in slices:
        e, part = room[:, : stop - start], head.part(start, stop)
        if start or not kept:
            _exp(hidden, part, stats.anchors, e, None, want_entropy=False, slope=slope)
        if grad_entropy is not None:
            _blend(e, part, stats, grad_logp, grad_entropy)
        _patch(e, hidden, part, targets, stats, grad_logp, grad_entropy, start, scale, scaled)
        if total is not None and start:
            accumulate(total, e, part.weight)
        elif total is not None:
            product(e, part.weight, total)
        if into.weight is not None:
            rows = into.weight[start:stop]
            if rows.dtype is torch.float32:
                accumulate(rows, e.t(), scaled)
            else:
                product(e.t(), scaled, rows)
        if into.bias is not None:
            into.bias[start:stop] += _column_sums(e, scale)
    if total is not None and into.hidden is not None:
        _scale_rows(total, into.hidden, scale)


def _slices(vocabulary: int, width: int, tile: int, *, kept: bool) -> list[tuple[int, int]]:
    """The first `width` columns if they were kept, and the others in as few slices of equal size as fit `width`."""
    first = width if kept else 0
    rest = vocabulary - first
    step = max(tile, -(-rest // max(1, -(-rest // width)) // tile) * tile)
    recomputed = [(start, min(start + step, vocabulary)) for start in range(first, vocabulary, step)]
    return [(0, first), *recomputed] if kept else recomputed


def scale_in_place(tensor: torch.Tensor, factor: torch.Tensor) -> None:
    """tensor *= factor (one number on the device), without touching memory when it is 1."""
    from veritune.kernels.linear import triton_kernels as kernels

    n = tensor.numel()
    if n:
        # Few programs: the usual factor is 1, and then their number is all that this costs.
        programs = min(-(-n // 8192), 16 * _processors(tensor.device))
        kernels.multiply_kernel[(programs,)](tensor, factor, n, BLOCK=8192, PROGRAMS=programs, num_warps=8)


def _launch(hidden: torch.Tensor) -> dict[str, int]:
    return INTERPRETER_LAUNCH if hidden.device.type == "cpu" else GPU_LAUNCH


def _exp(
    hidden: torch.Tensor,
    head: Head,
    anchors: torch.Tensor,
    e: torch.Tensor | None,
    partial: torch.Tensor | None,
    *,
    want_entropy: bool,
    slope: bool,
    count: torch.Tensor | None = None,
) -> None:
    from triton.tools.tensor_descriptor import TensorDescriptor

    from veritune.kernels.linear import triton_kernels as kernels

    n, v, tile = hidden.shape[0], head.vocabulary, _launch(hidden)
    # The epilogue takes the tile in halves, or in quarters where more of it would not fit the registers.
    quarters = head.softcap is not None and slope and want_entropy
    box = [tile["BM"], tile["BN"] // (4 if quarters else 2)]
    h_desc = TensorDescriptor(hidden, list(hidden.shape), list(hidden.stride()), [tile["BM"], tile["BK"]])
    weight = head.weight
    w_desc = TensorDescriptor(weight, list(weight.shape), list(weight.stride()), [tile["BN"], tile["BK"]])
    e_desc = h_desc if e is None else TensorDescriptor(e, list(e.shape), list(e.stride()), box)
    unused = anchors if partial is None else partial
    tiles = -(-n // tile["BM"]) * -(-v // tile["BN"])
    # Eight warps' accumulators fill a processor's registers: of programs with four, two run side by side.
    programs = min(tiles, _processors(hidden.device) * 8 // tile["num_warps"])
    kernels.exp_kernel[(programs,)](
        h_desc, w_desc, e_desc, anchors, weight if head.bias is None else head.bias, unused[0], unused[-1],
        anchors if count is None else count, n, v, head.width, head.softcap or 1.0, head.to_base2, PROGRAMS=programs,
        QUARTERS=quarters, BIAS=head.bias is not None, CAP=head.softcap is not None, SUMS=partial is not None,
        ENTROPY=want_entropy, STORE=e is not None, SLOPE=slope, COUNTED=count is not None, num_stages=tile["STAGES"],
        **tile,
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
    scale: torch.Tensor,
    scaled: torch.Tensor,
) -> None:
    """Patches E, whose columns begin at `start`, at the targets; with the first columns it also writes the row scales v
    and v * hidden."""
    from veritune.kernels.linear import triton_kernels as kernels

    kernels.patch_kernel[(hidden.shape[0],)](
        e, hidden, scaled, targets, stats.target_z, stats.anchors, stats.sums, stats.mean, grad_logp,
        grad_logp if grad_entropy is None else grad_entropy, scale, start, e.shape[1], head.width, hidden.stride(0),
        e.stride(0), head.softcap or 1.0, 1.0 / head.to_base2, head.to_base2 / LOG2E, BLOCK=1024,
        CAP=head.softcap is not None, ENTROPY=grad_entropy is not None, SCALED=start == 0, num_warps=4,
    )  # fmt: skip


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
