"""What the command line shows: tables on a terminal of any width, and a progress bar on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from veritune.cli.scoring import Item
from veritune.cli.summary import Column, Summary
from veritune.plugins import Cause, Score
from veritune.rewards.appeal.estimate import WORDS, Rates
from veritune.rewards.composition import RewardSet

LONGEST_ANSWER = 40
"""Characters of an answer shown in a table."""


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
    """Mean with its standard error and range over the decided rows, and the count of every cause."""
    shown = summary.shown
    causes = [cause for cause in Cause if any(column.causes[cause] for column in shown.values())]
    title = f"{summary.rows:,} row{'s' * (summary.rows != 1)}"
    if summary.completions != summary.rows:
        title += f", {summary.completions:,} completions"
    table = plain_table(title, "reward", "mean", "± se", "min", "max", "decided", *map(str, causes))
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
        return ["–"] * 4
    error = column.groups.error
    mean, *bounds = (f"{value:.4g}" for value in (column.mean, column.lowest, column.highest))
    return [mean, "–" if error is None else f"{error:.2g}", *bounds]


def groups_table(summary: Summary) -> Table:
    """Of prompts with several completions: the chance that one of k passes, and the groups that teach nothing."""
    found = {name: column.groups.as_dict() for name, column in summary.shown.items() if column.groups.several}
    tries = sorted({int(k) for groups in found.values() for k in groups["pass"]})
    table = plain_table("groups", "reward", "groups", "no signal", "undecided", *(f"pass@{k}" for k in tries))
    _right_align_figures(table)
    for name, groups in found.items():
        rates = [groups["pass"].get(str(k)) for k in tries]
        table.add_row(
            Text(name),
            f"{groups['groups']:,}",
            f"{groups['without_signal'] / groups['groups']:.1%}",
            f"{groups['undecided']:,}",
            *(_rate(rate) for rate in rates),
        )
    return table


def _rate(rate: dict[str, Any] | None) -> str:
    if rate is None:
        return "–"
    return f"{rate['value']:.3f}" + ("" if rate["se"] is None else f" ±{rate['se']:.2g}")


def errors_table(alias: str, found: Rates) -> Table:
    """How often a verifier errs, by second opinions."""
    table = plain_table(f"{alias}: {found.asked:,} second opinions, {found.open:,} of them open", "share", "95 %")
    for name, words in WORDS.items():
        table.add_row(Text(words), Text(str(getattr(found, name))))
    return table


def agreement_table(summary: Summary) -> Table:
    """How often a reward above 0 goes with a label that is true."""
    names = ("agree", "false positives", "false negatives", "undecided", "agreement")
    table = plain_table("agreement with the label", "reward", *names)
    _right_align_figures(table)
    for name, column in summary.shown.items():
        found = column.agreement
        counts = (found.agree, found.false_positives, found.false_negatives, found.undecided)
        share = f"{found.agree / found.rows:.2%}" if found.rows else "–"
        table.add_row(Text(name), *(f"{count:,}" for count in counts), share)
    return table


def reasons_table(rows: Sequence[tuple[Item, Sequence[Score]]], rewards: RewardSet, *, combined: bool) -> Table:
    """Every component's value and reason, row by row; what was compared, where a verdict says it; the combination."""
    found = [(item, number, score) for item, scores in rows for number, score in enumerate(scores, 1)]
    parts = [part for _, _, score in found for part in score.parts.values()]
    compared = any(part.verdict is not None and part.verdict.expected is not None for part in parts)
    table = plain_table("reasons", "row", "reward", "value", *(("answer", "gold") if compared else ()), "reason")
    for item, number, score in found:
        place = item.row.place.rpartition("/")[2] + (f" #{number}" if item.several else "")
        for alias in rewards.aliases:
            table.add_row(Text(place), Text(alias), *_explained(score.parts.get(alias), compared))
            place = ""
        if combined:
            table.add_row("", "= reward", *_explained(score, compared))
    return table


def _explained(score: Score | None, compared: bool) -> list[Text]:
    if score is None:
        return [Text("–"), *([Text("")] * 2 if compared else []), Text("not evaluated")]
    value = f"{score.value:.4g}" if score.value is not None else str(score.cause)
    verdict = score.verdict
    both = [Text(_cut(verdict.extracted)), Text(_cut(verdict.expected))] if verdict else [Text("")] * 2
    return [Text(value), *(both if compared else []), Text(score.reason)]


def _cut(text: str | None) -> str:
    shown = "" if text is None else " ".join(str(text).split())
    return shown if len(shown) <= LONGEST_ANSWER else f"{shown[: LONGEST_ANSWER - 1]}…"
