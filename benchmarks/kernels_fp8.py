"""FP8: quantisation, products and the linear layer."""

from __future__ import annotations

from typing import Any

import torch
from kernels_compare import Run, compare
from kernels_harness import Table, free, paired, relative
from torch import nn

from veritune.kernels import FP8Linear, fp8_matmul, quantize_blocks, quantize_both, quantize_rows
from veritune.kernels.fp8.gemm import candidates
from veritune.kernels.fp8.linear import FP8Recipe

# Layers of DeepSeek-V3 and Qwen-7B: out, in.
SHAPES = ((7168, 2048), (4096, 7168), (24576, 1536), (32768, 512), (7168, 16384), (37888, 3584), (3584, 18944))


def quantisation(table: Table, m: int = 16384, k: int = 7168) -> None:
    table.section("quantise", f"FP8 quantisation of [{m}, {k}] bf16")
    x = torch.randn(m, k, device="cuda").bfloat16()

    def byte_errors(mine: Any, law: Any) -> str:
        return f"{int((mine.data.cpu().view(torch.uint8) != law.data.view(torch.uint8)).sum())} bytes differ"

    few = x[:1024, :1024].contiguous()
    cpu = few.cpu()
    same_rows = byte_errors(quantize_rows(few), quantize_rows(cpu))
    both, law = quantize_both(few), quantize_both(cpu)
    same_both = f"{byte_errors(both[0], law[0])}, turned {byte_errors(both[1], law[1])}"
    both, law = quantize_both(few, (128, 128)), quantize_both(cpu, (128, 128))
    same_blocks = f"{byte_errors(both[0], law[0])}, turned {byte_errors(both[1], law[1])}"
    size = m * k / 1e9

    @torch.compile
    def compiled(z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        tiles = z.view(m, k // 128, 128).float()
        scale = tiles.abs().amax(-1, keepdim=True).clamp(min=1e-30) / 448.0
        return (tiles / scale).to(torch.float8_e4m3fn).view(m, k), scale.squeeze(-1)

    runs = [
        Run("1x128", "veritune", lambda: quantize_rows(x), gigabytes=3.03 * size, error=same_rows),
        Run("1x128", "torch.compile", lambda: compiled(x), gigabytes=3.03 * size),
        Run("1x128, both layouts", "veritune", lambda: quantize_both(x), gigabytes=4.06 * size, error=same_both),
        Run("128x128", "veritune", lambda: quantize_blocks(x), gigabytes=3 * size),
        Run("128x128, both layouts", "veritune", lambda: quantize_both(x, (128, 128)), gigabytes=4 * size,
            error=same_blocks),
    ]  # fmt: skip
    compare(table, runs, rounds=15, burst_ms=3)


def products(table: Table) -> None:
    shares: dict[str, float] = {}
    for m in (4096, 16384):
        table.section(f"gemm-{m}", f"FP8 products, M = {m}: share of twice the bf16 rate, then speed over the best's")
        for n, k in SHAPES:
            times = _products(table, m, n, k)
            if "gluon" in times and "cublaslt" in times:
                shares[f"{m}x{n}x{k}"] = paired(times, "cublaslt", "gluon")
            free()
    if shares:
        enough = sum(share >= 0.9 for share in shares.values())
        table.say(f"\nGluon over cuBLASLt, forward: 0.9 or more on {enough} of {len(shares)}")
        table.say("  " + ", ".join(f"{shape} {share:.2f}" for shape, share in shares.items()))


def _products(table: Table, m: int, n: int, k: int) -> dict[str, list[float]]:
    """Races the engines; returns the forward's times, round by round."""
    x, w = torch.randn(m, k, device="cuda").bfloat16(), torch.randn(n, k, device="cuda").bfloat16()
    a, by_block, by_row = quantize_rows(x), quantize_blocks(w), quantize_rows(w)
    tflop = 2 * m * n * k / 1e12
    forward: dict[str, list[float]] = {}
    for kind, b in (("fwd", by_block), ("wgrad", by_row)):
        law = fp8_matmul(quantize_rows(x[:128]), b, torch.float32, engine="reference")
        runs: dict[str, Any] = {"bf16 cuBLAS": lambda: x @ w.t()} if kind == "fwd" else {}
        for engine in (*(e for e in candidates(a, b, torch.bfloat16) if e != "reference"), "auto"):
            if kind == "fwd" or engine != "triton":
                runs[engine] = lambda b=b, engine=engine: fp8_matmul(a, b, engine=engine)
        errors = {name: f"{relative(run()[:128], law):.1e}" for name, run in runs.items()}
        times = table.race(f"{n}x{k} {kind}", runs, tflop=tflop, errors=errors)
        forward = forward or times
    return forward


def layers(table: Table, m: int = 16384) -> None:
    table.section("layer", f"Linear layer, forward and backward with quantisation, {m} tokens")
    for n, k in SHAPES:
        _layer(table, m, n, k)
        free()


def _layer(table: Table, m: int, n: int, k: int) -> None:
    x = torch.randn(m, k, device="cuda").bfloat16().requires_grad_()
    up = torch.randn(m, n, device="cuda").bfloat16()
    plain = nn.Linear(k, n, bias=False, device="cuda", dtype=torch.bfloat16)
    auto = FP8Linear.from_linear(plain)
    always = FP8Linear.from_linear(plain, FP8Recipe("always"))

    def step(layer: nn.Linear) -> Any:
        return torch.autograd.grad(layer(x), (x, layer.weight), up)

    tflop = 6 * m * n * k / 1e12
    text = " ".join(f"{relative(a, b):.1e}" for a, b in zip(step(always), step(plain), strict=True))
    runs = [Run(f"{n}x{k}", "bf16 Linear", lambda: step(plain), tflop=tflop)]
    for name, layer in (("FP8Linear always", always), ("FP8Linear auto", auto)):
        runs.append(Run(f"{n}x{k}", name, lambda layer=layer: step(layer), tflop=tflop, fp8=True, error=text))
    compare(table, runs)
