"""Where the command line's rewards come from: ``-r name:param=value``, a config file, a preset."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from veritune.plugins import ConfigError, VerituneError
from veritune.plugins.registry import resolve
from veritune.rewards.composition import RewardSet, compose
from veritune.rewards.composition.yaml import parse_yaml


def rewards_from_file(file: Path) -> RewardSet:
    """The rewards of a composition file, of a run's config, or of a run's folder."""
    return compose(file)


def rewards_from_options(options: Sequence[str]) -> RewardSet:
    """Rewards written as ``name``, ``name:param=value,param=value`` or ``file.py:fn:param=value``.

    ``compat``, ``deadline`` and ``isolate`` are taken as a component's settings.
    """
    components: dict[str, Any] = {}
    for option in options:
        use, params = parse_reward(option)
        settings: dict[str, Any] = {"use": use, "params": params}
        if "compat" in params:
            settings["compat"] = params.pop("compat")
        for key in _BOUNDS & params.keys() - _parameters(use):
            settings[key] = params.pop(key)
        alias = unused_alias(re.sub(r"[^\w.-]+", "_", use.rpartition(":")[2]), components)
        components[alias] = settings
    return compose({"rewards": components, "undecided": "component"}, where="--reward")


_BOUNDS = {"deadline", "isolate"}
"""Settings of a component that may stand among a reward's parameters, unless it has one of that name."""


def _parameters(use: str) -> set[str]:
    with suppress(VerituneError):  # it is said when it is composed
        return set(resolve(use).parameters)
    return set()


def unused_alias(wanted: str, taken: Mapping[str, Any]) -> str:
    """``wanted``, or ``wanted_2`` and so on where that is taken."""
    alias, number = wanted, 1
    while alias in taken:
        number += 1
        alias = f"{wanted}_{number}"
    return alias


def with_columns(rewards: RewardSet, columns: Mapping[str, str]) -> RewardSet:
    """The same set, every reward that has these inputs reading them from these columns."""
    if not columns:
        return rewards
    components = []
    for component in rewards.components:
        mapped = {wanted: column for wanted, column in columns.items() if wanted in component.reward.signature.inputs}
        components.append(replace(component, reward=component.reward.with_params(columns=mapped)))
    return RewardSet(tuple(components), rewards.combine, rewards.undecided, rewards.name)


def parse_reward(option: str) -> tuple[str, dict[str, Any]]:
    """``cosine:max_len=512,min_len=2`` → the reward's name or path, and its parameters (values in YAML)."""
    start = re.search(r":(?=\w+=)", option)
    if start is None:
        return option, {}
    params: dict[str, Any] = {}
    for setting in re.split(r",(?=\s*\w+=)", option[start.end() :]):
        name, _, value = setting.partition("=")
        try:
            params[name.strip()] = parse_yaml(value)
        except yaml.YAMLError:
            raise ConfigError(
                f"--reward {option!r}: the value of {name.strip()} is not valid YAML: {value!r}"
            ) from None
    return option[: start.start()], params
