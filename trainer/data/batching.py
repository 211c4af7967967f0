"""Cutting rows into micro-batches by a token budget, and lists of numbers into padded tensors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from veritune.trainer.data.rollouts import Rollout


def micro_batches(rows: Sequence[int], lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Rows in order of length, each batch at most ``budget`` padded tokens (or one row). ``lengths`` is by row."""
    batches: list[list[int]] = []
    for row in sorted(rows, key=lambda r: (lengths[r], r)):
        if batches and lengths[row] * (len(batches[-1]) + 1) <= budget:
            batches[-1].append(row)
        else:
            batches.append([row])
    return batches


def token_batches(rows: Sequence[int], lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Rows from the longest to the shortest, each batch at most ``budget`` tokens without padding (or one row)."""
    batches: list[list[int]] = []
    filled = 0
    for row in sorted(rows, key=lambda r: (-lengths[r], r)):
        if not batches or filled + lengths[row] > budget:
            batches.append([])
            filled = 0
        batches[-1].append(row)
        filled += lengths[row]
    return batches


def split(rows: Sequence[int], parts: int) -> list[list[int]]:
    """Contiguous parts whose sizes differ by at most one; empty parts are left out."""
    size, extra = divmod(len(rows), parts)
    bounds = [0]
    for part in range(parts):
        bounds.append(bounds[-1] + size + (part < extra))
    return [list(rows[a:b]) for a, b in pairwise(bounds) if b > a]


def written_mask(rollouts: Sequence[Rollout], width: int, device: torch.device) -> Tensor:
    """(B, width) 1.0 on the tokens that the policy wrote: by length, and by :attr:`Rollout.written` in episodes."""
    lengths_B1 = placed(torch.tensor([len(r.token_ids) for r in rollouts]), device)[:, None]
    mask_BT = (torch.arange(width, device=device) < lengths_B1).float()
    if any(r.written is not None for r in rollouts):
        mask_BT *= pad([r.written or [True] * len(r.token_ids) for r in rollouts], width, device)
    return mask_BT


def pad(values: Sequence[Sequence[float]], width: int, device: torch.device) -> Tensor:
    """(B, width) float32, zeros on the right."""
    return placed(filled(values, width, np.float32), device)


def filled(rows: Sequence[Sequence[float]], width: int, dtype: Any, fill: float = 0) -> Tensor:
    """(rows, width), ``fill`` on the right. By numpy, which reads lists and ranges several times faster than torch."""
    out = np.full((len(rows), width), fill, dtype)
    for into, row in zip(out, rows, strict=True):
        into[: len(row)] = row
    return torch.from_numpy(out)


def placed(tensor: Tensor, device: Any) -> Tensor:
    """The tensor on the device. A copy to a GPU waits for nothing: plain memory would wait for all work before it."""
    device = torch.device(device)
    if tensor.device.type == "cpu" and device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
