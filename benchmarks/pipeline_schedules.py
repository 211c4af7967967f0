"""Pipeline schedules: the bubble and the activations that a step holds, measured beside the formulas.

    python benchmarks/pipeline_schedules.py [--processes 2,4] [--micro-batches 16] [--unit 0.04]
                                            [--out benchmarks/results/pipeline_schedules.txt]

Processes talk through gloo and run torch's schedules with stages that sleep instead of computing: a forward, a gradient
of inputs and a gradient of weights take one unit each of a process's share of the layers (F = B = W), half of that in
a schedule with two stages a process. So what is measured is the schedule alone, whatever the machine computes with, and
processes may outnumber its cores. Bubble: the slowest process's time over that of its own work, less 1. Held: the most
micro-batches whose activations a process holds at once, in shares of its layers.

Formulas, P processes, n micro-batches, over n (F + B + W): GPipe and 1F1B (P − 1)/n (2104.04473, eq. 2); interleaved
(P − 1)/(v n) with v stages a process (ibid.); zero bubble with F = B = W: 0 (ZB-1P's (P − 1)(F + B − 2W), 2401.10241;
ZB-V 2405.15362); DualPipeV (P − 1)(F&B + B' − 3W) of chunks half the size, F&B = F + B' without overlap and
B' = B + W (2412.19437, table 2): (P − 1)/(3 n). Held: n; P; P (1 + (P − 1)/(P v)); P, P; P + 1.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.pipelining import PipelineStage
from torch.distributed.pipelining.schedules import PipelineScheduleMulti, get_schedule_class

from veritune.trainer.config.pipeline import PipelineConfig
from veritune.trainer.policy.pipeline.places import chunks, stages_of
from veritune.trainer.policy.pipeline.step import CLASSES

ROOT = Path(__file__).resolve().parent.parent
Formula = Callable[[int, int], float]
BUBBLE: dict[str, Formula] = {
    "gpipe": lambda p, n: (p - 1) / n,
    "1f1b": lambda p, n: (p - 1) / n,
    "interleaved": lambda p, n: (p - 1) / (2 * n),
    "interleaved_zb": lambda p, n: 0.0,
    "zbv": lambda p, n: 0.0,
    "dualpipev": lambda p, n: (p - 1) / (3 * n),
}
HELD: dict[str, Formula] = {
    "gpipe": lambda p, n: n,
    "1f1b": lambda p, n: p,
    "interleaved": lambda p, n: p * (1 + (p - 1) / (2 * p)),
    "interleaved_zb": lambda p, n: p * (1 + (p - 1) / (2 * p)),
    "zbv": lambda p, n: p,
    "dualpipev": lambda p, n: p + 1,
}


class Held:
    """Shares of layers whose activations are alive in this process."""

    now: ClassVar[float] = 0.0
    most: ClassVar[float] = 0.0

    @classmethod
    def add(cls, share: float) -> None:
        cls.now += share
        cls.most = max(cls.most, cls.now)


class _Work(torch.autograd.Function):
    """Sleeps forward, and sleeps for the gradient of its input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, seconds: float, share: float) -> Tensor:
        ctx.seconds = seconds
        time.sleep(seconds)
        Held.add(share)
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, None]:
        time.sleep(ctx.seconds)
        return upstream[0], None, None


class _Weight(torch.autograd.Function):
    """Sleeps for the gradient of a weight, after which the activations are free."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, seconds: float, share: float) -> Tensor:
        ctx.seconds, ctx.share = seconds, share
        return weight.clone()

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, None]:
        time.sleep(ctx.seconds)
        Held.add(-ctx.share)
        return upstream[0], None, None


class Sleeper(nn.Module):
    """A stage with a share of its process's layers."""

    def __init__(self, unit: float, share: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.seconds, self.share = unit * share, share

    def forward(self, x: Tensor) -> Tensor:
        worked: Tensor = _Work.apply(x, self.seconds, self.share)  # type: ignore[no-untyped-call]
        weight: Tensor = _Weight.apply(self.weight, self.seconds, self.share)  # type: ignore[no-untyped-call]
        return worked * weight


def member(options: argparse.Namespace) -> None:
    """One process: steps of one schedule; the first writes what all had."""
    dist.init_process_group("gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    torch.set_num_threads(1)
    config = PipelineConfig.model_validate({"stages": size, "schedule": options.schedule})
    numbers, each = stages_of(rank, config), chunks(config)
    shape = torch.zeros(1, 1, requires_grad=True)
    stages = [
        PipelineStage(
            Sleeper(options.unit, 1 / each), n, size * each, torch.device("cpu"), input_args=shape, output_args=shape
        )
        for n in numbers
    ]
    kind = get_schedule_class(CLASSES[options.schedule])
    several = issubclass(kind, PipelineScheduleMulti)
    schedule = kind(stages if several else stages[0], options.micro_batches, loss_fn=_loss, scale_grads=False)
    x = torch.arange(float(options.micro_batches))[:, None]
    seconds, losses = [], list[Tensor]()
    for step in range(1 + options.steps):
        dist.barrier()
        Held.now = Held.most = 0.0
        begun = time.perf_counter()
        last = {"target": x, "losses": losses} if size * each - 1 in numbers else {}
        schedule.step(*([x] if 0 in numbers else []), **last)
        if step:  # the first one agrees on shapes
            seconds.append(time.perf_counter() - begun)
    everybody: list[Any] = [None] * size
    dist.all_gather_object(
        everybody, (statistics.median(seconds), Held.most, [float(loss.detach()) for loss in losses])
    )
    if rank == 0:
        work = 3 * options.unit * options.micro_batches
        found = {
            "bubble": max(each[0] for each in everybody) / work - 1,
            "held": max(each[1] for each in everybody),
            "loss": sum(sum(each[2]) for each in everybody),
        }
        options.folder.write_text(json.dumps(found))
    dist.destroy_process_group()


def _loss(output: Tensor, target: Tensor) -> Tensor:
    return output.sum()


def run(options: argparse.Namespace, schedule: str, processes: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "found.json"
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        command += [str(Path(__file__).resolve()), "--schedule", schedule, "--folder", str(result)]
        for name in ("micro_batches", "unit", "steps"):
            command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
        python_path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": python_path, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise RuntimeError(f"{schedule} with {processes} failed\n{done.stderr[-2000:]}")
        found: dict[str, float] = json.loads(result.read_text())
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", default="2,4")
    parser.add_argument("--micro-batches", type=int, default=16)
    parser.add_argument("--unit", type=float, default=0.04, help="seconds of F, of B and of W")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "pipeline_schedules.txt")
    parser.add_argument("--schedule", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.schedule:
        member(options)
        return
    lines = [
        f"date      {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC",
        f"machine   {platform.machine()}, {os.cpu_count()} cores, gloo; torch {torch.__version__}",
        f"job       {options.micro_batches} micro-batches, F = B = W = {options.unit} s a process; medians of "
        f"{options.steps} steps",
        "",
        f"{'processes':>10}  {'schedule':16}{'bubble':>9}{'formula':>9}{'held':>8}{'formula':>9}{'loss':>10}",
    ]
    print("\n".join(lines), flush=True)
    for processes in map(int, options.processes.split(",")):
        for schedule in CLASSES:
            found = run(options, schedule, processes)
            bubble, held = (
                BUBBLE[schedule](processes, options.micro_batches),
                HELD[schedule](processes, options.micro_batches),
            )
            lines.append(
                f"{processes:10}  {schedule:16}{found['bubble']:9.3f}{bubble:9.3f}{found['held']:8.1f}{held:9.1f}"
                f"{found['loss']:10.1f}"
            )
            print(lines[-1], flush=True)
            options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
