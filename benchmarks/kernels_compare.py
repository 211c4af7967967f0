"""Measures implementations in turn, so that what one leaves of the card's clock is not charged to the next."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from kernels_harness import Row, Table, burst, paired


@dataclass
class Run:
    """One implementation of one job. `gigabytes` or `tflop` is the least that the job must move or compute."""

    job: str
    name: str
    call: Callable[[], Any]
    gigabytes: float | None = None
    reads_only: bool = False
    tflop: float | None = None
    fp8: bool = False
    error: str = ""
    nats: float | None = None


def compare(table: Table, runs: Sequence[Run], *, rounds: int = 9, burst_ms: float = 20.0) -> dict[str, list[float]]:
    """Times all runs round after round, the order turned by one each time; returns each one's times by name.

    Before that every run is made by itself, for its peak memory. A burst comes after the same idle pause, a flush of
    L2 and one unmeasured call. The column "x first" is the speed over that of the first run: the median over the rounds
    of the two times of the same round, which drifts of the clock move far less than they move the times.
    """
    flush = torch.empty(256 << 20, dtype=torch.uint8, device="cuda")
    able: list[tuple[Run, Row, int]] = []
    for run in runs:
        row = Row(table.current, run.job, run.name, error=run.error, nats=run.nats)
        table.rows.append(row)
        if table.attempt(row, run.call, lambda run=run: burst(run.call, 1)):  # type: ignore[misc]
            able.append((run, row, max(1, min(50, round(burst_ms / (row.ms or 1.0))))))
    for turn in range(rounds):
        shift = turn % max(1, len(able))
        for run, row, count in able[shift:] + able[:shift]:
            torch.cuda.synchronize()
            time.sleep(0.008)
            flush.zero_()
            row.rounds.append(round(burst(run.call, count), 5))
    times = {f"{run.job} {run.name}": row.rounds for run, row, _ in able}
    for run, row, _ in able:
        row.ms = statistics.median(row.rounds)
        row.times_first = paired(times, f"{able[0][0].job} {able[0][0].name}", f"{run.job} {run.name}")
        table.report(row, gigabytes=run.gigabytes, reads_only=run.reads_only, tflop=run.tflop, fp8=run.fp8)
    return times


def speed(table: Table, section: str, base: tuple[str, str], other: tuple[str, str]) -> float | None:
    """How many times faster the job and name `other` is than `base`, from the rounds they share; None if one is
    missing."""
    rows = {(row.job, row.name): row for row in table.rows if row.section == section and row.ms}
    one, two = rows.get(base), rows.get(other)
    if one is None or two is None or not one.ms or not two.ms:
        return None
    if one.rounds and len(one.rounds) == len(two.rounds):
        return paired({"base": one.rounds, "other": two.rounds}, "base", "other")
    return one.ms / two.ms
