"""The law for FP8 quantisation and block-scaled products, in plain PyTorch; the Triton kernels give the same bytes."""

from __future__ import annotations

import torch

from veritune.kernels.fp8.blocks import BLOCK, FP8, FP8_MAX, SMALLEST_MAX, BlockQuantized, ceil_div


def scale_of(amax: torch.Tensor, pow2: bool) -> torch.Tensor:
    """amax * (1 / 448), both rounded to float32, or the next power of two at or above it."""
    scale = amax.to(torch.float32).clamp(min=SMALLEST_MAX) * (1.0 / FP8_MAX)
    if not pow2:
        return scale
    mantissa, exponent = torch.frexp(scale)
    return torch.ldexp(torch.ones_like(scale), exponent - (mantissa == 0.5).to(exponent.dtype))


def to_fp8(x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """fp8(x * (1 / scale)), rounded to nearest even: one multiplication by a rounded reciprocal, on every device.

    DeepSeek-V3 divides by the scale; the two differ by one step of FP8 in about one byte of a thousand.
    """
    return (x * (1.0 / scale)).clamp(-FP8_MAX, FP8_MAX).to(FP8)


def _padded(x: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    return torch.nn.functional.pad(x.to(torch.float32), (0, columns - x.shape[1], 0, rows - x.shape[0]))


def quantize(x: torch.Tensor, block: tuple[int, int], pow2: bool, *, keep_padding: bool = False) -> BlockQuantized:
    """`x` `[rows, columns]` in blocks of (1, 128) or (128, 128)."""
    rows, columns = x.shape
    down, across = ceil_div(rows, block[0]), ceil_div(columns, BLOCK)
    tiles = _padded(x, down * block[0], across * BLOCK).view(down, block[0], across, BLOCK)
    scales = scale_of(tiles.abs().amax((1, 3)), pow2)
    data = to_fp8(tiles, scales[:, None, :, None]).view(torch.uint8).reshape(down * block[0], across * BLOCK)
    width = across * BLOCK if keep_padding else columns
    scales = (
        scales.t().contiguous().t() if block[0] == 1 else torch.nn.functional.pad(scales, (0, -across % 4))[:, :across]
    )
    return BlockQuantized(data[:rows, :width].contiguous().view(FP8), scales, block, columns)


def matmul(a: BlockQuantized, b: BlockQuantized, out_dtype: torch.dtype) -> torch.Tensor:
    """a @ b.T in float32 of the dequantised operands, rounded once."""
    return product(a.dequantize(), b.dequantize()).to(out_dtype)


def product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """a @ b.T as it is written: autocast would round dequantised operands to bfloat16 first."""
    with torch.autocast(a.device.type, enabled=False):
        return a @ b.t()
