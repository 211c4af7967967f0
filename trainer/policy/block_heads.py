"""How the heads of a decoder layer lie beside one another, and what norms them."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Heads(NamedTuple):
    """How X is laid out: query heads, then key heads, then value heads, each of ``width`` numbers."""

    query: int
    key: int
    width: int


class HeadNorms(NamedTuple):
    """Qwen3's norms over each query's and key's numbers."""

    query_D: Tensor
    key_D: Tensor
    eps: float
