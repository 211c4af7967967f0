"""One run from config to folder."""

from __future__ import annotations

from veritune.trainer.run.run import Run, start_run, train, train_from_cli

__all__ = ["Run", "start_run", "train", "train_from_cli"]
