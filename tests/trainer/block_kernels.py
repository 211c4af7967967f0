"""What a decoder layer does between its products, by its Triton kernels and in PyTorch; run on a GPU or, without an
argument, in Triton's interpreter. Prints one JSON object: for each result how far the kernel's is from PyTorch's in
float64, relative to its size, and how far PyTorch's in the same dtype is."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

if len(sys.argv) < 2:
    os.environ |= {"TRITON_INTERPRET": "1"}
os.environ["VERITUNE_KERNELS"] = "reference"

import torch

from veritune.trainer.policy import block_launch, block_ops
from veritune.trainer.policy.block_heads import HeadNorms, Heads

WHERE = sys.argv[1] if len(sys.argv) > 1 else "cpu"
HALF = torch.bfloat16 if WHERE != "cpu" else torch.float32
TOKENS, HIDDEN, INNER, HEADS = (37, 24, 40, Heads(3, 1, 12)) if WHERE == "cpu" else (3001, 896, 4864, Heads(14, 2, 64))
noise = torch.Generator().manual_seed(0)


def some(*shape: int, dtype: torch.dtype = HALF) -> torch.Tensor:
    return torch.randn(*shape, generator=noise).to(WHERE, dtype)


def exactly(value: object) -> object:
    """In float64, which every operation in PyTorch keeps to."""
    if isinstance(value, HeadNorms):
        return HeadNorms(value.query_D.double(), value.key_D.double(), value.eps)
    if isinstance(value, torch.dtype):
        return torch.float64
    return value.double() if isinstance(value, torch.Tensor) else value


def main() -> None:
    wide = torch.float32
    x, residual, weight = some(TOKENS, HIDDEN, dtype=wide), some(TOKENS, HIDDEN, dtype=wide), some(HIDDEN, dtype=wide)
    scale = torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)
    gate_up = some(TOKENS, 2 * INNER)
    qkv = some(TOKENS, (HEADS.query + 2 * HEADS.key) * HEADS.width)
    angle = some(TOKENS, HEADS.width // 2, dtype=wide)
    cos, sin = angle.cos(), angle.sin()
    norms = HeadNorms(some(HEADS.width, dtype=wide), some(HEADS.width, dtype=wide), 1e-6)
    given = [some(TOKENS, n, HEADS.width) for n in (HEADS.query, HEADS.key, HEADS.key)]
    upstream = some(TOKENS, HIDDEN)
    calls: dict[str, tuple[Any, ...]] = {
        "norm": ("norm", x, weight, 1e-6, HALF),
        "norm of the residual's dtype": ("norm", x.to(HALF), weight.to(HALF), 1e-6, HALF),
        "norm backward": ("norm_backward", upstream, x, weight, scale, residual, HALF),
        "last norm backward": ("norm_backward", upstream, x, weight, scale, None, x.dtype),
        "gated": ("gated", gate_up),
        "gated backward": ("gated_backward", some(TOKENS, INNER), gate_up),
        "rotate": ("rotate", qkv, cos, sin, HEADS, None),
        "rotate with norms": ("rotate", qkv, cos, sin, HEADS, norms),
        "rotate backward": ("rotate_backward", *given, None, cos, sin, HEADS, None),
        "rotate backward with norms": ("rotate_backward", *given, qkv, cos, sin, HEADS, norms),
    }
    errors = {}
    for title, (name, *arguments) in calls.items():
        plain = getattr(block_ops, name)
        copied = [a.clone() if isinstance(a, torch.Tensor) else a for a in arguments]
        results = [plain(*map(exactly, copied)), getattr(block_launch, name)(*arguments), plain(*copied)]
        exact, kernel, torchs = ([r] if isinstance(r, torch.Tensor) else [*r] for r in results)
        for number, (right, mine, theirs) in enumerate(zip(exact, kernel, torchs, strict=True)):
            if right is not None:
                size = float(right.norm())
                distances = [float((found.double() - right).norm()) / size for found in (mine, theirs)]
                errors[f"{title} {number}"] = distances
                assert mine.dtype is theirs.dtype, title
    errors |= adamw()
    print(json.dumps(errors))


def adamw() -> dict[str, list[float]]:
    """Three steps of the optimizer's kernel beside those in PyTorch: both round each step to float32, which is 2e-5 of
    what these weights move, and so may differ by some of that."""
    from veritune.trainer.policy import adamw as plain
    from veritune.trainer.policy.adamw_launch import update

    wide = some(3000, dtype=torch.float32)
    upper, rest = torch.zeros_like(wide, dtype=torch.bfloat16), torch.zeros_like(wide, dtype=torch.int16)
    plain.split_into(wide, upper, rest)
    average, average_sq, right, right_sq = (torch.zeros_like(wide) for _ in range(4))
    begun = wide.clone()
    for step in range(1, 4):
        gradient = some(3000, dtype=torch.float32)
        numbers = (1e-3, 0.9, 0.99, 1e-8, 0.1, 1 - 0.9**step, 1 - 0.99**step)
        update(upper, rest, gradient, average, average_sq, *numbers)
        plain._adamw(wide, gradient, right, right_sq, *numbers)
    off = float((plain.joined(upper, rest) - wide).norm()) / float((wide - begun).norm())
    return {"adamw": [off, 1e-4 / 1.2]}


if __name__ == "__main__":
    main()
