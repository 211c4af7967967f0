"""Rewards that cost nothing, for tests of the trainer."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from veritune import reward
from veritune.plugins import Cause, Score


@reward
def even(completion_ids: Sequence[int]) -> float:
    """The share of even token ids."""
    return sum(i % 2 == 0 for i in completion_ids) / len(completion_ids)


@reward
def short(completion_ids: Sequence[int]) -> float:
    """1 for completions of up to 4 tokens."""
    return float(len(completion_ids) <= 4)


@reward
def constant(completion: str) -> float:
    return 0.7


@reward
def sometimes(completion_ids: Sequence[int]) -> Score:
    """Undecided where the first token is odd."""
    if completion_ids[0] % 2:
        return Score.none("the first token is odd", Cause.TIMEOUT)
    return Score(float(len(completion_ids)))


@reward
def never(completion_ids: Sequence[int]) -> Score:
    """Undecided, whatever it is."""
    return Score.none("never", Cause.TIMEOUT)


@reward
def broken(completion: str) -> float:
    raise KeyError("a bug in the reward")


@reward
def broken_in_process_1(completion: str) -> float:
    if os.environ.get("RANK") == "1":
        raise KeyError("a bug in the reward")
    return 1.0


@reward
def talkative(completion_ids: Sequence[int], log_metric: Callable[[str, float], None] | None = None) -> float:
    """The completion's length, logged too."""
    if log_metric is not None:
        log_metric("talkative/length", float(len(completion_ids)))
    return float(len(completion_ids))
