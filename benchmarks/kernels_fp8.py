"""FP8: quantisation, products, the linear layer, and a small model's loss curve."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from kernels_harness import Row, Table, free, paired, relative
from torch import nn

from veritune.kernels import FP8Linear, convert_to_fp8, fp8_matmul, quantize_blocks, quantize_both, quantize_rows
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

    table.time("1x128", "veritune", lambda: quantize_rows(x), gigabytes=3.03 * size, error=same_rows)
    table.time("1x128", "torch.compile", lambda: compiled(x), gigabytes=3.03 * size)
    table.time("1x128, both layouts", "veritune", lambda: quantize_both(x), gigabytes=4.06 * size, error=same_both)
    table.time("128x128", "veritune", lambda: quantize_blocks(x), gigabytes=3 * size)
    table.time("128x128, both layouts", "veritune", lambda: quantize_both(x, (128, 128)), gigabytes=4 * size,
               error=same_blocks)  # fmt: skip


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
    base = table.time(f"{n}x{k}", "bf16 Linear", lambda: step(plain), tflop=tflop)
    for name, layer in (("FP8Linear always", always), ("FP8Linear auto", auto)):
        ms = table.time(f"{n}x{k}", name, lambda layer=layer: step(layer), tflop=tflop, fp8=True, error=text)
        if base and ms:
            table.say(f"    {base / ms:.2f} times the speed of bf16")


class Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.RMSNorm(width), nn.RMSNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, t, c = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        a = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(a.transpose(1, 2).reshape(b, t, c))
        return x + self.down(nn.functional.gelu(self.up(self.norm2(x))))


class Model(nn.Module):
    """50 million parameters in its blocks, over bytes."""

    def __init__(self, width: int = 768, layers: int = 7, context: int = 512) -> None:
        super().__init__()
        self.embed, self.place = nn.Embedding(256, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, width // 64) for _ in range(layers)))
        self.norm, self.lm_head = nn.RMSNorm(width), nn.Linear(width, 256, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embed(tokens) + self.place.weight[: tokens.shape[1]]
        return self.lm_head(self.norm(self.blocks(x)))


def loss_curve(table: Table, steps: int = 1000, batch: int = 32, context: int = 512) -> None:
    """The same model on the same bytes (PyTorch's own source) in bf16 and in FP8, every layer forced."""
    table.say(f"\nLoss of a 50M-parameter model over {steps} steps of {batch * context} bytes of PyTorch's own source")
    files = sorted(Path(torch.__file__).parent.glob("**/*.py"))
    text = b"".join(path.read_bytes() for path in files)[: 48 << 20]
    data = torch.frombuffer(bytearray(text), dtype=torch.uint8).cuda()
    curves = {
        (name, seed): _train(name, seed, data, steps, batch, context) for seed in (0, 1) for name in ("bf16", "fp8")
    }
    for (name, seed), curve in curves.items():
        table.say(f"  {name:5s} seed {seed}: mean loss of the last 100 steps {curve[-100:].mean():.5f}")
    gaps = []
    for seed in (0, 1):
        base, fp8 = curves["bf16", seed], curves["fp8", seed]
        last = float(fp8[-100:].mean() / base[-100:].mean() - 1) * 100
        windows = (fp8.view(-1, 50).mean(1) / base.view(-1, 50).mean(1) - 1)[2:] * 100
        gaps.append(last)
        table.say(f"  fp8 against bf16, seed {seed}: {last:+.3f} % over the last 100 steps; windows of 50 after the "
                  f"warm-up {windows.min():+.3f} to {windows.max():+.3f} %")  # fmt: skip
        table.rows.append(Row("loss-curve", "50M, 1000 steps", f"fp8, seed {seed}", error=f"last 100 {last:+.3f} %"))
    noise = float(curves["bf16", 1][-100:].mean() / curves["bf16", 0][-100:].mean() - 1) * 100
    table.say(f"  mean of both {sum(gaps) / 2:+.3f} %; two seeds of bf16 differ by {noise:+.3f} %")


def _train(name: str, seed: int, data: torch.Tensor, steps: int, batch: int, context: int) -> torch.Tensor:
    """Losses of one run; the seed sets the weights, the order of the data is always the same."""
    torch.manual_seed(seed)
    model = Model().cuda()
    if name == "fp8":
        convert_to_fp8(model, recipe=FP8Recipe("always"))
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    draw = torch.Generator().manual_seed(7)
    losses = []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 6e-4 * min(1, (step + 1) / 50) * (0.51 + 0.49 * math.cos(math.pi * step / steps))
        start = torch.randint(0, len(data) - context - 1, (batch,), generator=draw)
        window = (start[:, None] + torch.arange(context + 1)).cuda()
        tokens = data[window].long()
        with torch.autocast("cuda", torch.bfloat16):
            out = model(tokens[:, :-1])
        loss = nn.functional.cross_entropy(out.float().flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.detach())
    free()
    return torch.stack(losses).cpu()
