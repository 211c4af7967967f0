"""``veritune report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(run: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.", show_default=False)]) -> None:
    """Write a run's report: one HTML page with its curves and completions; of a recipe, with its stages."""
    from veritune.plugins.errors import DataError
    from veritune.trainer.observe.report import write_report
    from veritune.trainer.observe.timeline import RECIPE, write_timeline

    if not run.is_dir():
        raise DataError(f"{str(run)!r} is not a folder; give the folder of a run (its output: in the config)")
    if (run / RECIPE).is_file():
        write_timeline(run)
        typer.echo(run / "report.html")
        return
    typer.echo(write_report(run))
