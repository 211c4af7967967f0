"""One chunk on its way: together first, one by one where that ends badly or takes long, so that one costs no other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

from veritune.plugins import Cause, Sample
from veritune.sandbox.workers import Outcome, Status
from veritune.serve.pool import Scorer, outcome_of
from veritune.serve.scoring import How, Refused, Result, units_of
from veritune.serve.wire import no_result

_LATE = 0.05
"""Seconds that a chunk may be late before its worker is ended: the answer has left without it by then."""
_TOGETHER = 1 / 3
"""Of the time that is left when a chunk's process begins: after that, its samples are scored apart beside it. It is not
ended for that: what waits for a service, with many questions at once, is likely done before they are."""
_ALONE = 1 / 32
"""Of the time left then: for each alone. Who needs more gets what is left once all others had their turn."""
_BESIDE = 4
"""Units of one chunk that are scored apart at a time."""
_TIMES = (Status.CPU, Status.WALL, Status.QUEUE)


class Scoring:
    """Scores one chunk by ``end``. Its results are filled in as they come: what is open then is None."""

    def __init__(self, scorer: Scorer, chunk: list[Sample], how: How, end: float, whole: bool) -> None:
        self.scorer, self.chunk, self.how, self.end = scorer, chunk, how, end
        self.results: list[Result | None] = [None] * len(chunk)
        self._units = units_of(chunk, whole)
        self._refused: Refused | None = None

    async def run(self) -> Refused | None:
        """Why it cannot be scored as it stands, or None: then the results are there."""
        began = asyncio.Event()
        together = asyncio.ensure_future(self._ask(self.chunk, self.end, began))
        tasks: list[asyncio.Future[Any]] = [together]
        try:
            if len(self._units) > 1:
                tasks.append(asyncio.ensure_future(self._patience(began)))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if self._settled(together):
                return self._refused
            apart = asyncio.ensure_future(self._apart())
            tasks.append(apart)
            await asyncio.wait({together, apart}, return_when=asyncio.FIRST_COMPLETED)
            if not self._settled(together):
                await apart
            return self._refused
        finally:
            for task in tasks:
                task.cancel()

    def _settled(self, together: asyncio.Future[Outcome]) -> bool:
        """Whether the attempt with all of them is the last word."""
        if not together.done():
            return False
        outcome = together.result()
        if not outcome.ok and len(self._units) > 1 and outcome.status is not Status.QUEUE:
            return False
        self._put(0, self.chunk, outcome)
        return True

    async def _patience(self, began: asyncio.Event) -> None:
        await began.wait()
        await asyncio.sleep((self.end - time.monotonic()) * _TOGETHER)

    async def _apart(self) -> None:
        """Every unit by itself, in two rounds: a hanging one has taken nobody's time when it gets the rest."""
        places = [0]
        for unit in self._units:
            places.append(places[-1] + len(unit))
        turn = (self.end - time.monotonic()) * _ALONE
        slots = asyncio.Semaphore(_BESIDE)

        async def one(place: int, unit: list[Sample], seconds: float, last: bool) -> bool:
            async with slots:
                if self._refused is not None:
                    return True
                outcome = await self._ask(unit, min(self.end, time.monotonic() + seconds))
            if outcome.status in _TIMES and not last:
                return False
            self._put(place, unit, outcome)
            return True

        waiting = list(zip(places[:-1], self._units, strict=True))
        done = await _all([one(place, unit, turn, False) for place, unit in waiting])
        rest = [each for each, settled in zip(waiting, done, strict=True) if not settled]
        slots = asyncio.Semaphore(max(1, len(rest)))
        await _all([one(place, unit, float("inf"), True) for place, unit in rest])

    def _put(self, place: int, samples: list[Sample], outcome: Outcome) -> None:
        if not outcome.ok:
            self.results[place : place + len(samples)] = [lost(outcome)] * len(samples)
        elif isinstance(outcome.value, Refused):
            self._refused = outcome.value
        else:
            self.results[place : place + len(samples)] = outcome.value

    async def _ask(self, samples: list[Sample], by: float, began: asyncio.Event | None = None) -> Outcome:
        left = by - time.monotonic() + _LATE
        if left <= _LATE:
            return Outcome(Status.QUEUE, detail="not started in time")
        loop = asyncio.get_running_loop()

        def start() -> None:
            if began is not None:
                loop.call_soon_threadsafe(began.set)

        return await outcome_of(self.scorer.submit(samples, self.how, left, start))


async def _all(attempts: list[Coroutine[Any, Any, bool]]) -> list[bool]:
    """All of them; they are ended where this is."""
    tasks = [asyncio.ensure_future(attempt) for attempt in attempts]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()


def lost(outcome: Outcome) -> Result:
    """The result of a sample whose worker did not answer."""
    if outcome.status in _TIMES:
        return no_result(Cause.TIMEOUT, f"not scored within the deadline ({outcome.detail})")
    return no_result(Cause.INFRA_ERROR, f"its process ended: {outcome.detail}")
