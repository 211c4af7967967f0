"""Completions of several turns: the policy writes, a function of the user's answers, and the policy writes on.

:mod:`.function` finds and starts the user's function, :mod:`.transcript` is what one episode has so far, :mod:`.chat`
renders the messages it answers with, and :mod:`.play` runs all episodes of a step side by side.
"""

from veritune.trainer.rollout.episodes.chat import ReplyTemplate
from veritune.trainer.rollout.episodes.function import EpisodeFunction, load_episode
from veritune.trainer.rollout.episodes.play import Episodes
from veritune.trainer.rollout.episodes.transcript import Turn

__all__ = ["EpisodeFunction", "Episodes", "ReplyTemplate", "Turn", "load_episode"]
