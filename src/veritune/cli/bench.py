"""``veritune bench …``: measurements on this machine."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def bench() -> None:
    """Measure rewards and verifiers on this machine."""
