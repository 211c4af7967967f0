"""``veritune train``: a run or a recipe, as the file says."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from veritune.plugins import ConfigError
from veritune.trainer.config import CommonConfig, read_values
from veritune.trainer.config.recipe import apply_recipe_override
from veritune.trainer.run.ending import Interrupted
from veritune.trainer.run.recipe import train_recipe
from veritune.trainer.run.run import train
from veritune.trainer.stages.table import parse_run


def load_run(path: Path, overrides: Sequence[str] = ()) -> CommonConfig:
    """A run's config, of whatever ``stage:`` its file says, with ``key.sub=value`` overrides. Raises ConfigError."""
    values = read_values(path, overrides)
    if "stages" in values:
        raise ConfigError(f"{path} is a recipe (stages:), not one run; it is trained by train_recipe")
    return parse_run(values, str(path))


def train_from_cli(
    path: Path,
    overrides: Sequence[str] = (),
    begin: str | None = None,
    only: str | None = None,
    dry_run: bool = False,
) -> None:
    """``veritune train CONFIG key=value …``; ``begin``, ``only`` and ``dry_run`` are those of :func:`train_recipe`.

    Raises ConfigError before anything has run.
    """
    try:
        values = read_values(path)
        if "stages" in values:
            for override in overrides:
                apply_recipe_override(values, override)
            train_recipe(values, str(path), begin, only, dry_run)
            return
        if begin is not None or only is not None or dry_run:
            raise ConfigError(f"{path}: --from, --only and --dry-run are for recipes, configs with stages:")
        train(load_run(path, overrides))
    except Interrupted as error:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(error.status)  # at once: what still runs, such as a reward that hangs, is not waited for
