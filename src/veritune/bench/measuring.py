"""Asking several graders in turn, row by row: what a busy machine does to one it does to all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from veritune.bench.asking import Reply
from veritune.bench.rows import Row
from veritune.bench.tally import Report


class Asked(Protocol):
    """Something that replies to rows."""

    @property
    def name(self) -> str: ...

    def ask(self, row: Row) -> Reply: ...


def measure(graders: Sequence[Asked], rows: Sequence[Row], done: Callable[[int], None] | None = None) -> list[Report]:
    """A report a grader, in order. `done` is called with 1 after each row."""
    reports = [Report(grader.name) for grader in graders]
    for row in rows:
        for grader, report in zip(graders, reports, strict=True):
            _record(report, row, grader.ask(row))
        if done is not None:
            done(1)
    return reports


def _record(report: Report, row: Row, reply: Reply) -> None:
    tallies = (report.total, report.of_kind(row.kind))
    if reply.found is None:
        report.causes[reply.said or "no cause given"] += 1
    if reply.end == "answered":
        report.latencies.append(reply.seconds)
    for tally in tallies:
        if reply.end == "answered":
            tally.add(row.label, reply.found)
        elif reply.end == "timeout":
            tally.timeouts += 1
        else:
            tally.errors += 1
    if reply.found is not row.label:
        said = {True: "right", False: "wrong", None: f"{reply.end}: {reply.said}"}[reply.found]
        report.mistakes.append((row, said))
