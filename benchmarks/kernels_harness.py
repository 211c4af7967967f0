"""Timing, peak memory and the table that benchmarks/kernels.py prints."""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import triton
import triton.language as tl
from triton.testing import do_bench


@triton.jit
def read_kernel(x, out, n, BLOCK: tl.constexpr, PROGRAMS: tl.constexpr):  # noqa: ANN001, ANN201
    total = tl.zeros((BLOCK,), tl.float32)
    for i in tl.range(tl.program_id(0), n // BLOCK, PROGRAMS, num_stages=3):
        at = (tl.program_id(0).to(tl.int64) * 0 + i) * BLOCK + tl.arange(0, BLOCK)
        total += tl.load(x + at, eviction_policy="evict_first").to(tl.float32)
    tl.store(out + tl.program_id(0), tl.sum(total, 0))


def read(x: torch.Tensor, out: torch.Tensor) -> None:
    """Reads all of `x` and keeps one sum a program: the fastest a kernel can look at every element."""
    read_kernel[(out.numel(),)](x, out, x.numel(), BLOCK=8192, PROGRAMS=out.numel(), num_warps=8)


@dataclass
class Row:
    """One line: medians of one implementation of one job.

    Of a comparison also the time of every round, and the speed over the comparison's first line; `nats` is the largest
    error of a log-prob.
    """

    section: str
    job: str
    name: str
    ms: float | None = None
    tb_s: float | None = None
    tflop_s: float | None = None
    floor_share: float | None = None
    peak_gb: float | None = None
    times_first: float | None = None
    rounds: list[float] = field(default_factory=list)
    nats: float | None = None
    error: str = ""
    failure: str = ""


@dataclass
class Table:
    """Rows so far, and the ceilings against which shares are counted (TB/s read, TB/s copy, TFLOP/s bf16).

    `save` writes them to `folder` (nowhere without one) with what `about` says of the machine.
    """

    folder: Path | None = None
    about: dict[str, Any] = field(default_factory=dict)
    read: float = 4.3
    copy: float = 4.3
    bf16: float = 700.0
    rows: list[Row] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        print(text, flush=True)
        self.log.append(text)

    def section(self, name: str, title: str) -> None:
        self.current = name
        self.say(f"\n{title}\n{'':46s}{'ms':>9s}{'TB/s':>8s}{'TFLOP/s':>9s}{'of floor':>9s}{'peak GB':>9s}"
                 f"{'x first':>9s}  error")  # fmt: skip

    def time(
        self,
        job: str,
        name: str,
        run: Callable[[], Any],
        *,
        gigabytes: float | None = None,
        reads_only: bool = False,
        tflop: float | None = None,
        fp8: bool = False,
        error: str = "",
        budget_ms: int = 60,
    ) -> float | None:
        """Times `run` (median, L2 flushed between repetitions) after one call, and its peak memory above the inputs.

        `gigabytes` or `tflop` is the least the job must move or compute: the share of the floor follows from it.
        """
        row = Row(self.current, job, name, error=error)
        self.rows.append(row)
        if self.attempt(row, run, lambda: float(do_bench(run, warmup=15, rep=budget_ms, return_mode="median"))):
            self.report(row, gigabytes=gigabytes, reads_only=reads_only, tflop=tflop, fp8=fp8)
        return row.ms

    def attempt(self, row: Row, run: Callable[[], Any], measure: Callable[[], float]) -> bool:
        """Fills in `run`'s peak memory above the inputs and its time; false when it fails."""
        try:
            run()
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            out = run()
            torch.cuda.synchronize()
            row.peak_gb = (torch.cuda.max_memory_allocated() - before) / 1e9
            del out
            row.ms = measure()
        except Exception as problem:  # a peer that fails here must not cost the rest of the run
            row.failure = f"{type(problem).__name__}: {str(problem).splitlines()[0][:110] if str(problem) else ''}"
            self.say(f"  {row.job:22s}{row.name:22s} failed: {row.failure}")
            return False
        return True

    def report(self, row: Row, *, gigabytes: float | None, reads_only: bool, tflop: float | None, fp8: bool) -> None:
        """Prints a row that has its time, with rates and shares of the ceilings."""
        assert row.ms
        if gigabytes:
            row.tb_s = gigabytes / row.ms
            row.floor_share = row.tb_s / (self.read if reads_only else self.copy)
        if tflop:
            row.tflop_s = tflop / row.ms * 1e3
            row.floor_share = row.tflop_s / (self.bf16 * (2 if fp8 else 1))

        def cell(value: float | None, form: str, width: int) -> str:
            return f"{'' if value is None else format(value, form):>{width}s}"

        self.say(
            f"  {row.job:22s}{row.name:22s}{row.ms:9.3f}{cell(row.tb_s, '.2f', 8)}{cell(row.tflop_s, '.0f', 9)}"
            f"{cell(row.floor_share, '.0%', 9)}{cell(row.peak_gb, '.2f', 9)}{cell(row.times_first, '.3f', 9)}  "
            f"{row.error}"
        )

    def race(
        self, job: str, runs: dict[str, Callable[[], Any]], *, tflop: float, errors: dict[str, str], rounds: int = 12
    ) -> dict[str, list[float]]:
        """Times several implementations of one FP8 product in short bursts; returns each one's times, round by round.

        A burst comes after an idle pause, a flush of L2 and one unmeasured call, the same for all, and the order
        changes every round: what a power-hungry predecessor leaves of the clock has moved results by 15 %. The last
        column is the speed over the fastest's: the median over rounds of the two times in the same round.
        """
        flush = torch.empty(256 << 20, dtype=torch.uint8, device="cuda")
        count = max(3, min(40, round(3e-3 * 1.8 * self.bf16 / tflop)))
        names = list(runs)
        times: dict[str, list[float]] = {name: [] for name in names}
        for turn in range(rounds):
            shift = turn // 2 % len(names)
            order = names[shift:] + names[:shift]
            for name in reversed(order) if turn % 2 else order:
                torch.cuda.synchronize()
                time.sleep(0.008)
                flush.zero_()
                times[name].append(burst(runs[name], count))
        ms = {name: statistics.median(found) for name, found in times.items()}
        best = min(names, key=ms.__getitem__)
        for name in names:
            row = Row(self.current, job, name, ms[name], tflop_s=tflop / ms[name] * 1e3, error=errors.get(name, ""))
            row.floor_share = tflop / ms[name] * 1e3 / (2 * self.bf16)
            self.rows.append(row)
            self.say(
                f"  {job:22s}{name:22s}{ms[name]:9.3f}{'':8s}{row.tflop_s:9.0f}{row.floor_share:9.0%}"
                f"{paired(times, best, name):9.2f}  {row.error}"
            )
        return times

    def save(self) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        rows = [{k: v for k, v in asdict(row).items() if v not in (None, "", [])} for row in self.rows]
        (self.folder / "kernels.json").write_text(json.dumps({"about": self.about, "rows": rows}, indent=1) + "\n")
        (self.folder / "kernels.txt").write_text("\n".join(self.log) + "\n")


def burst(run: Callable[[], Any], count: int) -> float:
    """Milliseconds a call in `count` calls on end, after one unmeasured; the host launches ahead of the device."""
    start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    run()
    torch.cuda._sleep(3_000_000)
    start.record()
    for _ in range(count):
        run()
    stop.record()
    stop.synchronize()
    return start.elapsed_time(stop) / count


def paired(times: dict[str, list[float]], base: str, name: str) -> float:
    """Speed of `name` over that of `base`: the median of the ratios within each round."""
    return statistics.median(b / t for b, t in zip(times[base], times[name], strict=True))


def relative(got: torch.Tensor, expected: torch.Tensor) -> float:
    """Relative error in the 2-norm."""
    return float((got.double() - expected.double()).norm() / expected.double().norm().clamp_min(1e-30))


def free() -> None:
    gc.collect()
    torch.cuda.empty_cache()
