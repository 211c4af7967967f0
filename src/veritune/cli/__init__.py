"""The command line."""

from __future__ import annotations


def main() -> None:
    """Entry point of ``veritune``."""
    raise SystemExit("not built yet")
