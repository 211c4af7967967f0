"""Where chunks are scored: in processes that can be ended, or in one thread of the server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

from veritune.plugins import Sample
from veritune.rewards.composition import RewardSet
from veritune.sandbox.workers import Outcome, Status, WorkerPool
from veritune.serve.scoring import How, Prepared, score_chunk

RENEWED_AFTER = 20_000
"""Chunks after which a worker is replaced by a fresh one."""

SPARE = 8
"""Workers beyond the usual ones while as many are at one task for more than a second, waiting or hung."""


class Scorer(Protocol):
    """Scores chunks; never raises for what a reward or its process does."""

    def submit(
        self, samples: list[Sample], how: How, seconds: float, on_start: Callable[[], None] | None = None
    ) -> Future[list[Outcome]]:
        """One Outcome, whose value is what :func:`score_chunk` returns. ``on_start`` is called, in any thread, when a
        process that others can stand in for begins with it."""

    def close(self) -> None:
        """End it."""


class PoolScorer:
    """Killable processes: whoever is not done after its seconds is ended, and a crash costs its chunk alone. What hangs
    until then has others stand in for it."""

    def __init__(self, rewards: RewardSet, workers: int | None) -> None:
        self.pool = WorkerPool(
            "veritune.serve.scoring:score_chunk",
            workers=workers,
            memory_mb=None,
            recycle=RENEWED_AFTER,
            spare=SPARE,
            given=(Prepared(rewards, os.getcwd()),),
        )

    def submit(
        self, samples: list[Sample], how: How, seconds: float, on_start: Callable[[], None] | None = None
    ) -> Future[list[Outcome]]:
        return self.pool.submit([(samples, how)], cpu=seconds, deadline=seconds, total=seconds, on_start=on_start)

    def close(self) -> None:
        self.pool.close()


class ThreadScorer:
    """One thread of this process. Nothing ends a reward that does not end by itself."""

    def __init__(self, rewards: RewardSet) -> None:
        self.prepared = Prepared(rewards, os.getcwd())
        self.thread = ThreadPoolExecutor(1, "veritune-serve")

    def submit(
        self, samples: list[Sample], how: How, seconds: float, on_start: Callable[[], None] | None = None
    ) -> Future[list[Outcome]]:
        return self.thread.submit(self._score, samples, how)

    def _score(self, samples: list[Sample], how: How) -> list[Outcome]:
        try:
            return [Outcome(Status.OK, score_chunk(self.prepared, samples, how))]
        except Exception as error:
            return [Outcome(Status.ERROR, detail=f"{type(error).__name__}: {error}")]

    def close(self) -> None:
        self.thread.shutdown(wait=True, cancel_futures=True)


def make_scorer(rewards: RewardSet, workers: int | None) -> Scorer:
    """``workers`` processes (None: one a CPU), or with 0 a thread."""
    return ThreadScorer(rewards) if workers == 0 else PoolScorer(rewards, workers)


async def outcome_of(future: Future[list[Outcome]]) -> Outcome:
    """The future's only outcome; an exception of the pool's as one."""
    try:
        found: list[Any] = await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        raise
    except Exception as error:  # the reward's file does not import in the worker, the pool is closing
        return Outcome(Status.CRASHED, detail=f"{type(error).__name__}: {error}")
    outcome: Outcome = found[0]
    return outcome
