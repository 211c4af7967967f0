"""The desk: takes in as many samples as it may, hands them to the workers in chunks, answers by the deadline."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from veritune.plugins import Cause, ColumnError, Sample
from veritune.rewards.composition import RewardSet
from veritune.sandbox.workers import available_cpus
from veritune.serve.chunk import Scoring
from veritune.serve.errors import Refusal, unfit
from veritune.serve.metrics import Metrics
from veritune.serve.pool import Scorer
from veritune.serve.scoring import How, Result, chosen, chunks_of, whole_groups
from veritune.serve.settings import Settings
from veritune.serve.wire import no_result


class Desk:
    """Scores requests. Belongs to one event loop."""

    def __init__(self, rewards: RewardSet, settings: Settings, scorer: Scorer, metrics: Metrics) -> None:
        self.rewards, self.settings, self.scorer, self.metrics = rewards, settings, scorer, metrics
        self.held = 0
        """Samples accepted and not answered."""
        self._pace = Pace()

    @property
    def full(self) -> bool:
        """Whether another request would be refused."""
        return self.held >= self.settings.queue

    async def score(self, samples: Sequence[Sample], how: How, deadline: float | None = None) -> list[Result]:
        """One result a sample, in order, at the latest when the deadline passes: what is open then is undecided.

        Refusal 422 for what cannot be scored as it stands, 429 where the queue is full, 413 where it never fits.
        """
        seconds = self.settings.deadline if deadline is None else min(deadline, self.settings.longest)
        self._check(samples, how)
        self._admit(len(samples))
        try:
            results = await self._all(same_columns(self.rewards, samples), how, time.monotonic() + seconds, seconds)
        finally:
            self.held -= len(samples)
            self.metrics.held = self.held
        self._pace.saw(len(samples))
        self.metrics.scored(results)
        return results

    def _check(self, samples: Sequence[Sample], how: How) -> None:
        try:
            rewards = chosen(self.rewards, how.rewards)
            if rewards.scheduled and how.step is None:
                raise unfit("step: these rewards change with the step; say which")
            check_columns(rewards, samples)
        except ValueError as error:  # ConfigError, ColumnError
            raise unfit(str(error)) from None

    def _admit(self, count: int) -> None:
        if count > self.settings.queue:
            raise Refusal(413, "too_many", f"{count:,} samples; at most {self.settings.queue:,} fit here")
        if self.held + count > self.settings.queue:
            wait = self._pace.seconds(self.held)
            message = f"{self.held:,} samples are waiting; come again in about {wait} s"
            raise Refusal(429, "busy", message, headers={"Retry-After": str(wait)})
        self.held += count
        self.metrics.held = self.held

    async def _all(self, samples: Sequence[Sample], how: How, end: float, seconds: float) -> list[Result]:
        whole = whole_groups(self.rewards)
        chunks = chunks_of(samples, whole, self._chunk_size(len(samples)))
        scorings = [Scoring(self.scorer, chunk, how, end, whole) for chunk in chunks]
        tasks = [asyncio.ensure_future(scoring.run()) for scoring in scorings]
        if tasks:
            await asyncio.wait(tasks, timeout=max(0.0, end - time.monotonic()))
        late = no_result(Cause.TIMEOUT, f"not scored within the deadline of {seconds:g} s")
        results: list[Result] = []
        for task in tasks:
            if not task.done():
                task.cancel()  # what has not started never will; what has is ended by its own clock
            elif (refused := task.result()) is not None:
                raise unfit(refused.message)
        for scoring in scorings:
            results += [late if result is None else result for result in scoring.results]
        return results

    def _chunk_size(self, count: int) -> int:
        """Large chunks cost least; small ones spread a request over workers that have nothing else to do."""
        most = self.settings.chunk
        if self.held > count:  # others wait
            return most
        workers = max(1, self.settings.workers or available_cpus())
        return min(most, max(most // 4, math.ceil(count / workers)))


def check_columns(rewards: RewardSet, samples: Sequence[Sample]) -> None:
    """Raise ColumnError where samples that a component applies to lack, all of them, a column that it reads.

    A request may hold one kind of rows only: what is routed elsewhere (``where``) need not be in it.
    """
    names = {name for sample in samples for name in sample.columns}
    for component in rewards.components if samples else ():
        missing = [column for column in component.config.where if column not in names]
        if missing:
            raise ColumnError(f"rewards.{component.alias}.where: no sample has the column {missing[0]!r}")
        mine = [sample for sample in samples if component.mismatch(sample) is None]
        if mine:
            component.reward.check_columns(list({name for sample in mine for name in sample.columns}))


def same_columns(rewards: RewardSet, samples: Sequence[Sample]) -> Sequence[Sample]:
    """The samples, each with every column that a reward reads and any of them has: None where it lacks it, as in one
    batch. A chunk does not know what the others have."""
    names = {name for sample in samples for name in sample.columns}
    if all(sample.columns.keys() == names for sample in samples):
        return samples
    read: set[str] = set()
    for each in rewards.components:
        with suppress(ColumnError):  # of rows of another kind
            read |= each.reward.columns_read(names)
    blank = dict.fromkeys(sorted(read & names))
    return [replace(sample, columns={**blank, **sample.columns}) for sample in samples]


class Pace:
    """How many samples a second the server gets done, for an honest ``Retry-After``."""

    _SPAN = 5.0
    """Seconds that it looks back, about."""

    def __init__(self) -> None:
        self._done, self._at = 0.0, time.monotonic()

    def saw(self, samples: int) -> None:
        """These were answered now."""
        now = time.monotonic()
        self._done = self._done * math.exp((self._at - now) / self._SPAN) + samples
        self._at = now

    def seconds(self, held: int) -> int:
        """Until half of what waits is likely done: 1 to 30."""
        rate = self._done * math.exp((self._at - time.monotonic()) / self._SPAN) / self._SPAN
        return max(1, min(30, math.ceil(0.5 * held / rate))) if rate > 0 else 1
