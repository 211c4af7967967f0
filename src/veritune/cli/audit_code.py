"""``veritune audit tests``: the tests of code rows, tried before a run is spent on them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veritune.cli.rows import Row, open_source
from veritune.plugins.errors import ParameterError, did_you_mean

if TYPE_CHECKING:
    from rich.console import Console

    from veritune.verifiers.code.audit import TestsReport

_BAD = ("weak", "wrong", "hollow", "unusable")


def audit_code(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="JSONL or Parquet; `-` reads JSONL from stdin.")],
    solution: Annotated[
        str | None, typer.Option("--solution", "-s", help="The column with a right program; found by name if left out.")
    ] = None,
    trivial: Annotated[bool, typer.Option(help="Also run programs that solve nothing: none of them may pass.")] = True,
    seconds: Annotated[float, typer.Option(help="CPU seconds for one program.", min=0.1)] = 10.0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write every row's report (JSONL or Parquet).")
    ] = None,
    show: Annotated[int, typer.Option(help="How many rows to list.", min=0)] = 20,
    strict: Annotated[bool, typer.Option(help="Exit with status 1 where tests are weak, wrong or none.")] = False,
) -> None:
    """Run the tests of code rows against their own solution and against programs that solve nothing.

    Finds tests that assert nothing, missing answers, solutions that fail, and tests that any program passes.

    Example: `veritune audit tests train.jsonl --out audit.jsonl`
    """
    from rich.console import Console

    from veritune.cli.output import open_output
    from veritune.verifiers.code.audit import audit_tests
    from veritune.verifiers.code.verifier import CodeVerifier

    rows = list(open_source(dataset).read(lambda done: None))
    available = {name for row in rows for name in row.data}
    if solution is not None and solution not in available:
        raise ParameterError(f"no column {solution!r} in the rows.{did_you_mean(solution, available)}")
    verifier = CodeVerifier(limits={"cpu_s": seconds})
    reports = audit_tests([row.data for row in rows], verifier, reference=solution, trivial=trivial)
    if out is not None:
        with open_output(str(out)) as writer:
            writer.write([_record(row, report) for row, report in zip(rows, reports, strict=True)])
    console = Console(highlight=False)
    _print(console, rows, reports, show)
    if out is not None:
        console.print(f"written to {out}", markup=False)
    if strict and any(report.state in _BAD for report in reports):
        raise typer.Exit(1)


def _record(row: Row, report: TestsReport) -> dict[str, object]:
    identity = {"id": row.data["id"]} if "id" in row.data else {}
    return {
        "row": row.place,
        **identity,
        "state": report.state,
        "tests": report.tests,
        "notes": list(report.notes),
        "passed_by": list(report.passed_by),
    }


def _print(console: Console, rows: list[Row], reports: list[TestsReport], show: int) -> None:
    from rich.text import Text

    from veritune.cli.tables import plain_table
    from veritune.verifiers.code.audit import STATES

    counts = Counter(report.state for report in reports)
    table = plain_table(f"{len(reports):,} rows", "rows", "state", "what it means")
    for state, meaning in STATES.items():
        if counts[state]:
            table.add_row(f"{counts[state]:,}", state, meaning)
    console.print(table)
    order = list(STATES)
    pairs = [pair for pair in zip(rows, reports, strict=True) if pair[1].state not in ("fine", "unproven")]
    listed = sorted(pairs, key=lambda pair: -order.index(pair[1].state))[:show]
    if not listed:
        return
    table = plain_table("to look at", "row", "state", "why")
    for row, report in listed:
        name = str(row.data["id"]) if "id" in row.data else row.place.rpartition("/")[2]
        why = " ".join("; ".join(report.notes).split())
        table.add_row(Text(name), report.state, Text(why if len(why) <= 160 else f"{why[:159]}…"))
    console.print(table)
    if len(pairs) > len(listed):
        console.print(f"… and {len(pairs) - len(listed):,} more (--show N lists them, --out FILE keeps them all)")
