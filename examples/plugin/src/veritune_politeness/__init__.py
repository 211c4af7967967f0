"""The plugin: what it registers. Values are import paths, so that nothing is imported before it is used."""

from __future__ import annotations

from collections.abc import Mapping

from veritune import hookimpl


@hookimpl
def veritune_rewards() -> Mapping[str, str]:
    return {"politeness": "veritune_politeness.rewards:politeness"}
