"""The rewards in the config of a training run: of a file, of a run's folder, of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from veritune.plugins.errors import ConfigError
from veritune.rewards.composition.validation import located

REWARD_KEYS = ("preset", "rewards", "combine", "undecided")
RUN_FILE = "config.yaml"
"""Where a run's folder keeps its resolved config."""


def config_file(source: str | Path) -> Path | None:
    """The file that ``source`` names: a YAML or JSON file, or a run's folder; None where it is no path of a config."""
    path = Path(source).expanduser()
    if (path / RUN_FILE).is_file():
        return path / RUN_FILE
    return path if isinstance(source, Path) or source.endswith((".yaml", ".yml", ".json")) else None


def rewards_of(data: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The composition in ``data``: itself, or the part of a run's config that is one.

    Raises ConfigError for a recipe whose stages have different rewards.
    """
    if isinstance(data.get("stages"), list):
        return _of_recipe(data, where)
    if not (data.keys() >= {"model", "data"} or "stage" in data):
        return dict(data)
    found = {key: data[key] for key in REWARD_KEYS if key in data}
    inner = found.get("rewards")
    if isinstance(inner, Mapping) and (isinstance(inner.get("preset"), str) or "rewards" in inner):
        found = dict(inner)  # the whole composition stands under rewards:
    if found.get("rewards") is None and found.get("preset") is None:
        raise ConfigError(located(f"this run has no rewards (stage: {data.get('stage', 'grpo')})", where))
    return found


def _of_recipe(data: Mapping[str, Any], where: str) -> dict[str, Any]:
    common = data.get("common")
    shared = dict(common) if isinstance(common, Mapping) else {}
    own = [
        str(stage.get("name"))
        for stage in data["stages"]
        if isinstance(stage, Mapping) and any(stage.get(key) is not None for key in REWARD_KEYS)
    ]
    if own:
        raise ConfigError(
            located(
                f"a recipe, whose stages {', '.join(own)} have rewards of their own: give the config of one stage's "
                f"run, OUTPUT/STAGE/{RUN_FILE}",
                where,
            )
        )
    return rewards_of({"stage": "any", **shared}, where)
