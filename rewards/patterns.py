"""A user's regular expression over completions, where it cannot hang the run."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from veritune.plugins.types import Cause, Score
from veritune.sandbox.workers import Status, WorkerPool

_pool = WorkerPool("veritune.rewards.patterns:search", memory_mb=256)
_PATIENCE = 4.0
"""Wall-clock seconds a search may take for every CPU second of its deadline."""


def search_all(pattern: str, texts: Sequence[str], right: float, wrong: float, deadline: float) -> list[Score]:
    """``right`` where ``pattern`` is found. A search that outlives ``deadline`` seconds of CPU is undecided.

    An expression can take exponential time on an innocent text and holds the interpreter while it does, so it runs in
    a worker process. That is the expression's fault and not the policy's: no score, cause ``timeout``.
    """
    scores = []
    tasks = [(pattern, text) for text in texts]
    for outcome in _pool.run(tasks, cpu=deadline, deadline=_PATIENCE * deadline):
        if outcome.ok:
            score = Score(right, "the pattern matches") if outcome.value else Score(wrong, "the pattern does not match")
        elif outcome.status in (Status.CPU, Status.WALL, Status.QUEUE):
            score = Score.none(f"the pattern takes more than {deadline:g} s on this text", Cause.TIMEOUT)
        else:
            score = Score.none(f"the pattern could not be searched: {outcome.detail}", Cause.INFRA_ERROR)
        scores.append(score)
    return scores


def search(pattern: str, text: str) -> bool:
    """In the worker."""
    return _compiled(pattern).search(text) is not None


@functools.lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
