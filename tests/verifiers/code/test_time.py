"""The row's time limit bounds the clock, too."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from veritune.sandbox import Job, Limits, Outcome
from veritune.sandbox.interface import IsolationReport
from veritune.verifiers.code import Comparison, InputOutput, Problem, StdioTests
from veritune.verifiers.code.stdio import stdio_task

TESTS = StdioTests([InputOutput("", "1")] * 10, Comparison())
NOTHING = IsolationReport("test", "none", *("none",) * 7)


def drive(task: Generator[Any, Any, Any], limit: str) -> tuple[Any, list[Job]]:
    """Every run ends on the same limit."""
    jobs: list[Job] = []
    try:
        jobs.append(next(task))
        while True:
            jobs.append(task.send(Outcome(None, 9, b"", b"", NOTHING, limit_hit=limit)))  # type: ignore[arg-type]
    except StopIteration as end:
        return end.value, jobs


def test_a_time_limit_of_the_row_bounds_the_clock() -> None:
    base = Limits(cpu_s=10, wall_s=30)
    assert Problem(TESTS, cpu_s=2).limits(base).wall_s == 6
    assert Problem(TESTS, cpu_s=20).limits(base).wall_s == 42
    assert Problem(TESTS).limits(base).wall_s == 30


def test_a_program_that_sleeps_is_run_once_and_one_that_works_three_times() -> None:
    for limit, runs in (("wall", 1), ("cpu", 3)):
        judged, jobs = drive(stdio_task("", "python", TESTS, Limits(cpu_s=2, wall_s=6), False), limit)
        assert len(jobs) == runs
        assert judged.stopped
        assert judged.passed == 0
