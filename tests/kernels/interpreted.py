"""Runs cases in Triton's interpreter, in a process of its own: the interpreter is chosen when kernels are defined.

Fresh memory is filled with NaN, so that an element nobody wrote shows. Prints one JSON object of errors by case.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path

os.environ["TRITON_INTERPRET"] = "1"
warnings.simplefilter("ignore")

import torch  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))
from cases import CASES  # type: ignore[import-not-found]  # noqa: E402

from veritune.kernels.fp8 import reference  # noqa: E402
from veritune.kernels.fp8.blocks import BlockQuantized  # noqa: E402
from veritune.kernels.fp8.gemm import fp8_matmul  # noqa: E402
from veritune.kernels.fp8.quantize import quantize_blocks, quantize_both, quantize_rows  # noqa: E402


def quantised(rows: int, columns: int, pow2: bool) -> dict[str, float]:
    """Share of bytes that differ from the reference (the interpreter's cast is inexact), and of scales."""
    x = torch.randn(rows, columns) * torch.rand(rows, 1) * 10
    pairs: dict[str, tuple[BlockQuantized, BlockQuantized]] = {
        "rows": (quantize_rows(x, pow2_scales=pow2, backend="triton"), quantize_rows(x, pow2_scales=pow2)),
        "blocks": (quantize_blocks(x, pow2_scales=pow2, backend="triton"), quantize_blocks(x, pow2_scales=pow2)),
    }
    for block in ((1, 128), (128, 128)):
        mine = quantize_both(x, block, pow2_scales=pow2, backend="triton")
        law = quantize_both(x, block, pow2_scales=pow2)
        pairs[f"both{block[0]}"], pairs[f"turned{block[0]}"] = (mine[0], law[0]), (mine[1], law[1])
    found = {}
    for name, (one, other) in pairs.items():
        found[f"{name} scales"] = float((one.scales != other.scales).sum())
        found[f"{name} bytes"] = float((one.data.view(torch.uint8) != other.data.view(torch.uint8)).float().mean())
    return found


def multiplied(m: int, n: int, k: int) -> dict[str, float]:
    a = quantize_rows(torch.rand(m, k))
    found = {}
    for name, b in (("blocks", quantize_blocks(torch.rand(n, k))), ("rows", quantize_rows(torch.rand(n, k)))):
        got = fp8_matmul(a, b, torch.float32, engine="triton")
        expected = reference.matmul(a, b, torch.float32)
        found[name] = float((got - expected).norm() / expected.norm())
    return found


def main() -> None:
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = True  # type: ignore[attr-defined]
    found = {name: case("cpu", torch.float32, "triton") for name, case in CASES.items()}
    for rows, columns in ((5, 128), (130, 300)):
        for pow2 in (False, True):
            found[f"quantise-{rows}x{columns}-{pow2}"] = quantised(rows, columns, pow2)
    found["multiply-130x256x256"] = multiplied(130, 256, 256)
    found["multiply-64x144x384"] = multiplied(64, 144, 384)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
