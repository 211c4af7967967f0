"""``veritune bench …``: measurements on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from veritune.bench.asking import AskedGrader
    from veritune.bench.graders import Choice
    from veritune.bench.rows import Row

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
COLUMNS, OUTPUT = "Columns of FILE", "Output"


@app.callback()
def bench() -> None:
    """Measure rewards and verifiers on this machine."""


@app.command()
def math(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE]", help="Labelled rows: JSONL (also in gzip), Parquet, or `-`.", show_default=False
        ),
    ] = None,
    graders: Annotated[
        list[str] | None,
        typer.Option(
            "--graders",
            "-g",
            metavar="NAME",
            help="By name, by `NAME=FOLDER` (where it is imported from), by `file.py:function`, or `all` that are"
            " installed, the default. Repeatable, or with commas.",
        ),
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kinds",
            "-k",
            metavar="KIND",
            help="Of the packaged adversarial rows; `none` leaves them out. Repeatable. Default: all.",
        ),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="Which graders and kinds there are, and stop.")] = False,
    gold: Annotated[str | None, typer.Option(metavar="COLUMN", rich_help_panel=COLUMNS)] = None,
    completion: Annotated[str | None, typer.Option(metavar="COLUMN", rich_help_panel=COLUMNS)] = None,
    label: Annotated[str | None, typer.Option(metavar="COLUMN", help="True or false.", rich_help_panel=COLUMNS)] = None,
    prompt: Annotated[str | None, typer.Option(metavar="COLUMN", rich_help_panel=COLUMNS)] = None,
    by: Annotated[str | None, typer.Option(metavar="COLUMN", help="The kinds.", rich_help_panel=COLUMNS)] = None,
    limit: Annotated[int, typer.Option(metavar="N", help="Rows of FILE to use, evenly spread; 0: all.", min=0)] = 0,
    deadline: Annotated[float, typer.Option(metavar="SECONDS", help="CPU that a grader has for a row.")] = 10.0,
    shown: Annotated[
        int,
        typer.Option("--mistakes", metavar="N", help="Print so many misjudged rows a grader.", rich_help_panel=OUTPUT),
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Write the figures as JSON.", rich_help_panel=OUTPUT),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.", rich_help_panel=OUTPUT)] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.", rich_help_panel=OUTPUT)] = False,
) -> None:
    """Compare graders of math answers on labelled rows and on the packaged adversarial ones.

    Each grader runs in a process of its own: one that raises or hangs on a row is counted apart. Example:

    `veritune bench math rows.jsonl --label is_correct --graders veritune,math-verify,my_grader.py:grade`
    """
    from json import dumps

    from veritune.bench import graders as known
    from veritune.bench.measuring import measure
    from veritune.bench.rows import packaged_rows
    from veritune.bench.tables import mistakes, table
    from veritune.plugins.errors import ConfigError

    if listing:
        typer.echo(_listing(known.installed()))
        return
    wanted_kinds = _split(kinds)
    sets: dict[str, list[Row]] = {}
    if file is not None:
        given = {"gold": gold, "completion": completion, "label": label, "prompt": prompt, "by": by}
        sets[file] = _rows(file, {what: column for what, column in given.items() if column}, limit)
    if wanted_kinds != ["none"]:
        sets["packaged adversarial rows"] = packaged_rows(wanted_kinds)
    if not sets:
        raise ConfigError("nothing to measure: give a FILE, or leave --kinds none out")
    names = _split(graders)
    choices = known.installed() if names is None else known.chosen(names)
    asked, missing = _started(choices, deadline)
    try:
        reports = {}
        for name, rows in sets.items():
            with _bar(name, len(rows), quiet or json) as done:
                reports[name] = measure(asked, rows, done)
    finally:
        for grader in asked:
            grader.close()
    figures = {
        "sets": {name: [report.as_dict() for report in found] for name, found in reports.items()},
        "not run": missing,
    }
    if json:
        typer.echo(dumps(figures, indent=1, ensure_ascii=False))
    else:
        for name, found in reports.items():
            typer.echo(table(f"{len(sets[name]):,} rows: {name}", found) + "\n")
            for report in found if shown else ():
                typer.echo(mistakes(report, shown) + "\n")
        if missing:
            typer.echo("not run\n" + "\n".join(f"{name}: {why}" for name, why in missing.items()))
    if out is not None:
        out.write_text(dumps(figures, indent=1, ensure_ascii=False), encoding="utf-8")
        typer.echo(f"written to {out}", err=True)


def _split(given: list[str] | None) -> list[str] | None:
    """Repeated options, each of which may hold several with commas between."""
    return [part.strip() for text in given for part in text.split(",") if part.strip()] if given else None


def _rows(file: str, columns: dict[str, str], limit: int) -> list[Row]:
    from veritune.bench.rows import labelled, spread
    from veritune.cli.rows import open_source

    return spread(labelled([row.data for row in open_source(file).read(lambda done: None)], columns, file), limit)


def _started(choices: list[Choice], deadline: float) -> tuple[list[AskedGrader], dict[str, str]]:
    """The graders that can be asked, and why the others cannot."""
    from veritune.bench.asking import AskedGrader

    missing = {choice.label: choice.missing for choice in choices if choice.missing}
    asked = []
    for choice in choices:
        if choice.missing:
            continue
        grader = AskedGrader(choice, deadline)
        why = grader.start()
        if why is None:
            asked.append(grader)
        else:
            missing[choice.label] = why
            grader.close()
    return asked, missing


def _bar(name: str, total: int, quiet: bool) -> AbstractContextManager[Callable[[int], None]]:
    from veritune.cli.tables import progress

    return progress(name, total, quiet)


def _listing(choices: list[Choice]) -> str:
    from veritune.bench.graders import BY_NAME
    from veritune.bench.rows import packaged

    lines = ["graders"]
    for choice in choices:
        entry = BY_NAME[choice.name]
        lines.append(f"  {choice.name:<14} {choice.version or '–':<9} {entry.about}")
        if choice.missing:
            lines.append(f"  {'':<14} {'':<9} not installed: {choice.missing}")
    lines.append("\nkinds of packaged rows (right answers, wrong answers)")
    for kind, rows in packaged().items():
        true = sum(row.label for row in rows)
        lines.append(f"  {kind:<28} {true:>3} {len(rows) - true:>3}")
    return "\n".join(lines)
