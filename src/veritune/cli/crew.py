"""Scoring batches here or in processes of its own, results in order; a row at fault costs itself alone where asked."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Generic, TypeAlias, TypeVar

from veritune.plugins import ConfigError, RewardError, RunError, Sample, Score
from veritune.rewards.composition import RewardSet

Unit = Sequence[Sample]
"""Samples that must be scored together: a group where a reward looks at groups, else one sample."""
Carried = TypeVar("Carried")


@dataclass(frozen=True)
class Fault:
    """Instead of a score: the reward raised."""

    error: str


Found: TypeAlias = "list[Score | Fault]"


@dataclass(frozen=True)
class Terms:
    """How batches are scored."""

    step: int | None = None
    evaluation: bool = False
    tolerant: bool = False
    """An exception in a reward is a fault of its unit, and does not end everything."""


def score_units(rewards: RewardSet, units: Sequence[Unit], terms: Terms) -> Found:
    """One score a sample. A RewardError propagates, unless ``tolerant``: then units that raise are found by halving,
    and theirs are faults."""
    samples = [sample for unit in units for sample in unit]
    try:
        return list(rewards.score_batch(samples, step=terms.step, evaluation=terms.evaluation))
    except RewardError as error:
        if not terms.tolerant:
            raise
        if len(units) == 1:
            return [Fault(f"reward {error.reward!r}: {error.message}")] * len(samples)
    middle = len(units) // 2
    return [*score_units(rewards, units[:middle], terms), *score_units(rewards, units[middle:], terms)]


class Crew(Generic[Carried]):
    """``count`` processes, or this one alone where it is 0. A context manager: left, no process stays."""

    def __init__(self, rewards: RewardSet, terms: Terms, count: int = 0) -> None:
        self.rewards, self.terms = rewards, terms
        context = multiprocessing.get_context("spawn")  # of a fork, children would hold each other's pipes
        self._workers = []
        try:
            for _ in range(count):
                here, there = context.Pipe()
                worker = context.Process(target=_work, args=(there, rewards, terms), daemon=False)
                worker.start()
                there.close()
                self._workers.append((worker, here))
        except Exception as error:
            self.close()
            raise ConfigError(f"--workers: these rewards cannot be sent to another process: {error}") from error

    def __enter__(self) -> Crew[Carried]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def map(self, batches: Iterable[tuple[Carried, Sequence[Unit]]]) -> Iterator[tuple[Carried, Found | RewardError]]:
        """Every batch with its scores, in order, or with what a reward raised. A worker has one batch at a time: two
        processes that send each other more than a pipe holds would both wait for ever."""
        if not self._workers:
            for carried, units in batches:
                try:
                    yield carried, score_units(self.rewards, units, self.terms)
                except RewardError as error:
                    yield carried, error
            return
        waiting: deque[tuple[Carried, int]] = deque()
        for turn, (carried, units) in enumerate(batches):
            if len(waiting) == len(self._workers):
                yield self._next(waiting)
            index = turn % len(self._workers)
            self._send(index, units)
            waiting.append((carried, index))
        while waiting:
            yield self._next(waiting)

    def close(self) -> None:
        """End the processes; each ends by itself when this one is gone, however it went."""
        for worker, pipe in self._workers:
            pipe.close()
            worker.join(1.0)
            if worker.is_alive():
                worker.terminate()
                worker.join()
        self._workers = []

    def _send(self, index: int, units: Sequence[Unit]) -> None:
        try:
            self._workers[index][1].send(units)
        except OSError:
            raise self._lost(index) from None

    def _next(self, waiting: deque[tuple[Carried, int]]) -> tuple[Carried, Found | RewardError]:
        carried, index = waiting.popleft()
        try:
            found, error = self._workers[index][1].recv()
        except (EOFError, OSError):
            raise self._lost(index) from None
        if error is not None and not isinstance(error, RewardError):
            raise error
        return carried, found if error is None else error

    def _lost(self, index: int) -> RunError:
        worker = self._workers[index][0]
        worker.join(1.0)
        return RunError(
            f"a worker process was lost (exit status {worker.exitcode}): out of memory, or code that ends its process"
        )


def _work(pipe: Connection, rewards: RewardSet, terms: Terms) -> None:
    """In the process: a batch, its scores, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the first process decides
    with suppress(EOFError, OSError):
        while True:
            units = pipe.recv()
            answer: tuple[Found | None, BaseException | None]
            try:
                answer = score_units(rewards, units, terms), None
            except BaseException as error:
                error.__traceback__ = None
                answer = None, error
            try:
                pipe.send(answer)
            except (TypeError, AttributeError, ValueError) as error:
                pipe.send((None, RunError(f"what a reward found cannot be sent between processes: {error}")))
