"""Quantisation to FP8 e4m3 in blocks, and back."""

from __future__ import annotations

import torch

from veritune.kernels.backend import Backend, compute_capability, interpreting, on_own_gpu, wants_triton
from veritune.kernels.fp8 import reference
from veritune.kernels.fp8.blocks import BLOCK, FP8, BlockQuantized, block_scales, ceil_div, row_scales

_FLOATS = (torch.bfloat16, torch.float16, torch.float32)
# How the kernel of both layouts in blocks of 1 x 128 is launched.
BOTH_LAUNCH = {"GROUP": 8, "num_warps": 4}


@on_own_gpu
def quantize_rows(x: torch.Tensor, *, pow2_scales: bool = False, backend: Backend = "auto") -> BlockQuantized:
    """Activations `[M, K]` in blocks of 1 x 128 along K: scale = max|x| / 448 of the block, data = fp8(x / scale).

    `pow2_scales` rounds scales up to a power of two, which makes scaling itself exact. A block that holds NaN or
    infinity gives NaN.
    """
    if not _on_triton(x, backend):
        return reference.quantize(x, (1, BLOCK), pow2_scales)
    from veritune.kernels.fp8 import triton_quantize as kernels

    x = _rows(x)
    m, k = x.shape
    out = BlockQuantized(_room(m, k, x), row_scales(m, k, x.device), (1, BLOCK), k)
    if x.numel():
        rows, groups = 16, 4
        grid = (ceil_div(m, rows) * ceil_div(ceil_div(k, BLOCK), groups),)
        kernels.rows_kernel[grid](
            x, out.data, out.scales, m, k, x.stride(0), ROWS=rows, GROUPS=groups, **_flags(pow2_scales), num_warps=8
        )
    return out


@on_own_gpu
def quantize_blocks(w: torch.Tensor, *, pow2_scales: bool = False, backend: Backend = "auto") -> BlockQuantized:
    """Weights `[N, K]` in blocks of 128 x 128; otherwise as `quantize_rows`."""
    if not _on_triton(w, backend):
        return reference.quantize(w, (BLOCK, BLOCK), pow2_scales)
    return _blocks(w, pow2_scales, both=False)[0]


@on_own_gpu
def quantize_both(
    x: torch.Tensor, block: tuple[int, int] = (1, 128), *, pow2_scales: bool = False, backend: Backend = "auto"
) -> tuple[BlockQuantized, BlockQuantized]:
    """`x` and its transpose, both quantised from the same high-precision read.

    With block (1, 128) each copy has its own scales along its own rows. With (128, 128) the transpose has the same
    values and scales. The transposed copy's rows are padded with zeros to whole blocks.

    Raises:
        ValueError: `block` is neither (1, 128) nor (128, 128).
    """
    if block not in ((1, BLOCK), (BLOCK, BLOCK)):
        raise ValueError(f"block={block}: expected (1, {BLOCK}) or ({BLOCK}, {BLOCK})")
    if not _on_triton(x, backend):
        transposed = reference.quantize(x.t(), block, pow2_scales, keep_padding=True)
        return reference.quantize(x, block, pow2_scales), transposed
    if block[0] == BLOCK:
        one, other = _blocks(x, pow2_scales, both=True)
        assert other is not None
        return one, other
    from veritune.kernels.fp8 import triton_quantize as kernels

    x = _rows(x)
    m, k = x.shape
    width = ceil_div(m, BLOCK) * BLOCK
    out = BlockQuantized(_room(m, k, x), row_scales(m, k, x.device), block, k)
    turned = BlockQuantized(_room(k, width, x), row_scales(k, m, x.device), block, m)
    if x.numel():
        rest = (x, out.data, out.scales, turned.data.view(torch.int32), turned.scales, m, k, x.stride(0), width)
        across = ceil_div(k, BLOCK)
        whole = m // BLOCK if k % BLOCK == 0 else 0
        if whole:
            kernels.rows_both_kernel[(whole * across,)](*rest, whole, **_flags(pow2_scales), **BOTH_LAUNCH)
        edge = ceil_div(m, BLOCK) - whole
        if edge:
            kernels.rows_both_edge_kernel[(edge * across,)](*rest, whole, edge, **_flags(pow2_scales), num_warps=8)
        _check_turned(x, out, turned, pow2_scales)
    return out, turned


def dequantize(q: BlockQuantized, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """data * scale, `[rows, columns]`."""
    return q.dequantize(dtype)


def _blocks(x: torch.Tensor, pow2: bool, *, both: bool) -> tuple[BlockQuantized, BlockQuantized | None]:
    from veritune.kernels.fp8 import triton_quantize as kernels

    x = _rows(x)
    n, k = x.shape
    width = ceil_div(n, BLOCK) * BLOCK
    block = (BLOCK, BLOCK)
    out = BlockQuantized(_room(n, k, x), block_scales(n, k, x.device), block, k)
    turned = BlockQuantized(_room(k, width, x), block_scales(k, n, x.device), block, n) if both else None
    t = turned or out
    if x.numel():
        kernels.blocks_kernel[(ceil_div(n, BLOCK) * ceil_div(k, BLOCK),)](
            x, out.data, out.scales, t.data.view(torch.int32) if both else t.data, t.scales, n, k, x.stride(0),
            out.scales.stride(0), t.scales.stride(0), width, BOTH=both, EVEN=_even(n, k),
            **_flags(pow2), num_warps=8,
        )  # fmt: skip
        if turned is not None:
            _check_turned(x, out, turned, pow2)
    return out, turned


# Kinds of call whose transposed copy has been compared with the reference in this process.
_checked: set[tuple[object, ...]] = set()


def _check_turned(x: torch.Tensor, out: BlockQuantized, turned: BlockQuantized, pow2: bool) -> None:
    """Compares the transposed copy with the reference once for each kind of compiled kernel, on its corner tiles.

    Some assemblers of CUDA 12 mix up bytes in such kernels; a model must not train on that. Raises RuntimeError.
    """
    rows, columns = x.shape
    kind = (
        x.dtype, out.block, pow2, x.device, *(size % 16 == 0 for size in (rows, columns, x.stride(0))),
        *(size % BLOCK == 0 for size in (rows, columns)), rows > BLOCK, columns > BLOCK,
    )  # fmt: skip
    if kind in _checked or interpreting() or torch.cuda.is_current_stream_capturing():
        return
    for r in {0, (rows - 1) // BLOCK * BLOCK}:
        for c in {0, (columns - 1) // BLOCK * BLOCK}:
            tile = x[r : r + BLOCK, c : c + BLOCK]
            if not bool(tile.isfinite().all()):  # NaN has many bytes: compare another time
                return
            law = reference.quantize(tile.t(), out.block, pow2)
            mine = turned.data[c : c + BLOCK, r : r + law.data.shape[1]]
            if not torch.equal(mine.view(torch.uint8), law.data.view(torch.uint8)):
                raise RuntimeError(
                    f"FP8 quantisation of a {tuple(x.shape)} {x.dtype} matrix comes out wrong on this GPU and version "
                    "of Triton: set VERITUNE_KERNELS=reference, or pass backend='reference'"
                )
    _checked.add(kind)


def _flags(pow2: bool) -> dict[str, bool]:
    """What every kernel is told: how scales are rounded, and whether single instructions can be asked for."""
    return {"POW2": pow2, "ASM": not interpreting()}


def _even(rows: int, columns: int) -> bool:
    return rows % BLOCK == 0 and columns % BLOCK == 0


def _rows(x: torch.Tensor) -> torch.Tensor:
    return x if x.stride(-1) == 1 else x.contiguous()


def _room(rows: int, columns: int, like: torch.Tensor) -> torch.Tensor:
    return torch.empty((rows, columns), dtype=FP8, device=like.device)


def _on_triton(x: torch.Tensor, backend: Backend) -> bool:
    if x.dim() != 2:
        raise ValueError(f"got a tensor of shape {tuple(x.shape)}: expected a matrix; flatten the leading axes first")
    if x.dtype not in _FLOATS and x.dtype is not torch.float64:
        raise ValueError(f"got {x.dtype}: expected a floating dtype to quantise from")
    why = "" if x.dtype in _FLOATS else f"it reads bfloat16, float16 and float32, not {x.dtype}"
    if not why and not interpreting() and compute_capability(x) < (8, 9):
        why = "FP8 needs a GPU of compute capability 8.9 or later"
    return wants_triton(x, backend, supported=not why, why=why)
