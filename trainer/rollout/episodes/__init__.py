"""Completions of several turns: the policy writes, a function of the user's answers, and the policy writes on.

:mod:`.function` finds and starts the user's function, :mod:`.transcript` is what one episode has so far, :mod:`.chat`
renders the messages it answers with, and :mod:`.play` runs all episodes of a step side by side. A function can be tried
with a :class:`Turn` where torch is not installed: what needs it is imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from veritune.trainer.rollout.episodes.transcript import Turn

if TYPE_CHECKING:
    from veritune.trainer.rollout.episodes.chat import ReplyTemplate
    from veritune.trainer.rollout.episodes.function import EpisodeFunction, load_episode
    from veritune.trainer.rollout.episodes.play import Episodes

__all__ = ["EpisodeFunction", "Episodes", "ReplyTemplate", "Turn", "load_episode"]

_HOME = {"EpisodeFunction": "function", "load_episode": "function", "ReplyTemplate": "chat", "Episodes": "play"}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
