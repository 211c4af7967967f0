"""What the command line shows: tables on a terminal of any width, and a progress bar on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from veritune.cli.rows import Row
from veritune.cli.summary import Column, Summary
from veritune.plugins import Cause, Score


def plain_table(title: str, *columns: str) -> Table:
    """A table with a head line only."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column)
    return table


@contextmanager
def progress(label: str, total: int | None, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, shown on a terminal only; yields what to call with the work done."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task(f"scoring {label}".replace("[", "\\["), total=total)
        yield lambda done: bar.advance(task, done)


def summary_table(summary: Summary) -> Table:
    """Mean and range over the decided rows, and the count of every cause."""
    shown = dict(summary.columns)
    if summary.combined:
        shown["= reward"] = summary.total
    causes = [cause for cause in Cause if any(column.causes[cause] for column in shown.values())]
    table = plain_table(f"{summary.rows:,} rows", "reward", "mean", "min", "max", "decided", *map(str, causes))
    _right_align_figures(table)
    for name, column in shown.items():
        counts = [f"{column.causes[cause]:,}" for cause in causes]
        table.add_row(Text(name), *_figures(column), f"{column.decided:,}", *counts)
    return table


def _right_align_figures(table: Table) -> None:
    for column in table.columns[1:]:
        column.justify = "right"


def _figures(column: Column) -> list[str]:
    if column.mean is None:
        return ["–"] * 3
    return [f"{value:.4g}" for value in (column.mean, column.lowest, column.highest)]


def agreement_table(summary: Summary) -> Table:
    """How often a reward above 0 goes with a label that is true."""
    names = ("agree", "false positives", "false negatives", "undecided", "agreement")
    table = plain_table("agreement with the label", "reward", *names)
    _right_align_figures(table)
    shown = {**summary.columns, **({"= reward": summary.total} if summary.combined else {})}
    for name, column in shown.items():
        found = column.agreement
        counts = (found.agree, found.false_positives, found.false_negatives, found.undecided)
        share = f"{found.agree / found.rows:.2%}" if found.rows else "–"
        table.add_row(Text(name), *(f"{count:,}" for count in counts), share)
    return table


def reasons_table(rows: Sequence[tuple[Row, Score]], aliases: Sequence[str]) -> Table:
    """Every component's value and reason, row by row."""
    table = plain_table("reasons", "row", "reward", "value", "reason")
    for row, score in rows:
        place = row.place.rpartition("/")[2]
        for alias in aliases:
            part = score.parts.get(alias)
            if part is None:
                table.add_row(Text(place), Text(alias), "–", "not evaluated")
            else:
                value = f"{part.value:.4g}" if part.value is not None else str(part.cause)
                table.add_row(Text(place), Text(alias), value, Text(part.reason))
            place = ""
    return table
