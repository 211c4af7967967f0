"""What a block-quantised matrix is."""

from __future__ import annotations

from dataclasses import dataclass

import torch

BLOCK = 128
FP8 = torch.float8_e4m3fn
FP8_MAX = 448.0
# An all-zero block has the scale of this maximum, so that its reciprocal stays finite.
SMALLEST_MAX = 1e-30


@dataclass
class BlockQuantized:
    """A matrix `[rows, columns]` as FP8 `data` times one float32 scale per block: x ~ data * scale.

    `block` is (1, 128), scales `[rows, columns / 128]` stored column by column, or (128, 128), scales
    `[rows / 128, columns / 128]` stored by rows of a multiple of four: the layouts that cuBLASLt's block scaling reads.
    `data` may be wider than `columns`: a transposed copy is padded with zeros to whole blocks.
    """

    data: torch.Tensor
    scales: torch.Tensor
    block: tuple[int, int]
    columns: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.data.shape[0], self.columns

    def dequantize(self, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """data * scale `[rows, columns]`."""
        rows = self.scales if self.block[0] == 1 else self.scales.repeat_interleave(BLOCK, 0)[: self.data.shape[0]]
        whole = rows.repeat_interleave(BLOCK, 1)[:, : self.columns]
        return (self.data[:, : self.columns].to(torch.float32) * whole).to(dtype)


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def row_scales(rows: int, columns: int, device: torch.device) -> torch.Tensor:
    """Room for the scales of 1 x 128 blocks, `[rows, columns / 128]` with stride (1, rows)."""
    return torch.empty((ceil_div(columns, BLOCK), rows), dtype=torch.float32, device=device).t()


def block_scales(rows: int, columns: int, device: torch.device) -> torch.Tensor:
    """Room for the scales of 128 x 128 blocks, each row padded to a multiple of four."""
    across = ceil_div(columns, BLOCK)
    whole = torch.zeros((ceil_div(rows, BLOCK), ceil_div(across, 4) * 4), dtype=torch.float32, device=device)
    return whole[:, :across]
