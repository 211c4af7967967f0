"""Runs cases in Triton's interpreter, in a process of its own: the interpreter is chosen when kernels are defined.

Fresh memory is filled with NaN, so that an element nobody wrote shows. Prints one JSON object of errors by case.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any
from unittest import mock

os.environ["TRITON_INTERPRET"] = "1"
warnings.simplefilter("ignore")

import torch  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))
from cases import CASES  # type: ignore[import-not-found]  # noqa: E402

from veritune.kernels import linear_grpo_loss, linear_logprob  # noqa: E402
from veritune.kernels.fp8 import reference  # noqa: E402
from veritune.kernels.fp8.blocks import BlockQuantized  # noqa: E402
from veritune.kernels.fp8.gemm import fp8_matmul  # noqa: E402
from veritune.kernels.fp8.grouped import (  # noqa: E402
    make_groups,
    rows_product,
    rows_reference,
    sums_product,
    sums_reference,
)
from veritune.kernels.fp8.quantize import quantize_blocks, quantize_both, quantize_rows  # noqa: E402
from veritune.kernels.grpo.batch import Kept  # noqa: E402
from veritune.kernels.linear import engine  # noqa: E402


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


def launched_before_the_wait() -> dict[str, float]:
    """How many passes over the head were launched when the host first asked for the number of kept tokens."""
    launched: list[int] = []
    when_asked: list[int] = []
    row_stats, number = engine.row_stats, vars(Kept)["number"].func

    def launch(*args: Any, **options: Any) -> Any:
        launched.append(1)
        return row_stats(*args, **options)

    def ask(kept: Kept) -> int:
        when_asked.append(len(launched))
        return int(number(kept))

    counting = functools.cached_property(ask)
    counting.__set_name__(Kept, "number")
    h, w, y = torch.randn(2, 20, 24, requires_grad=True), torch.randn(70, 24), torch.randint(0, 70, (2, 20))
    with mock.patch.object(engine, "row_stats", launch), mock.patch.object(Kept, "number", counting):
        linear_grpo_loss(h, w, y, torch.ones(2), torch.rand(2, 20) > 0.5, backend="triton")
    return {"launched": float(when_asked[0])}


def kept_without_gradients() -> dict[str, float]:
    """How much room for E is made under `no_grad`, where parameters still ask for gradients."""
    made: list[int] = []
    room = engine.exp_buffer

    def make(*args: Any) -> torch.Tensor:
        made.append(1)
        return room(*args)

    h, w, y = torch.randn(2, 5, 24, requires_grad=True), torch.randn(70, 24, requires_grad=True), torch.ones(2, 5)
    with mock.patch.object(engine, "exp_buffer", make):
        for on in (True, False):
            with torch.set_grad_enabled(on):
                linear_logprob(h, w, y.long(), backend="triton")
                linear_grpo_loss(h, w, y.long(), torch.ones(2), y > 0, backend="triton")
            made.append(0)
    return {"with": float(sum(made[: made.index(0)])), "without": float(sum(made[made.index(0) :]))}


def grouped(turned: bool, dtype: torch.dtype) -> dict[str, float]:
    """Relative errors of the grouped kernels against the reference, of the same operands: an expert with more than a
    tile of rows, one without any, one with few."""
    groups = make_groups(torch.tensor([130, 130, 135], dtype=torch.int32), 135)
    n, k = 256, 128
    a = reference.quantize(groups.pad(torch.randn(135, k)), (1, 128), False)
    w = torch.randn(3 * n, k)
    b = reference.quantize(w.view(3, n, k).transpose(0, 1).reshape(n, 3 * k) if turned else w, (128, 128), False)
    mine = rows_product(a, b, groups, n, k, dtype, turned=turned).float()
    law = rows_reference(a, b, groups, n, k, dtype, turned=turned).float()
    left, right = (reference.quantize(torch.randn(rows, groups.rows), (1, 128), False) for rows in (n, k))
    sums, sums_law = (
        sums_product(left, right, groups, dtype).float(),
        sums_reference(left, right, groups, dtype).float(),
    )
    return {
        "rows": float((mine - law).norm() / law.norm()),
        "nobody's rows": float(mine[groups.tiles_T.repeat_interleave(128) < 0].abs().sum()),
        "sums": float((sums - sums_law).norm() / sums_law.norm()),
        "nobody's sum": float(sums[n : 2 * n].abs().sum()),
    }


def main() -> None:
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = True  # type: ignore[attr-defined]
    found = {name: case("cpu", torch.float32, "triton") for name, case in CASES.items()}
    for rows, columns in ((5, 128), (130, 140)):
        for pow2 in (False, True):
            found[f"quantise-{rows}x{columns}-{pow2}"] = quantised(rows, columns, pow2)
    found["kept-without-gradients"] = kept_without_gradients()
    found["launched-before-the-wait"] = launched_before_the_wait()
    found["multiply-130x256x256"] = multiplied(130, 256, 256)
    found["multiply-64x144x384"] = multiplied(64, 144, 384)
    found["grouped"] = grouped(False, torch.float32)
    found["grouped-turned"] = grouped(True, torch.float32)
    found["grouped-bfloat16"] = grouped(False, torch.bfloat16)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
