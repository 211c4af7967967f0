"""What a decoder layer does between its products, forward and backward: PyTorch here, one Triton kernel each on a GPU.

T tokens, H the hidden width, X the columns of query, key and value side by side, I the gated MLP's width.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from veritune.kernels.backend import wants_triton
from veritune.trainer.policy.block_heads import HeadNorms, Heads


def norm(x_TH: Tensor, weight_H: Tensor, eps: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """x / rms(x) · weight, computed in float32 and rounded once to ``dtype``; and 1 / rms, (T, 1) float32."""
    if wants_triton(x_TH, "auto"):
        from veritune.trainer.policy import block_launch

        return block_launch.norm(x_TH, weight_H, eps, dtype)
    x = _wide(x_TH)
    scale_T1 = torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)
    return (x * scale_T1 * weight_H).to(dtype), scale_T1


def norm_backward(
    upstream_TH: Tensor,
    x_TH: Tensor,
    weight_H: Tensor,
    scale_T1: Tensor,
    residual_TH: Tensor | None,
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradient of x (with ``residual_TH``, that of the branch around the norm, added), the same rounded to
    ``dtype``, and that of the weight (float32)."""
    if wants_triton(x_TH, "auto"):
        from veritune.trainer.policy import block_launch

        return block_launch.norm_backward(upstream_TH, x_TH, weight_H, scale_T1, residual_TH, dtype)
    normed = _wide(x_TH) * scale_T1
    weighted = _wide(upstream_TH) * weight_H
    along = (weighted * normed).mean(-1, keepdim=True)
    gradient = torch.addcmul(weighted, normed, along, value=-1).mul_(scale_T1)
    if residual_TH is not None:
        gradient += residual_TH
    found = gradient.to(x_TH.dtype)
    return found, found.to(dtype), (_wide(upstream_TH) * normed).sum(0)


def gated(gate_up_TJ: Tensor) -> Tensor:
    """silu(gate) · up."""
    if wants_triton(gate_up_TJ, "auto"):
        from veritune.trainer.policy import block_launch

        return block_launch.gated(gate_up_TJ)
    gate, up = gate_up_TJ.chunk(2, -1)
    return F.silu(gate) * up


def gated_backward(upstream_TI: Tensor, gate_up_TJ: Tensor) -> tuple[Tensor, Tensor]:
    """The gradient of gate and up, and once more silu(gate) · up."""
    if wants_triton(gate_up_TJ, "auto"):
        from veritune.trainer.policy import block_launch

        return block_launch.gated_backward(upstream_TI, gate_up_TJ)
    gate, up = gate_up_TJ.chunk(2, -1)
    lit = F.silu(gate)
    found = torch.empty_like(gate_up_TJ)
    into_gate, into_up = found.chunk(2, -1)
    torch.mul(upstream_TI, lit, out=into_up)
    into_gate.copy_(torch.ops.aten.silu_backward(upstream_TI * up, gate))
    return found, lit * up


def rotate(
    qkv_TX: Tensor, cos_Th: Tensor, sin_Th: Tensor, heads: Heads, norms: HeadNorms | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value (T, heads, width); query and key normed, where the model does so, and rotated.

    Without norms the result stands where ``qkv_TX`` stood.
    """
    if wants_triton(qkv_TX, "auto"):
        from veritune.trainer.policy import block_launch

        return block_launch.rotate(qkv_TX, cos_Th, sin_Th, heads, norms)
    both, value = _parts(qkv_TX, heads)
    if norms is not None:
        both = torch.cat([_head_norm(part, w, norms.eps)[0] for part, w in _normed(both, heads, norms)], 1)
    turned = _turned(both, cos_Th[:, None], sin_Th[:, None]).to(qkv_TX.dtype)
    return turned[:, : heads.query], turned[:, heads.query :], value


def rotate_backward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    raw_TX: Tensor | None,
    cos_Th: Tensor,
    sin_Th: Tensor,
    heads: Heads,
    norms: HeadNorms | None,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The gradient of ``qkv_TX`` from those of query, key and value; with norms (``raw_TX`` is what was rotated) also
    those of their weights, in float32."""
    if wants_triton(query, "auto"):
        from veritune.trainer.policy import block_launch

        return block_launch.rotate_backward(query, key, value, raw_TX, cos_Th, sin_Th, heads, norms)
    tokens, dtype = len(query), query.dtype
    back = _turned(torch.cat([query, key], 1), cos_Th[:, None], -sin_Th[:, None])
    if norms is None or raw_TX is None:
        return torch.cat([back.to(dtype).reshape(tokens, -1), value.reshape(tokens, -1)], 1), None, None
    both, _ = _parts(raw_TX, heads)
    parts, weights = [], []
    upstream = (back[:, : heads.query], back[:, heads.query :])
    for given, (part, weight) in zip(upstream, _normed(both, heads, norms), strict=True):
        _, normed, scale = _head_norm(part, weight, norms.eps)
        weighted = given * weight
        parts.append((weighted - normed * (weighted * normed).mean(-1, keepdim=True)) * scale)
        weights.append((given * normed).sum((0, 1)))
    found = torch.cat([*(p.to(dtype).reshape(tokens, -1) for p in parts), value.reshape(tokens, -1)], 1)
    return found, weights[0], weights[1]


def _parts(qkv_TX: Tensor, heads: Heads) -> tuple[Tensor, Tensor]:
    """Query and key heads, and value heads."""
    split = qkv_TX.view(len(qkv_TX), -1, heads.width)
    return split[:, : heads.query + heads.key], split[:, heads.query + heads.key :]


def _normed(both: Tensor, heads: Heads, norms: HeadNorms) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    return (both[:, : heads.query], norms.query_D), (both[:, heads.query :], norms.key_D)


def _head_norm(part: Tensor, weight_D: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    wide = _wide(part)
    scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)
    normed = wide * scale
    return normed * weight_D, normed, scale


def _turned(both: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = both.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def _wide(x: Tensor) -> Tensor:
    """In float32, or more where it has more."""
    return x.float() if x.element_size() < 4 else x
