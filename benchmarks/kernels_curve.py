"""The loss of a small model trained in FP8 beside the same in bf16, over pairs of runs."""

from __future__ import annotations

import hashlib
import math
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from kernels_harness import Row, Table, free
from torch import nn

from veritune.kernels import convert_to_fp8
from veritune.kernels.fp8.linear import FP8Recipe

CONTEXT, BATCH, WARM_UP, PEAK_RATE = 512, 16, 50, 6e-4
HELD_OUT_BYTES = 4 << 20


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

    def __init__(self, width: int = 768, layers: int = 7) -> None:
        super().__init__()
        self.embed, self.place = nn.Embedding(256, width), nn.Embedding(CONTEXT, width)
        self.blocks = nn.Sequential(*(Block(width, width // 64) for _ in range(layers)))
        self.norm, self.lm_head = nn.RMSNorm(width), nn.Linear(width, 256, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embed(tokens) + self.place.weight[: tokens.shape[1]]
        return self.lm_head(self.norm(self.blocks(x)))


@dataclass
class Trained:
    """The training loss of every step, and the loss on the held-out text at the end."""

    curve: torch.Tensor
    held_out: float


def texts() -> tuple[torch.Tensor, torch.Tensor]:
    """Bytes of PyTorch's own source to train on, and of other files of it to measure on; a file's name decides."""
    root = Path(torch.__file__).parent
    parts: tuple[list[bytes], list[bytes]] = ([], [])
    for path in sorted(root.glob("**/*.py")):
        name = path.relative_to(root).as_posix().encode()
        parts[hashlib.sha256(name).digest()[0] % 6 == 0].append(path.read_bytes())
    train, held_out = (torch.frombuffer(bytearray(b"".join(part)), dtype=torch.uint8) for part in parts)
    return train.cuda(), held_out[:HELD_OUT_BYTES].cuda()


def loss_curve(table: Table, steps: int = 1000, pairs: int = 4, budget_s: float = 130.0) -> None:
    """Pairs of runs: the same weights at the start and the same data in the same order, in bf16 and with every linear
    layer of the blocks forced to FP8. The rate rises for 50 steps and falls to zero by a cosine, so that the loss at
    the end is that of a settled model. A pair is begun only if it fits the time, whatever its results."""
    train, held_out = texts()
    table.current = "curve"
    table.say(
        f"\nLoss of a 50M-parameter model, {steps} steps of {BATCH * CONTEXT} bytes out of {len(train) / 1e6:.1f} MB "
        f"of PyTorch's own source; held out: {len(held_out) / 1e6:.1f} MB of other files"
    )
    found: list[tuple[Trained, Trained]] = []
    begun = time.perf_counter()
    for seed in range(pairs):
        spent = time.perf_counter() - begun
        if seed > 1 and spent * (seed + 1) / seed > budget_s:
            table.say(f"  {seed} pairs took {spent:.0f} s: no time for another")
            break
        one, other = (_train(name, seed, train, held_out, steps) for name in ("bf16", "fp8"))
        found.append((one, other))
        windows = _windows(other.curve, one.curve)
        table.say(
            f"  seed {seed}: held out bf16 {one.held_out:.5f}, fp8 {other.held_out:.5f}, "
            f"{_percent(other.held_out, one.held_out):+.3f} %; training loss after the warm-up "
            f"{_percent(_mean(other.curve), _mean(one.curve)):+.3f} %, its windows of 100 steps {windows.min():+.3f} "
            f"to {windows.max():+.3f} %"
        )
    _summary(table, found, time.perf_counter() - begun)


def _summary(table: Table, found: list[tuple[Trained, Trained]], seconds: float) -> None:
    held_out = [_percent(other.held_out, one.held_out) for one, other in found]
    whole = [_percent(_mean(other.curve), _mean(one.curve)) for one, other in found]
    for name, gaps in (("held out", held_out), ("training mean", whole)):
        error = statistics.stdev(gaps) / math.sqrt(len(gaps))
        table.say(f"  fp8 against bf16, {name}: {statistics.mean(gaps):+.3f} % +- {error:.3f} (standard error)")
        table.rows.append(Row("curve", name, "fp8 against bf16", rounds=gaps, error=f"{statistics.mean(gaps):+.3f} %"))
    windows = torch.stack([_windows(other.curve, one.curve) for one, other in found]).mean(0)
    table.say(
        "  windows of 100 steps, mean of the pairs: " + " ".join(f"{gap:+.2f}" for gap in windows.tolist()) + " %"
    )
    base = [one.held_out for one, _ in found]
    table.say(
        f"  bf16 from seed to seed, held out: standard deviation {statistics.stdev(base) / statistics.mean(base):.3%}, "
        f"range {(max(base) - min(base)) / statistics.mean(base):.3%}; {seconds:.0f} s in all"
    )


def _percent(value: float, base: float) -> float:
    return (value / base - 1) * 100


def _mean(curve: torch.Tensor) -> float:
    return float(curve[WARM_UP:].mean())


def _windows(curve: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
    size = min(100, len(curve))
    return (curve.view(-1, size).mean(1) / base.view(-1, size).mean(1) - 1) * 100


def _train(name: str, seed: int, data: torch.Tensor, held_out: torch.Tensor, steps: int) -> Trained:
    """One run; the seed sets the weights and the order of the data."""
    torch.manual_seed(seed)
    model = Model().to(data.device)
    if name == "fp8":
        convert_to_fp8(model, recipe=FP8Recipe("always"))
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    draw = torch.Generator().manual_seed(seed)
    starts = torch.randint(0, len(data) - CONTEXT - 1, (steps, BATCH, 1), generator=draw).to(data.device)
    reach = torch.arange(CONTEXT + 1, device=data.device)
    losses = []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = PEAK_RATE * min((step + 1) / WARM_UP, 0.5 + 0.5 * math.cos(math.pi * step / steps))
        loss = _loss(model, data[starts[step] + reach].long())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.detach())
    curve = torch.stack(losses).cpu()
    return Trained(curve, _held_out(model, held_out))


def _loss(model: Model, tokens: torch.Tensor) -> torch.Tensor:
    with torch.autocast(tokens.device.type, torch.bfloat16):
        out = model(tokens[:, :-1])
    return nn.functional.cross_entropy(out.float().flatten(0, 1), tokens[:, 1:].flatten())


@torch.no_grad()
def _held_out(model: Model, text: torch.Tensor) -> float:
    """Mean loss over all windows of the held-out text, each in the precision it was trained in."""
    rows = text[: (len(text) - 1) // CONTEXT * CONTEXT + 1]
    windows = rows.unfold(0, CONTEXT + 1, CONTEXT)
    total = torch.zeros((), dtype=torch.float64, device=text.device)
    for part in torch.split(windows, 64):
        total += _loss(model, part.long()).double() * len(part)
    free()
    return float(total) / len(windows)
