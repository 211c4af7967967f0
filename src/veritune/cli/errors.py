"""How the command line fails: one clear screen and an exit status, no traceback for a user's mistake."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

INTERRUPTED = 130


class GuardedGroup(TyperGroup):
    """Shows veritune's own errors as messages: each has its exit status."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            show_error("interrupted")
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            from veritune.plugins.errors import VerituneError  # not needed for --help

            if not isinstance(error, VerituneError):
                raise
            show_error(str(error))
            raise typer.Exit(error.status) from None


def show_error(message: str) -> None:
    """``error: message`` on standard error."""
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, highlight=False, soft_wrap=True).print(Text.assemble(("error: ", "bold red"), message))
