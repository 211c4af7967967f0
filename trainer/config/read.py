"""From a YAML file with overrides to a validated run, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from veritune.plugins import ConfigError
from veritune.rewards.composition import validate
from veritune.rewards.composition.yaml import parse_yaml
from veritune.trainer.config.run import CommonConfig, PolicyRunConfig, RunConfig


def load_config(path: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a YAML file, apply ``key.sub=value`` overrides (values in YAML), validate. Raises ConfigError."""
    return parse_config(read_values(path, overrides), str(path))


def read_values(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """A YAML file with overrides, not yet validated. Raises ConfigError."""
    try:
        values = parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the config {str(path)!r}: {error.strerror or error}") from error
    except yaml.constructor.ConstructorError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark is not None else ""
        raise ConfigError(f"{path}{line}: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not a YAML file: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold a mapping of sections (model, data, rewards, grpo …), got {values!r:.80}")
    for override in overrides:
        apply_override(values, override)
    return values


def apply_override(values: dict[str, Any], override: str) -> None:
    """Set ``a.b.c=value`` in a nested mapping."""
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"an override is written key=value, such as grpo.steps=20; got {override!r}")
    try:
        value = parse_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"the value of {key}= is not YAML: {text!r}") from error
    *parents, last = key.strip().split(".")
    node = values
    for parent in parents:
        child = node.setdefault(parent, {})
        if child is None:
            child = node[parent] = {}
        if not isinstance(child, dict):
            raise ConfigError(f"override {override!r}: {parent!r} is {child!r}, not a section")
        node = child
    node[last] = value


def parse_config(values: Mapping[str, Any], where: str = "") -> RunConfig:
    """Validate a mapping that configures ``stage: grpo``. Raises ConfigError, one line a mistake."""
    return validate(RunConfig, dict(values), where)


def rewards_section(config: PolicyRunConfig) -> dict[str, Any]:
    """What ``compose`` takes."""
    keys = ("preset", "rewards", "combine", "undecided")
    return {key: getattr(config, key) for key in keys if getattr(config, key) is not None}


def dump_config(config: CommonConfig) -> str:
    """The resolved configuration as YAML; reading it gives the same run."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def changed_keys(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Where two resolved configs differ: ``["grpo.lr: 1e-06 → 0.0001"]``."""
    changes: list[str] = []
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            changes += changed_keys(before, after, f"{prefix}{key}.")
        elif before != after:
            changes.append(f"{prefix}{key}: {before!r} → {after!r}")
    return changes
