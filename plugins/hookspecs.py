"""The whole contract of a plugin. Values are objects, or ``"package.module:attribute"`` to be imported on first use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pluggy

hookspec = pluggy.HookspecMarker("veritune")
hookimpl = pluggy.HookimplMarker("veritune")


@hookspec
def veritune_rewards() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Name → reward (what ``@reward`` returns, or its import path)."""


@hookspec
def veritune_verifiers() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Name → a zero-config factory of a :class:`veritune.plugins.Verifier`, or its import path."""


@hookspec
def veritune_sandboxes() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Name → a factory of a sandbox back-end, or its import path."""


@hookspec
def veritune_presets() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Name → a composition as a mapping (the YAML's content) or the path of a YAML file."""
