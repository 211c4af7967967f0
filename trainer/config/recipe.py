"""A recipe: several stages, one after the other, each a run of its own that may go on with what an earlier one left."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, field_validator

from veritune.plugins import ConfigError
from veritune.plugins.errors import did_you_mean
from veritune.trainer.config.base import Strict
from veritune.trainer.config.read import apply_override
from veritune.trainer.config.run import CommonConfig, PolicyRunConfig

REPLACED = ("rewards",)
"""Sections that a stage gives whole: those of ``common`` do not shine through."""


class RecipeConfig(Strict):
    """``veritune train CONFIG`` with ``stages:``. See docs/recipe.md."""

    output: str = "runs/recipe"
    """The folder: a subfolder a stage, and the report."""
    common: dict[str, Any] = Field(default_factory=dict)
    """Keys of every stage that has them; what a stage says itself goes before."""
    stages: list[dict[str, Any]] = Field(min_length=1)
    """Each with ``name``, ``stage`` and that stage's configuration. ``{from: NAME}`` stands for what an earlier stage
    left: the folder of its model, or its rows."""
    note: str | None = None
    """Printed at the end and in the report."""

    @field_validator("stages")
    @classmethod
    def _have_names(cls, stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        names: list[str] = []
        for number, stage in enumerate(stages, 1):
            name = stage.get("name")
            if not isinstance(name, str) or not name.replace("_", "").replace("-", "").isalnum():
                raise ValueError(f"stage {number} needs a name of letters, digits, _ and -, got {name!r}")
            if name in names:
                raise ValueError(f"two stages are called {name!r}")
            for key in ("output", "resume"):
                if key in stage:
                    raise ValueError(f"{name}.{key}: a recipe sees to its stages' folders itself")
            names.append(name)
        return stages

    @property
    def names(self) -> list[str]:
        return [stage["name"] for stage in self.stages]


def apply_recipe_override(values: dict[str, Any], override: str) -> None:
    """``NAME.key=value`` for one stage, ``output=`` and ``note=`` for the recipe, any other key for every stage that
    has it."""
    key = override.partition("=")[0].strip().split(".")
    stages = [stage for stage in values.get("stages") or () if isinstance(stage, dict)]
    named = next((stage for stage in stages if stage.get("name") == key[0]), None)
    if named is not None and len(key) > 1:
        apply_override(named, override.strip().partition(".")[2])
    elif key[0] in ("output", "note", "common"):
        apply_override(values, override)
    else:
        values.setdefault("overrides", []).append(override)


def merged(common: Mapping[str, Any], own: Mapping[str, Any], kind: type[CommonConfig]) -> dict[str, Any]:
    """A stage's values over the recipe's: section by section, key by key.

    A stage without policy and prompts (such as a reward model's) takes what every run has, and no other section.
    """
    shared = kind.model_fields if issubclass(kind, PolicyRunConfig) else CommonConfig.model_fields.keys() - {"model"}
    base = {key: value for key, value in common.items() if key in shared}
    mine = {key: value for key, value in own.items() if key != "name"}
    if "data" in mine and isinstance(base.get("data"), dict) and isinstance(mine["data"], dict):
        for one, other in (("train", "task"), ("task", "train")):  # the two sources do not go together
            if mine["data"].get(one) is not None:
                base["data"] = {k: v for k, v in base["data"].items() if k not in (other, "params")}
    if isinstance(mine.get("model"), dict) and isinstance(base.get("model"), dict):
        sources = {"path", "build", "from"}
        if sources & mine["model"].keys():
            base["model"] = {k: v for k, v in base["model"].items() if k not in sources}
    return _over(base, mine)


def _over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    found = copy.deepcopy(dict(base))
    for key, value in own.items():
        before = found.get(key)
        if isinstance(before, dict) and isinstance(value, dict) and key not in REPLACED:
            found[key] = _over(before, value)
        else:
            found[key] = copy.deepcopy(value)
    return found


def references(values: Any, path: str = "", files: bool = True) -> list[tuple[str, str]]:
    """Every ``{from: NAME}`` in a stage's values: where it stands, and the name. ``files``: with those that name a
    ``file`` of the stage's folder, and do not stand for what it leaves."""
    found: list[tuple[str, str]] = []
    if isinstance(values, Mapping):
        if "from" in values and (files or "file" not in values):
            found.append((path, str(values["from"])))
        for key, value in values.items():
            found += references(value, f"{path}.{key}" if path else str(key), files)
    elif isinstance(values, Sequence) and not isinstance(values, str):
        for number, value in enumerate(values):
            found += references(value, f"{path}[{number}]", files)
    return found


def resolved(values: Any, left: Mapping[str, str], path: str = "") -> Any:
    """The values with what stages have ``left`` in place of every ``{from: NAME}``: with other keys beside it, or as
    the stage's ``model``, as their ``path``; else as a text. ``file`` names a file of that stage's folder."""
    if isinstance(values, Mapping):
        others = {key: resolved(v, left, f"{path}.{key}" if path else str(key)) for key, v in values.items()}
        if "from" not in values:
            return others
        name, file = str(others.pop("from")), others.pop("file", None)
        place = left[name] if file is None else f"{left[name + '/']}/{file}"
        return {**others, "path": place} if others or path in ("model", "teacher") else place
    if isinstance(values, list):
        return [resolved(value, left, f"{path}[{number}]") for number, value in enumerate(values)]
    return values


def check_earlier(name: str, names: Sequence[str], earlier: Sequence[str], where: str) -> None:
    """Raise ConfigError for a stage that is not there, or that does not stand before this one."""
    check_name(name, names, where)
    if name not in earlier:
        before = f"before it stand {', '.join(earlier)}" if earlier else "it is the first"
        raise ConfigError(f"{where}: {name} is not an earlier stage, and has left nothing yet: {before}")


def check_rows_references(values: Any, where: str, key: str = "") -> None:
    """Raise ConfigError for a key that ``{from: NAME}`` does not have beside it where it stands for rows."""
    if isinstance(values, Mapping):
        known = ("from", "file", "weight")
        for name in values if "from" in values and key in ("train", "eval", "rows") else ():
            if name not in known:
                raise ConfigError(
                    f"{where}: unknown key {name!r}.{did_you_mean(name, known)} Keys: {', '.join(known)}."
                )
        for name, value in values.items():
            check_rows_references(value, f"{where}.{name}", str(name))
    elif isinstance(values, Sequence) and not isinstance(values, str):
        for number, value in enumerate(values):
            check_rows_references(value, f"{where}[{number}]", key)


def check_name(name: str, names: Sequence[str], where: str) -> None:
    """Raise ConfigError for a stage that is not among these."""
    if name not in names:
        raise ConfigError(
            f"{where}: no stage is called {name!r}.{did_you_mean(name, names)} Stages: {', '.join(names)}"
        )
