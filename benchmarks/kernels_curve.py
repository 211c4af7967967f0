"""The loss of a small model trained in FP8 beside the same in bf16, and beside a bf16 run that differs by less than its
rounding: what that control shows is the noise of the comparison."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from kernels_curve_model import CONTEXT, Model, texts
from kernels_harness import Row, Table, free
from torch import nn

from veritune.kernels import convert_to_fp8
from veritune.kernels.fp8.linear import FP8Recipe

BATCH, STEPS, WARM_UP, PEAK_RATE, LAST = 48, 1000, 100, 3e-4, 200
HELD_OUT_TOKENS = 1 << 20
MOST_SEEDS = 8
ARMS = ("bf16", "control", "fp8")
MEASURES = ("held out", f"last {LAST} steps", "all steps")
# Steps made before one is recorded as a CUDA graph: they compile, choose engines and make the optimizer's states.
EAGER = 3


@dataclass
class Trained:
    """The training loss of every step, and the loss on the held-out text at the end."""

    curve: torch.Tensor
    held_out: float

    @property
    def measures(self) -> tuple[float, ...]:
        """In the order of MEASURES."""
        return self.held_out, float(self.curve[-LAST:].mean()), float(self.curve.mean())


def loss_curve(table: Table, budget_s: float = 420.0, device: str = "cuda") -> None:
    """Per seed three runs with the same data in the same order from the same weights: bf16 autocast over float32
    weights, the same with every initial weight changed by 1e-4 of itself (bf16 rounds by up to 4e-3), and every linear
    layer of the blocks in FP8. The rate rises for 100 steps and falls to zero by a cosine, so that the loss at the end
    is that of a settled model. How many seeds fit the time is decided by speed alone."""
    begun = time.perf_counter()
    train, held_out = (part.to(device) for part in texts())
    held_out = held_out[:HELD_OUT_TOKENS]
    table.current = "curve"
    epochs = STEPS * BATCH * CONTEXT / len(train)
    often = "once at most" if epochs <= 1 else f"{epochs:.1f} times"
    table.say(
        f"\nLoss of a 50M-parameter model, {STEPS} steps of {BATCH * CONTEXT} tokens out of {len(train) / 1e6:.1f} M "
        f"of Python source, seen {often}; held out: {len(held_out) / 1e6:.1f} M of other files"
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
            arms[arm] = _train(arm, seed, train, held_out)
            line = ", ".join(f"{m} {x:.5f}" for m, x in zip(MEASURES, arms[arm].measures, strict=True))
            table.say(f"  seed {seed}, {arm:8s}{line}; {time.perf_counter() - since:.0f} s")
            table.save()
        found.append(arms)
        slowest = max(slowest, time.perf_counter() - started)
    _summary(table, found)


def _summary(table: Table, found: list[dict[str, Trained]]) -> None:
    for index, measure in enumerate(MEASURES):
        for arm in ARMS[1:]:
            gaps = [_percent(arms[arm].measures[index], arms["bf16"].measures[index]) for arms in found]
            error = f" +- {statistics.stdev(gaps) / len(gaps) ** 0.5:.3f}" if len(gaps) > 1 else ""
            mean = f"{statistics.mean(gaps):+.3f}{error} %"
            each = ", ".join(f"{gap:+.3f}" for gap in gaps)
            table.say(f"  {arm} against bf16, {measure}: {mean} (mean and its standard error; by seed {each})")
            table.rows.append(Row("curve", measure, f"{arm} against bf16", rounds=gaps, error=mean))
    for arm in ARMS[1:]:
        windows = torch.stack([_windows(arms[arm].curve, arms["bf16"].curve) for arms in found]).mean(0)
        text = " ".join(f"{gap:+.2f}" for gap in windows.tolist())
        table.say(f"  {arm} against bf16, windows of 100 steps, mean of the seeds: {text} %")
    losses = torch.stack([arms["bf16"].curve for arms in found]).mean(0).view(-1, min(100, STEPS)).mean(1)
    table.say(f"  bf16, loss in the same windows: {' '.join(f'{loss:.3f}' for loss in losses.tolist())}")


def _percent(value: float, base: float) -> float:
    return (value / base - 1) * 100


def _windows(curve: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
    size = min(100, len(curve))
    return (curve.view(-1, size).mean(1) / base.view(-1, size).mean(1) - 1) * 100


def _train(arm: str, seed: int, data: torch.Tensor, held_out: torch.Tensor) -> Trained:
    """One run; the seed sets the weights and the order of the data. Nothing in a step waits for the device, which
    counts the steps itself, so that one recorded step can be replayed."""
    torch.manual_seed(seed)
    model = Model().to(data.device)
    if arm == "control":
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1 + 1e-4 * torch.randn_like(parameter))
    if arm == "fp8":
        convert_to_fp8(model, recipe=FP8Recipe("always"))
    parameters = list(model.parameters())
    rate, at = torch.zeros((), device=data.device), torch.zeros(1, dtype=torch.long, device=data.device)
    optimizer = torch.optim.AdamW(
        parameters, lr=rate, betas=(0.9, 0.95), weight_decay=0.1, fused=True, capturable=data.is_cuda
    )
    draw = torch.Generator().manual_seed(seed)
    starts = _starts(len(data), draw).to(data.device)
    shares = [min((i + 1) / WARM_UP, 0.5 + 0.5 * math.cos(math.pi * i / STEPS)) for i in range(STEPS)]
    rates = PEAK_RATE * torch.tensor(shares, device=data.device)
    reach = torch.arange(CONTEXT + 1, device=data.device)
    curve = torch.zeros(STEPS, device=data.device)

    def step() -> None:
        rate.copy_(rates[at][0])
        loss = _loss(model, data[starts[at][0] + reach])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        curve.index_copy_(0, at, loss.detach()[None])
        at.add_(1)

    _repeat(step, STEPS, cuda=data.is_cuda)
    return Trained(curve.cpu(), _held_out(model, held_out))


def _starts(tokens: int, draw: torch.Generator) -> torch.Tensor:
    """Where the windows of every step begin, `[STEPS, BATCH, 1]`: each window once before any of them comes again."""
    windows, wanted = (tokens - 1) // CONTEXT, STEPS * BATCH
    epochs = -(-wanted // windows)
    order = torch.cat([torch.randperm(windows, generator=draw) for _ in range(epochs)])
    return order[:wanted].view(STEPS, BATCH, 1) * CONTEXT


def _repeat(step: Callable[[], None], times: int, *, cuda: bool) -> None:
    """Makes a step so many times; on CUDA as a recorded graph, which spares the host some thousand launches a step."""
    if not cuda:
        for _ in range(times):
            step()
        return
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(EAGER):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    for _ in range(times - EAGER):
        graph.replay()
    torch.cuda.synchronize()


def _loss(model: nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    with torch.autocast(tokens.device.type, torch.bfloat16):
        out = model(tokens[:, :-1])
    return nn.functional.cross_entropy(out.float().flatten(0, 1), tokens[:, 1:].flatten())


@torch.no_grad()
def _held_out(model: nn.Module, text: torch.Tensor) -> float:
    """Mean loss over all windows of the held-out text, each in the precision it was trained in."""
    rows = text[: (len(text) - 1) // CONTEXT * CONTEXT + 1]
    windows = rows.unfold(0, CONTEXT + 1, CONTEXT)
    total = torch.zeros((), dtype=torch.float64, device=text.device)
    for part in torch.split(windows, BATCH):
        total += _loss(model, part).double() * len(part)
    mean = float(total) / len(windows)
    free()
    return mean
