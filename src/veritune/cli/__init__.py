"""The command line: one file a command. Heavy imports happen inside the commands, so that ``--help`` is quick."""

from __future__ import annotations


def main() -> None:
    """Entry point of ``veritune``."""
    from veritune.cli.app import app

    app(prog_name="veritune")
