"""``veritune audit …``: checks of data and rewards before a run is spent on them."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def audit() -> None:
    """Check data and rewards before a run is spent on them."""
