"""``veritune train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="The run's YAML file.", show_default=False)],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Settings that replace the file's: `grpo.steps=20 seed=1`."),
    ] = None,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="NAME", help="Of a recipe: run that stage and all behind it anew.")
    ] = None,
    only: Annotated[str | None, typer.Option(metavar="NAME", help="Of a recipe: run that stage alone.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Of a recipe: check it, and say what would run.")] = False,
) -> None:
    """Train a model as the config says: by GRPO, by another `stage:`, or by several (`stages:`, a recipe).

    `veritune config` lists every setting with its default. The run's folder holds the resolved config, metrics,
    completions with every score and reason, checkpoints and a report.
    Example: `veritune train examples/arithmetic.yaml seed=1`
    """
    from veritune.plugins.errors import MissingExtraError

    try:
        from veritune.trainer.run import train_from_cli
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("veritune"):
            raise
        raise MissingExtraError(error.name, "train", "training") from None
    train_from_cli(config, list(overrides or []), begin, only, dry_run)
