"""One run from config to folder, and several as a recipe."""

from __future__ import annotations

from veritune.trainer.run.command import load_run, train_from_cli
from veritune.trainer.run.recipe import train_recipe
from veritune.trainer.run.run import Run, start_run, train

__all__ = ["Run", "load_run", "start_run", "train", "train_from_cli", "train_recipe"]
