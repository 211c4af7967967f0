"""A small policy that is trained on reward minus oracle: what it writes is looked at, and mutated further."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from veritune.lab.search.excess import composition_of, gold_check_on
from veritune.lab.search.setting import Given, Setting
from veritune.plugins import ConfigError, MissingExtraError

MOST = 500
"""Completions that are handed on."""


def drawn_by_policy(
    reward: Any, oracle: Any, setting: Setting, config: Path, column: str | None, oracle_high: float = 1.0
) -> list[Given]:
    """Train the run of ``config`` with its rewards replaced by what ``reward`` pays beyond ``oracle`` (the gold check
    where there is none), in a folder that is removed; the completions that earned it, each once.

    Raises ConfigError where the config is no run of one stage that draws, or where the reward does not tell right
    answers from wrong ones.
    """
    if not setting.sees_answers:
        raise ConfigError(
            "--policy: the reward gives right and wrong answers the same, so there is nothing to train on"
        )
    if oracle is None and column is None:
        raise ConfigError("--policy: the reward reads no right answer, so an --oracle is needed")
    try:
        from veritune.trainer.config import read_values
        from veritune.trainer.run import train
        from veritune.trainer.stages.table import parse_run
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("veritune"):
            raise
        raise MissingExtraError(error.name, "train", "training a policy") from None
    values = read_values(config)
    if "stages" in values:
        raise ConfigError(f"--policy {config}: a run is expected, not a recipe of several stages")
    with tempfile.TemporaryDirectory(prefix="veritune-policy-") as folder:
        log = Path(folder) / "paid.jsonl"
        values["output"] = str(Path(folder) / "run")
        params = {
            "attacked": composition_of(reward),
            "oracle": composition_of(oracle) if oracle is not None else gold_check_on(column),
            "low": setting.wrong,
            "high": setting.honest,
            "oracle_high": oracle_high,
            "log": str(log),
        }
        values["rewards"] = {"excess": {"use": "veritune.lab.search.excess:excess", "params": params}}
        train(parse_run(values, str(config)), quiet=True)
        return _read(log) if log.exists() else []


def _read(log: Path) -> list[Given]:
    found: dict[str, Given] = {}
    for number, line in enumerate(log.read_text(encoding="utf-8").splitlines(), start=1):
        row = json.loads(line)
        found.setdefault(
            row["completion"], Given(f"policy: {number}", row["completion"], row["prompt"], row["columns"])
        )
    return list(found.values())[-MOST:]
