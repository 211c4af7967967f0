"""Other launch configurations of our kernels beside the ones in use: one section, run by hand after a change."""

from __future__ import annotations

from typing import Any

import torch
from kernels_compare import Run, compare
from kernels_harness import Table, free

from veritune.kernels import quantize_both
from veritune.kernels.fp8 import quantize
from veritune.kernels.linear import engine
from veritune.kernels.linear.head import Head

# BM, BN, BK, GROUP, STAGES, warps; of programs with four warps two share a processor.
PRODUCT = ((128, 256, 64, 16, 3, 8), (128, 256, 64, 16, 4, 8), (128, 256, 64, 8, 3, 8), (128, 256, 64, 32, 3, 8),
           (128, 256, 64, 64, 3, 8), (128, 256, 128, 16, 2, 8), (128, 128, 64, 16, 3, 4))  # fmt: skip
# GROUP, warps.
BOTH = ((8, 4), (1, 4), (4, 4), (16, 4), (56, 4), (8, 8))


def sweep(table: Table) -> None:
    """The first of our lines in each comparison is the configuration in use."""
    for width in (896, 1536):
        _product(table, width)
        free()
    _both(table)


def _product(table: Table, width: int, v: int = 151_936, n: int = 8192) -> None:
    table.section(f"sweep-{width}", f"Log-probs with E kept, H = {width}: BM BN BK GROUP STAGES warps; then x cuBLAS")
    hidden = torch.randn(n, width, device="cuda").bfloat16()
    head = Head((torch.randn(v, width, device="cuda") * 2 / width**0.5).bfloat16(), None, None, 1.0)
    y = torch.randint(0, v, (n,), device="cuda")
    room, e = torch.empty(n, v, device="cuda", dtype=torch.bfloat16), engine.exp_buffer(n, v, hidden)
    tflop, in_use = 2 * n * width * v / 1e12, engine.GPU_LAUNCH
    runs = [Run("cuBLAS", "product alone", lambda: torch.mm(hidden, head.weight.t(), out=room), tflop=tflop)]
    law = engine.row_stats(hidden, head, y, want_entropy=True, e=e, slope=False)
    for launch in PRODUCT:
        names = dict(zip(("BM", "BN", "BK", "GROUP", "STAGES", "num_warps"), launch, strict=True))

        def product(names: dict[str, int] = names) -> Any:
            engine.GPU_LAUNCH = names
            return engine.row_stats(hidden, head, y, want_entropy=True, e=e, slope=False)

        try:
            apart = float((product().logp - law.logp).abs().max())
        except Exception as problem:  # too much shared memory, say: reported by the comparison
            runs.append(Run("sums and E", " ".join(map(str, launch)), product, error=type(problem).__name__))
            continue
        runs.append(Run("sums and E", " ".join(map(str, launch)), product, tflop=tflop, error=f"logp {apart:.0e}"))
    compare(table, runs, rounds=9, burst_ms=14)
    engine.GPU_LAUNCH = in_use


def _both(table: Table, m: int = 16384, k: int = 7168) -> None:
    table.section("sweep-both", f"1x128 in both layouts, [{m}, {k}] bf16: GROUP, warps")
    x, in_use = torch.randn(m, k, device="cuda").bfloat16(), quantize.BOTH_LAUNCH
    law, runs = quantize_both(x), []
    for launch in BOTH:
        names = dict(zip(("GROUP", "num_warps"), launch, strict=True))

        def both(names: dict[str, Any] = names) -> Any:
            quantize.BOTH_LAUNCH = names
            return quantize_both(x)

        wrong = sum(
            int((a.data.view(torch.uint8) != b.data.view(torch.uint8)).sum()) for a, b in zip(both(), law, strict=True)
        )
        runs.append(
            Run("both", " ".join(map(str, launch)), both, gigabytes=4.06 * m * k / 1e9, error=f"{wrong} differ")
        )
    compare(table, runs, rounds=21, burst_ms=3)
    quantize.BOTH_LAUNCH = in_use
