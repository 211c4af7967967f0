"""Everything by name: ``get_reward("cosine", max_len=2048)``, ``my_rewards.py:short``, ``package.module:short``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from veritune.plugins.errors import ConfigError, PluginError, UnknownNameError
from veritune.plugins.files import load_file, load_module, rewards_in
from veritune.plugins.manager import get_manager
from veritune.plugins.reward import Reward, resolve_with, reward


def get_reward(
    use: str | Reward | Callable[..., Any],
    *,
    name: str | None = None,
    columns: Mapping[str, str] | None = None,
    compat: str | None = None,
    **params: Any,
) -> Reward:
    """A configured reward by registered name, by path, or from a reward or plain function.

    Raises UnknownNameError and ParameterError (with the nearest right name), PluginError where a file or module does
    not import. Example: ``get_reward("cosine", max_len=2048, columns={"gold": "answer"})``.
    """
    base = resolve(use) if isinstance(use, str) else as_reward(use)
    configured = base.with_params(name=name, columns=columns, compat=compat, **params)
    configured.check_ready()
    return configured


def reward_names() -> dict[str, str]:
    """Registered reward name → the plugin it comes from."""
    return {name: plugin for name, (plugin, _) in get_manager().collect("veritune_rewards").items()}


def get_verifier(name: str, **options: Any) -> Any:
    """A verifier by name, built with its options."""
    return _build("verifier", "veritune_verifiers", name, options)


def get_sandbox(name: str, **options: Any) -> Any:
    """A sandbox back-end by name, built with its options."""
    return _build("sandbox", "veritune_sandboxes", name, options)


def get_preset(name: str) -> Any:
    """A composition preset by name: a mapping, or the path of a YAML file."""
    return _find("preset", "veritune_presets", name)[1]


def preset_names() -> list[str]:
    return sorted(get_manager().collect("veritune_presets"))


def resolve(use: str) -> Reward:
    """The reward that a name or path stands for, as registered (default parameters)."""
    _refuse_slips(use)
    if ":" in use:
        target = load_path(use)
        source = _absolute(use)
    else:
        plugin, value = _find("reward", "veritune_rewards", use)
        target = _import_value(plugin, value) if isinstance(value, str) else value
        source = use
    found = as_reward(target)
    named = found.with_params(name=use if ":" not in use else found.name)
    named.source = source
    return named


def _refuse_slips(use: str) -> None:
    """Raise ConfigError for what is nearly a name or path: a file without its reward, a parameter without a value."""
    if use.endswith(".py"):
        found = rewards_in(load_file(use, "reward"))
        known = ", ".join(f"{use}:{name}" for name in found) or "none"
        raise ConfigError(f"{use!r} is a file: say which of its rewards, file.py:name. In it: {known}.")
    where, _, last = use.rpartition(":")
    if "::" in use:
        raise ConfigError(f"{use!r}: one colon stands between file and reward: {use.replace('::', ':')}")
    if "/" in where and ".py" not in where:
        raise ConfigError(f"{use!r}: the name of a reward's file ends in .py: {where}.py:{last}")
    if last.isidentifier() and (where in reward_names() or ".py:" in where):
        known = ", ".join(resolve(where).parameters) or "none"
        raise ConfigError(f"{use!r}: a parameter is written with its value, {where}:{last}=VALUE. Parameters: {known}.")


def as_reward(target: Any) -> Reward:
    """A Reward as it is; a plain function or class decorated on the fly."""
    if isinstance(target, Reward):
        return target
    if callable(target):
        return reward(target)
    raise ConfigError(f"not a reward: {target!r} (expected a function or what @reward returns)")


def load_path(path: str, kind: str = "reward") -> Any:
    """``file.py:name`` or ``package.module:name``; ``kind`` is what errors call it. Raises PluginError where it does
    not import, UnknownNameError where nothing there has that name."""
    where, _, attribute = path.rpartition(":")
    module = load_file(where, kind) if where.endswith(".py") else load_module(where)
    target: Any = module
    for part in attribute.split("."):
        if part == "<locals>" or not hasattr(target, part):
            if "<locals>" in attribute:
                raise PluginError(f"{path!r} is defined inside a function and cannot be found again; move it out")
            known = [n for n, v in vars(module).items() if isinstance(v, Reward) or inspect.isfunction(v)]
            raise UnknownNameError("attribute", part, known, f"({where} has no {attribute!r}.)")
        target = getattr(target, part)
    return target


def _absolute(use: str) -> str:
    """A file's path as every process finds it, whatever folder it works in."""
    where, _, attribute = use.rpartition(":")
    return f"{Path(where).expanduser().resolve()}:{attribute}" if where.endswith(".py") else use


def _import_value(plugin: str, value: str) -> Any:
    try:
        return load_path(value)
    except Exception as error:
        raise PluginError(f"plugin {plugin!r}: {error}") from error


def _find(kind: str, hook: str, name: str) -> tuple[str, Any]:
    manager = get_manager()
    known = manager.collect(hook)
    if name in known:
        return known[name]
    hint = ""
    if kind == "reward":
        hint = "A reward of your own: file.py:name or package.module:name."
    if manager.failures:
        hint += " Plugins that did not load: " + "; ".join(map(str, manager.failures)) + "."
    raise UnknownNameError(kind, name, known, hint.strip())


def _build(kind: str, hook: str, name: str, options: Mapping[str, Any]) -> Any:
    plugin, value = _find(kind, hook, name)
    factory = _import_value(plugin, value) if isinstance(value, str) else value
    return factory(**options)


resolve_with(resolve)
