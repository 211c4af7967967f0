"""Timing, peak memory and the table that benchmarks/kernels.py prints."""

from __future__ import annotations

import gc
import json
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
    """One line: medians of one implementation of one job."""

    section: str
    job: str
    name: str
    ms: float | None = None
    tb_s: float | None = None
    tflop_s: float | None = None
    floor_share: float | None = None
    peak_gb: float | None = None
    error: str = ""
    failure: str = ""


@dataclass
class Table:
    """Rows so far, and the ceilings against which shares are counted (TB/s read, TB/s copy, TFLOP/s bf16)."""

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
        self.say(f"\n{title}\n{'':46s}{'ms':>9s}{'TB/s':>8s}{'TFLOP/s':>9s}{'of floor':>9s}{'peak GB':>9s}  error")

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
        try:
            run()
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            out = run()
            torch.cuda.synchronize()
            row.peak_gb = (torch.cuda.max_memory_allocated() - before) / 1e9
            del out
            row.ms = float(do_bench(run, warmup=15, rep=budget_ms, return_mode="median"))
        except Exception as problem:  # a peer that fails here must not cost the rest of the run
            row.failure = f"{type(problem).__name__}: {str(problem).splitlines()[0][:110] if str(problem) else ''}"
            self.say(f"  {job:22s}{name:22s} failed: {row.failure}")
            return None
        if gigabytes:
            row.tb_s = gigabytes / row.ms
            row.floor_share = row.tb_s / (self.read if reads_only else self.copy)
        if tflop:
            row.tflop_s = tflop / row.ms * 1e3
            row.floor_share = row.tflop_s / (self.bf16 * (2 if fp8 else 1))

        def cell(value: float | None, form: str, width: int) -> str:
            return f"{'' if value is None else format(value, form):>{width}s}"

        self.say(
            f"  {job:22s}{name:22s}{row.ms:9.3f}{cell(row.tb_s, '.2f', 8)}{cell(row.tflop_s, '.0f', 9)}"
            f"{cell(row.floor_share, '.0%', 9)}{cell(row.peak_gb, '.2f', 9)}  {error}"
        )
        return row.ms

    def race(
        self, job: str, runs: dict[str, Callable[[], Any]], *, tflop: float, errors: dict[str, str], rounds: int = 3
    ) -> None:
        """Times several implementations of one FP8 product in turn, round after round: the card's clocks drift more
        within a minute than they differ. Medians of the rounds' medians."""
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(rounds):
            for name, run in runs.items():
                times[name].append(float(do_bench(run, warmup=5, rep=25, return_mode="median")))
        for name, found in times.items():
            ms = sorted(found)[rounds // 2]
            row = Row(self.current, job, name, ms, tflop_s=tflop / ms * 1e3, error=errors.get(name, ""))
            row.floor_share = tflop / ms * 1e3 / (2 * self.bf16)
            self.rows.append(row)
            best = min(sorted(f)[rounds // 2] for f in times.values())
            self.say(
                f"  {job:22s}{name:22s}{ms:9.3f}{'':8s}{row.tflop_s:9.0f}{row.floor_share:9.0%}{best / ms:9.2f}  "
                f"{row.error}"
            )

    def save(self, folder: Path, about: dict[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        rows = [{k: v for k, v in asdict(row).items() if v not in (None, "")} for row in self.rows]
        (folder / "kernels.json").write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n")
        (folder / "kernels.txt").write_text("\n".join(self.log) + "\n")


def relative(got: torch.Tensor, expected: torch.Tensor) -> float:
    """Relative error in the 2-norm."""
    return float((got.double() - expected.double()).norm() / expected.double().norm().clamp_min(1e-30))


def free() -> None:
    gc.collect()
    torch.cuda.empty_cache()
