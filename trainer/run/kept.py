"""What a run's folder keeps of how it was begun, and what is said where it goes on with something else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import yaml

from veritune.rewards.composition.rewardset import RewardSet
from veritune.rewards.identity import IDENTITY, differences, identity_json, read_identity
from veritune.trainer.config import CommonConfig, changed_keys, dump_config
from veritune.trainer.run.data_files import changed_files, data_files, read_files, write_files

MOST_CHANGES = 8


def write_config(folder: Path, config: CommonConfig, warn: Callable[[str], None]) -> None:
    """``config.yaml``: the settings with every default."""
    path = folder / "config.yaml"
    resolved = dump_config(config)
    if path.is_file() and config.resume:
        try:
            before = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError):
            before = None
        if not isinstance(before, dict):
            warn(f"{path} is damaged: what changed in the config since the checkpoint cannot be said")
            before = yaml.safe_load(resolved)
        changes = changed_keys(before, yaml.safe_load(resolved))
        for change in (c for c in changes if not c.startswith("resume:")):
            warn(f"config changed since the checkpoint: {change}")
    path.write_text(resolved, encoding="utf-8")


def write_data_files(folder: Path, config: CommonConfig, warn: Callable[[str], None]) -> None:
    """``data.json``: the rows with which the run began, or goes on."""
    now = data_files(config)
    for change in changed_files(read_files(folder) if config.resume else None, now):
        warn(f"{change} since the checkpoint: from here on other rows are taken than would have been")
    write_files(folder, now)


def write_identity(folder: Path, resumed: bool, rewards: RewardSet, warn: Callable[[str], None]) -> None:
    """``rewards.json``: what the hash in the log stands for."""
    before = read_identity(folder) if resumed else None
    for change in differences(before[1], rewards.identity)[:MOST_CHANGES] if before is not None else ():
        warn(f"rewards changed since the checkpoint: {change}")
    (folder / IDENTITY).write_text(identity_json(rewards.identity_hash, rewards.identity), encoding="utf-8")
