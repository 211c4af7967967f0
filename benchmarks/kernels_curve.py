"""The loss of a small model trained in FP8 beside the same in bf16, and beside a bf16 run that differs by less than its
rounding: what that control shows is the noise of the comparison."""

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

WIDTH, LAYERS, CONTEXT, BATCH = 768, 7, 512, 48
STEPS, WARM_UP, PEAK_RATE, LAST = 1000, 100, 3e-4, 200
HELD_OUT_BYTES = 4 << 20
SEEDS, MOST_SEEDS = 2, 4
ARMS = ("bf16", "control", "fp8")
MEASURES = ("held out", f"last {LAST} steps")


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
    """50 million parameters in its blocks, over bytes; GPT-2's initial weights."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.place = nn.Embedding(256, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block(WIDTH, WIDTH // 64) for _ in range(LAYERS)))
        self.norm, self.lm_head = nn.RMSNorm(WIDTH), nn.Linear(WIDTH, 256, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                to_residual = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * LAYERS) if to_residual else 0.02)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embed(tokens) + self.place.weight[: tokens.shape[1]]
        return self.lm_head(self.norm(self.blocks(x)))


@dataclass
class Trained:
    """The training loss of every step, the mean of the last ones, and the loss on the held-out text at the end."""

    curve: torch.Tensor
    held_out: float

    @property
    def measures(self) -> tuple[float, float]:
        return self.held_out, float(self.curve[-LAST:].mean())


def texts(device: str = "cuda") -> tuple[torch.Tensor, torch.Tensor]:
    """Bytes of PyTorch's own source to train on, and of other files of it to measure on; a file's name decides."""
    root = Path(torch.__file__).parent
    parts: tuple[list[bytes], list[bytes]] = ([], [])
    for path in sorted(root.glob("**/*.py")):
        name = path.relative_to(root).as_posix().encode()
        parts[hashlib.sha256(name).digest()[0] % 6 == 0].append(path.read_bytes())
    train, held_out = (torch.frombuffer(bytearray(b"".join(part)), dtype=torch.uint8) for part in parts)
    return train.to(device), held_out[:HELD_OUT_BYTES].to(device)


def loss_curve(table: Table, budget_s: float = 230.0, device: str = "cuda") -> None:
    """Per seed three runs with the same data in the same order from the same weights: bf16 autocast over float32
    weights, the same with every initial weight changed by 1e-4 of itself (bf16 rounds by up to 4e-3), and every linear
    layer of the blocks in FP8. The rate rises for 100 steps and falls to zero by a cosine, so that the loss at the end
    is that of a settled model. How many steps and seeds fit the time is decided by speed alone."""
    begun = time.perf_counter()
    train, held_out = texts(device)
    table.current = "curve"
    steps = _steps(train, held_out, begun, budget_s)
    table.say(
        f"\nLoss of a 50M-parameter model, {steps} steps of {BATCH * CONTEXT} bytes out of {len(train) / 1e6:.1f} MB "
        f"of PyTorch's own source; held out: {len(held_out) / 1e6:.1f} MB of other files"
    )
    found: list[dict[str, Trained]] = []
    slowest = 0.0
    for seed in range(MOST_SEEDS):
        started = time.perf_counter()
        if found and started - begun + slowest > budget_s:
            table.say(f"  {started - begun:.0f} s since the start: no time for another seed")
            break
        arms: dict[str, Trained] = {}
        for arm in ARMS:
            since = time.perf_counter()
            arms[arm] = _train(arm, seed, train, held_out, steps)
            line = ", ".join(f"{m} {x:.5f}" for m, x in zip(MEASURES, arms[arm].measures, strict=True))
            table.say(f"  seed {seed}, {arm:8s}{line}; {time.perf_counter() - since:.0f} s")
            table.save()
        found.append(arms)
        slowest = max(slowest, time.perf_counter() - started)
    _summary(table, found)


def _steps(train: torch.Tensor, held_out: torch.Tensor, begun: float, budget_s: float) -> int:
    """STEPS, or as many hundreds of them as let SEEDS seeds fit; compiles and chooses FP8's engines on the way."""
    pace, some = {}, 50
    for arm in ("bf16", "fp8"):
        _train(arm, 0, train, held_out[: BATCH * CONTEXT + 1], 2)
        since = time.perf_counter()
        _train(arm, 0, train, held_out[: BATCH * CONTEXT + 1], some)
        pace[arm] = (time.perf_counter() - since) / some
    every = 2 * pace["bf16"] + pace["fp8"]
    # The pass over the held-out text takes a third of a step for a step's bytes; a tenth of the time is kept back.
    measuring = len(held_out) / (3 * BATCH * CONTEXT)
    room = 0.9 * (budget_s - (time.perf_counter() - begun)) / (SEEDS * every) - measuring
    return min(STEPS, max(2 * LAST, int(room) // 100 * 100))


def _summary(table: Table, found: list[dict[str, Trained]]) -> None:
    for index, measure in enumerate(MEASURES):
        for arm in ARMS[1:]:
            gaps = [_percent(arms[arm].measures[index], arms["bf16"].measures[index]) for arms in found]
            mean = f"{statistics.mean(gaps):+.3f} %"
            each = ", ".join(f"{gap:+.3f}" for gap in gaps)
            table.say(f"  {arm} against bf16, {measure}: {mean} (by seed {each})")
            table.rows.append(Row("curve", measure, f"{arm} against bf16", rounds=gaps, error=mean))
    for arm in ARMS[1:]:
        windows = torch.stack([_windows(arms[arm].curve, arms["bf16"].curve) for arms in found]).mean(0)
        text = " ".join(f"{gap:+.2f}" for gap in windows.tolist())
        table.say(f"  {arm} against bf16, windows of 100 steps, mean of the seeds: {text} %")


def _percent(value: float, base: float) -> float:
    return (value / base - 1) * 100


def _windows(curve: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
    size = min(100, len(curve))
    return (curve.view(-1, size).mean(1) / base.view(-1, size).mean(1) - 1) * 100


def _train(arm: str, seed: int, data: torch.Tensor, held_out: torch.Tensor, steps: int) -> Trained:
    """One run; the seed sets the weights and the order of the data."""
    torch.manual_seed(seed)
    model = Model().to(data.device)
    if arm == "control":
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1 + 1e-4 * torch.randn_like(parameter))
    if arm == "fp8":
        convert_to_fp8(model, recipe=FP8Recipe("always"))
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=PEAK_RATE, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    draw = torch.Generator().manual_seed(seed)
    starts = torch.randint(0, len(data) - CONTEXT - 1, (steps, BATCH, 1), generator=draw).to(data.device)
    reach = torch.arange(CONTEXT + 1, device=data.device)
    losses = []
    for step in range(steps):  # nothing in here waits for the device
        for group in optimizer.param_groups:
            group["lr"] = PEAK_RATE * min((step + 1) / WARM_UP, 0.5 + 0.5 * math.cos(math.pi * step / steps))
        loss = _loss(model, data[starts[step] + reach].long())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
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
    for part in torch.split(windows, BATCH):
        total += _loss(model, part.long()).double() * len(part)
    mean = float(total) / len(windows)
    free()
    return mean
