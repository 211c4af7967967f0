"""Causal attention over sequences that lie one behind the other: torch's FlashAttention, without mask or padding."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass
class Segments:
    """Where sequences begin and end in one row of tokens."""

    bounds_S: Tensor
    """0 and every sequence's end, int32, on the device."""
    lengths: Sequence[int]


def make_segments(lengths: Sequence[int], device: Any) -> Segments:
    ends = torch.tensor([0, *lengths], dtype=torch.int32).cumsum(0, dtype=torch.int32)
    return Segments(ends.to(device, non_blocking=True), list(lengths))


def takes_segments(device: torch.device, dtype: torch.dtype, width: int) -> bool:
    """Whether attention over sequences without padding runs here: heads of up to 256 numbers in half precision."""
    half = dtype in (torch.bfloat16, torch.float16)
    if device.type != "cuda" or not half or width % 8 or width > 256 or _varlen() is None:
        return False
    return torch.cuda.get_device_capability(device) >= (8, 0)


def attend_segments(query: Tensor, key: Tensor, value: Tensor, segments: Segments, scale: float) -> Tensor:
    """(T, heads, width) attention of each token over its own sequence up to itself; key heads may be fewer."""
    if query.is_cuda and query.dtype in (torch.bfloat16, torch.float16):
        longest, bounds = max(segments.lengths), segments.bounds_S
        run, options = _varlen() or (None, {})
        assert run is not None
        mixed: Tensor = run(
            query, key, value, bounds, bounds, longest, longest, scale=scale, window_size=(-1, 0), **options
        )
        return mixed
    parts = []
    lengths = list(segments.lengths)
    for q, k, v in zip(*(torch.split(x, lengths) for x in (query, key, value)), strict=True):
        q, k, v = (x.transpose(0, 1)[None] for x in (q, k, v))
        found = F.scaled_dot_product_attention(
            q, k, v, is_causal=True, scale=scale, enable_gqa=q.shape[1] != k.shape[1]
        )
        parts.append(found[0].transpose(0, 1))
    return torch.cat(parts)


@functools.cache
def _varlen() -> tuple[Any, dict[str, Any]] | None:
    """torch's function, from 2.11 on as it is called here, and the options that this version wants."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    takes = inspect.signature(varlen_attn).parameters
    if "window_size" not in takes or "scale" not in takes:
        return None
    return varlen_attn, {"enable_gqa": True} if "enable_gqa" in takes else {}
