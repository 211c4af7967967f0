"""From what a user writes (a preset, a file, a list, a mapping) to a checked RewardSet."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from veritune.plugins import ConfigError, Reward, get_preset, get_reward, preset_names, reward_names
from veritune.plugins.errors import VerituneError, did_you_mean
from veritune.plugins.registry import as_reward, resolve
from veritune.rewards.appeal.opinion import PERSON, Appeal
from veritune.rewards.composition.bounded import check_boundable
from veritune.rewards.composition.component import Component
from veritune.rewards.composition.rewardset import RewardSet
from veritune.rewards.composition.run_config import config_file, rewards_of
from veritune.rewards.composition.schema import ComponentConfig, CompositionConfig
from veritune.rewards.composition.validation import at, located, path, validate
from veritune.rewards.composition.yaml import read_yaml

Source: TypeAlias = "str | Path | Mapping[str, Any] | Iterable[Any] | Reward | Callable[..., Any] | RewardSet"
"""A preset's name, a YAML file (a composition or a run's config), a run's folder, a reward's name or path, a list of
these, a mapping, a reward, or a RewardSet."""

TOP_KEYS = ("preset", *CompositionConfig.model_fields)


def compose(source: Source, *, name: str = "veritune", where: str = "") -> RewardSet:
    """One reward function of several, checked before anything runs.

    ``source`` is a mapping as in the YAML (``{"rewards": {…}, "combine": …}``), a list (``["accuracy", "format"]``),
    a YAML file, a run's config or folder, a preset's name, or a single reward. ``where`` is the place named in errors
    (the config's file). Raises ConfigError (UnknownNameError, ParameterError …) naming the path in the config,
    PluginError where a reward's file does not import.
    """
    if isinstance(source, RewardSet):
        return source
    if not where and isinstance(source, str | Path) and config_file(source) is not None:
        where = str(source)
    config = read_config(source, where=where)
    folder = _folder(source)
    components = {
        alias: _component(alias, component, located(path("rewards", alias), where), folder)
        for alias, component in config.rewards.items()
    }
    _check_gates(config, where)
    if not any(component.may_count for component in components.values()):
        raise ConfigError(located("rewards: none of them counts (weight 0 or eval_only); give one a weight", where))
    return RewardSet(tuple(components.values()), config.combine, config.undecided, name=name)


def read_config(source: Source, *, where: str = "") -> CompositionConfig:
    """``source`` as a validated configuration, its preset merged in; rewards are not looked up yet."""
    data = _mapping(source, where)
    _refuse_misplaced_parameters(data["rewards"], where)
    return validate(CompositionConfig, data, where)


def _folder(source: Any) -> Path | None:
    """The folder of the file that this composition is read from."""
    file = config_file(source) if isinstance(source, str | Path) else None
    return file.parent if file is not None else None


def _mapping(source: Any, where: str) -> dict[str, Any]:
    if isinstance(source, Mapping):
        return _with_preset(source, where)
    file = config_file(source) if isinstance(source, str | Path) else None
    if file is not None:
        return _with_preset(rewards_of(read_yaml(file), where or str(source)), where)
    if isinstance(source, str):
        return _by_name(source)
    if callable(source):
        return {"rewards": _from_list([source], where)}
    if isinstance(source, Iterable):
        return {"rewards": _from_list(list(source), where)}
    raise ConfigError(
        located(
            f"a preset, file, list or mapping of rewards is expected, got {source!r} ({type(source).__name__})", where
        )
    )


def _by_name(name: str) -> dict[str, Any]:
    """A preset, or one reward."""
    presets = preset_names()
    if name in presets:
        return _preset(name)
    rewards = reward_names()
    if ":" in name or name in rewards or name.endswith(".py"):
        return {"rewards": _from_list([name], "")}
    raise ConfigError(
        f"{name!r} is neither a preset, nor a reward, nor a YAML file.{did_you_mean(name, [*presets, *rewards])} "
        f"Presets: {', '.join(presets) or 'none'}. Rewards: {', '.join(sorted(rewards)) or 'none'}."
    )


def _preset(name: str) -> dict[str, Any]:
    value = get_preset(name)
    where = f"preset {name!r}"
    data = dict(value) if isinstance(value, Mapping) else read_yaml(value)
    if "preset" in data:
        raise ConfigError(f"{where}: a preset cannot name another preset")
    data["rewards"] = _aliases(data.get("rewards"), where)
    return data


def _with_preset(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The given keys over those of the preset it names; a component is merged key by key, ``false`` removes it."""
    for key in given:
        if key not in TOP_KEYS:
            raise ConfigError(
                located(f"{key}: unknown key.{did_you_mean(str(key), TOP_KEYS)} Keys: {', '.join(TOP_KEYS)}.", where)
            )
    rewards = _aliases(given["rewards"], where) if given.get("rewards") is not None else {}
    merged = {key: value for key, value in given.items() if key != "preset" and value is not None}
    if given.get("preset") is None:
        if not rewards:
            raise ConfigError(located("rewards: required, and not given. Name at least one, or a preset.", where))
        return {**merged, "rewards": _given(rewards, where)}
    if not isinstance(given["preset"], str):
        raise ConfigError(located(f"preset: a preset's name is expected, got {given['preset']!r}", where))
    with at(located("preset", where)):
        base = _preset(given["preset"])
    components = dict(base["rewards"])
    for alias, override in rewards.items():
        if override is False:
            if alias not in components:
                hint = did_you_mean(alias, components)
                raise ConfigError(located(f"rewards.{alias}: not in the preset, so it cannot be removed.{hint}", where))
            del components[alias]
        else:
            components[alias] = _override(components.get(alias, {}), override)
    return {**base, **merged, "rewards": _given(components, where)}


def _given(rewards: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The components without those that are ``false``, and without settings that are null: not given."""
    kept = {alias: settings for alias, settings in rewards.items() if settings is not False}
    if not kept:
        raise ConfigError(located("rewards: none is left; name at least one that is not false", where))
    return {
        alias: {key: value for key, value in settings.items() if value is not None}
        if isinstance(settings, Mapping)
        else settings
        for alias, settings in kept.items()
    }


def _override(base: Any, override: Any) -> Any:
    if not isinstance(base, Mapping) or not isinstance(override, Mapping):
        return override
    if override.get("use", base.get("use")) != base.get("use"):
        return override  # another reward: the preset's parameters are not its own
    merged = {**base, **override}
    for key in ("params", "columns"):
        if isinstance(base.get(key), Mapping) and isinstance(override.get(key), Mapping):
            merged[key] = {**base[key], **override[key]}
    return merged


def _aliases(rewards: Any, where: str) -> dict[str, Any]:
    """Alias → component as written, shorthands spelt out: a list of names, ``name:`` alone, ``name: weight``."""
    if isinstance(rewards, Mapping):
        return {str(alias): _spelt_out(value) for alias, value in rewards.items()}
    if isinstance(rewards, list | tuple):
        return _from_list(rewards, where)
    message = f"rewards: a mapping (alias: settings) or a list of names is expected, got {rewards!r}"
    raise ConfigError(located(f"{message} ({type(rewards).__name__})", where))


def _spelt_out(value: Any) -> Any:
    if value is None or value is True:
        return {}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"weight": value}
    return value


def _from_list(items: Iterable[Any], where: str) -> dict[str, Any]:
    components: dict[str, Any] = {}
    for index, item in enumerate(items):
        place = located(f"rewards[{index}]", where)
        if isinstance(item, Mapping) and len(item) == 1 and "use" not in item:
            alias, value = next(iter(item.items()))
            alias, value = str(alias), _spelt_out(value)
        elif isinstance(item, Mapping) and item.get("use") is not None:
            alias, value = _alias_of(item["use"]), dict(item)
        elif isinstance(item, str) or callable(item):
            alias, value = _alias_of(item), {"use": item}
        else:
            raise ConfigError(f"{place}: a reward's name, or a mapping with use:, is expected, got {item!r}")
        if alias in components and _differs(components[alias], value):
            alias = next(f"{alias}_{n}" for n in itertools.count(2) if f"{alias}_{n}" not in components)
        if alias in components:
            raise ConfigError(f"{place}: the alias {alias!r} is taken; write rewards as a mapping alias: {{use: …}}")
        components[alias] = value
    return components


def _differs(one: Any, other: Any) -> bool:
    """Whether two entries of one name are two rewards, rather than one that is listed twice."""
    uses = [entry.get("use") if isinstance(entry, Mapping) else None for entry in (one, other)]
    if all(isinstance(use, Reward) for use in uses):
        return bool(uses[0].spec() != uses[1].spec())  # type: ignore[union-attr]
    return uses[0] is not None and uses[1] is not None and one != other


def _alias_of(use: Any) -> str:
    if isinstance(use, str):
        return use.rpartition(":")[2].rpartition(".")[2] if ":" in use else use
    return str(getattr(use, "__name__", type(use).__name__))


def _refuse_misplaced_parameters(rewards: Mapping[str, Any], where: str) -> None:
    """Raise ConfigError where a reward's parameter stands beside ``params:`` instead of in it."""
    for alias, settings in rewards.items():
        unknown = (
            [k for k in settings if k not in ComponentConfig.model_fields] if isinstance(settings, Mapping) else []
        )
        parameters = _parameters_of(settings.get("use", alias)) if unknown else ()
        misplaced = [key for key in unknown if key in parameters]
        if misplaced:
            written = ", ".join(f"{key}: {settings[key]!r}" for key in misplaced)
            message = f"rewards.{alias}.{misplaced[0]}: a parameter of the reward belongs in params"
            raise ConfigError(located(f"{message}; write {alias}: {{params: {{{written}}}}}", where))


def _parameters_of(use: Any) -> Collection[str]:
    """The names of a reward's parameters; none where it cannot be looked up, which is said later."""
    with suppress(VerituneError):
        return (resolve(use) if isinstance(use, str) else as_reward(use)).parameters
    return ()


def _component(alias: str, config: ComponentConfig, where: str, folder: Path | None) -> Component:
    use = config.use if config.use is not None else alias
    if isinstance(use, str) and folder is not None:
        use = _beside(use, folder)
    clash = config.params.keys() & {"name", "columns", "compat"}
    if clash:
        raise ConfigError(f"{where}.params: {', '.join(sorted(clash))} is no parameter; put it beside params:")
    with at(where):
        reward = get_reward(use, name=alias, columns=config.columns, compat=config.compat, **config.params)
        if config.deadline is not None or config.isolate:
            check_boundable(reward)
    return Component(alias, reward, config, _appeal(alias, config, where))


def _appeal(alias: str, config: ComponentConfig, where: str) -> Appeal | None:
    asked = config.appeal
    if asked is None:
        return None
    if asked.to == PERSON:
        return Appeal(asked, None)
    with at(path(where, "appeal")):
        return Appeal(asked, get_reward(asked.to, name=f"{alias}.appeal", columns=asked.columns, **asked.params))


def _beside(use: str, folder: Path) -> str:
    """The path of a reward's file in a config: from the working folder, or from the config's own ``folder``."""
    file, colon, name = use.rpartition(":")
    path = Path(file or name).expanduser()
    near = folder / path
    if path.suffix != ".py" or path.is_absolute() or not near.is_file():
        return use
    if path.is_file() and not path.samefile(near):
        raise ConfigError(f"{str(path)!r} is in the working folder and beside this config, and they differ: write more")
    return f"{near}{colon}{name}" if file else str(near)


def _check_gates(config: CompositionConfig, where: str) -> None:
    for alias, component in config.rewards.items():
        place = located(path("rewards", alias, "gate"), where)
        for gate in component.gate:
            if gate not in config.rewards:
                known = ", ".join(config.rewards)
                raise ConfigError(
                    f"{place}: no component {gate!r}.{did_you_mean(gate, config.rewards)} Known: {known}."
                )
            if config.rewards[gate].eval_only and not component.eval_only:
                raise ConfigError(f"{place}: {gate!r} is eval_only, so in training nothing would open this gate")
        cycle = _cycle(alias, config)
        if cycle:
            raise ConfigError(f"{place}: gates in a circle: {' → '.join(cycle)}")


def _cycle(start: str, config: CompositionConfig) -> list[str]:
    """The gates from ``start`` back to it, or nothing."""
    trails = [[start]]
    seen: set[str] = set()
    while trails:
        trail = trails.pop()
        for gate in config.rewards[trail[-1]].gate:
            if gate == start:
                return [*trail, gate]
            if gate in config.rewards and gate not in seen:
                seen.add(gate)
                trails.append([*trail, gate])
    return []
