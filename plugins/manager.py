"""Loads plugins: the built-in rooms by name, third parties through the entry-point group ``veritune``."""

from __future__ import annotations

import importlib
import os
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from veritune.plugins import hookspecs
from veritune.plugins.errors import PluginError, did_you_mean, words_of

ENTRY_POINT_GROUP = "veritune"
SWITCH = "VERITUNE_PLUGINS"
"""Environment switch: unset = all; ``none`` = built-ins only; ``a,b`` = built-ins and these, which must load."""

BUILTIN_ROOMS = ("veritune.rewards", "veritune.verifiers", "veritune.sandbox")


@dataclass(frozen=True)
class PluginFailure:
    """A third-party plugin that did not load or broke the contract."""

    plugin: str
    distribution: str
    error: str

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} ({self.distribution}): {self.error}"


class PluginManager:
    """The built-ins and every installed plugin, each loaded on its own so that a broken one spoils nothing else."""

    def __init__(self, switch: str | None = None, rooms: tuple[str, ...] = BUILTIN_ROOMS) -> None:
        self.pm = pluggy.PluginManager("veritune")
        self.pm.add_hookspecs(hookspecs)
        self.failures: list[PluginFailure] = []
        self._origin: dict[str, str] = {}
        for room in rooms:
            self._register(importlib.import_module(room), room, "veritune")
        self._load_entry_points(switch)

    def _load_entry_points(self, switch: str | None) -> None:
        wanted: set[str] | None = None
        if switch is not None:
            wanted = {name.strip() for name in switch.split(",")} - {"", "none"}
        found = sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name)
        installed = sorted({point.name for point in found})
        for name in sorted((wanted or set()) - set(installed)):
            raise PluginError(f"{SWITCH} asks for plugin {name!r}, which is not installed. Installed: {installed}")
        for point in found:  # two distributions may use one name: the second is reported, not dropped in silence
            if wanted is None or point.name in wanted:
                self._load(point.name, point, asked_for=wanted is not None)

    def _load(self, name: str, point: EntryPoint, asked_for: bool) -> None:
        distribution = point.dist.name if point.dist is not None else "unknown distribution"
        try:
            plugin = point.load()
            self._register(plugin, name, distribution)
            self._check_hooks(plugin)
        except Exception as error:
            self.report(name, f"{type(error).__name__}: {words_of(error)}", distribution)
            if asked_for:
                raise PluginError(f"{self.failures[-1]} (asked for by {SWITCH})") from error

    def _register(self, plugin: object, name: str, distribution: str) -> None:
        self.pm.register(plugin, name=name)
        self._origin[name] = distribution

    def _check_hooks(self, plugin: object) -> None:
        """A misspelt hook would never be called: say so instead."""
        known = [name for name in vars(hookspecs) if name.startswith("veritune_")]
        for caller in self.pm.get_hookcallers(plugin) or ():
            if caller.name not in known:
                self.pm.unregister(plugin)
                raise PluginError(
                    f"unknown hook {caller.name!r}.{did_you_mean(caller.name, known)} Hooks: {', '.join(known)}."
                )

    def report(self, name: str, error: str, distribution: str | None = None) -> None:
        """Record a failure and warn once about it."""
        failure = PluginFailure(name, distribution or self._origin.get(name, "unknown distribution"), error)
        if failure in self.failures:
            return
        self.failures.append(failure)
        warnings.warn(f"veritune: {failure}; it is left out", stacklevel=2)

    def collect(self, hook: str) -> dict[str, tuple[str, Any]]:
        """Name → (plugin, value) over all plugins. Built-ins come first and keep their names."""
        collected: dict[str, tuple[str, Any]] = {}
        for implementation in getattr(self.pm.hook, hook).get_hookimpls():
            plugin = implementation.plugin_name
            try:
                values = _call(implementation.function)
            except Exception as error:
                if plugin in BUILTIN_ROOMS:
                    raise
                self.report(plugin, f"{hook}: {type(error).__name__}: {error}")
                continue
            for name, value in values.items():
                if name in collected:
                    self.report(plugin, f"{name!r} is already registered by {collected[name][0]!r}")
                else:
                    collected[name] = (plugin, value)
        return collected


def _call(function: Callable[..., Any]) -> Mapping[str, Any]:
    values = function()
    if not isinstance(values, Mapping):
        raise TypeError(f"must return a mapping of names, got {type(values).__name__}")
    return values


_lock = threading.RLock()
_manager: PluginManager | None = None


def get_manager() -> PluginManager:
    """The process's plugin manager, made on first use."""
    global _manager
    with _lock:
        if _manager is None:
            _manager = PluginManager(os.environ.get(SWITCH))
        return _manager


def reset_manager() -> None:
    """Forget the loaded plugins (after the environment changed; for tests)."""
    global _manager
    with _lock:
        _manager = None
