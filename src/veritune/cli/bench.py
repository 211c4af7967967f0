"""``veritune bench …``: measurements on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def bench() -> None:
    """Measure rewards and verifiers on this machine."""


@app.command()
def math(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Labelled rows, JSONL.", show_default=False)],
    grader: Annotated[
        list[str] | None, typer.Option("--grader", help="The beginning of a grader's name; repeatable. Default: all.")
    ] = None,
    gold: Annotated[str | None, typer.Option("--gold", "-g", help="The column with the golds.")] = None,
    completion: Annotated[str | None, typer.Option("--completion", "-c", help="The column with the texts.")] = None,
    label: Annotated[str | None, typer.Option(help="The column that says true or false.")] = None,
    by: Annotated[str | None, typer.Option(help="The column whose values are the categories.")] = None,
    limit: Annotated[int, typer.Option(help="Rows to use, evenly spread; 0: all.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the figures as JSON.")] = None,
) -> None:
    """Compare graders of math answers on labelled rows: accuracy, precision, recall, speed and latency.

    Ours runs beside math-verify and TRL where they are installed. Rows of no use (no true or false label) are left out.

    Example: `veritune bench math rows.jsonl --grader veritune --grader math-verify --out figures.json`
    """
    import json
    import logging

    from veritune.verifiers.math import bench as measuring

    given = {"gold": gold, "completion": completion, "label": label, "category": by}
    rows = measuring.load(file, {what: column for what, column in given.items() if column})
    rows = measuring.spread(rows, limit)
    makers = measuring.chosen(grader or [""])
    logging.disable(logging.WARNING)  # the peers report every answer that they cannot parse
    typer.echo(f"{len(rows):,} labelled rows of {file}\n")
    reports = [measuring.measure(name, make(), rows) for name, make in makers.items()]
    typer.echo(measuring.table(reports))
    if out is not None:
        out.write_text(json.dumps([report.as_dict() for report in reports], indent=1), encoding="utf-8")
        typer.echo(f"\nwritten to {out}")
