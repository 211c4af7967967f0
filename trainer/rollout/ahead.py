"""Batches asked for before their turn: drawn with the weights of now, trained on a few optimizer steps later.

Which batch is drawn with which weights is a matter of counting, not of time: batch ``s``, whose training begins after
``s · updates`` optimizer steps, is asked for as soon as that is at most ``staleness`` steps away. The same seed gives
the same run, whether a thread draws while the policy is updated or the two take turns.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from veritune.trainer.config import SamplingConfig
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.observe.metrics import Clock
from veritune.trainer.policy.distributed import same_device
from veritune.trainer.rollout.cancelling import cancellable, check_cancelled

T = TypeVar("T")
JOIN_SECONDS = 5.0
"""How long the end of a run waits for the drawing thread, which looks for its end at every token or answer."""

Hold = Callable[[bool], Callable[[], None]]
"""Takes the policy's weights as they are now, and returns what loads them where completions are drawn, to be called in
the drawing thread. Told whether an earlier draw may still run, whose weights must stay."""


@dataclass
class Asked(Generic[T]):
    """A batch that was asked for, and may be there."""

    step: int
    version: int
    """Optimizer steps that its weights had behind them."""
    found: Future[T] = field(default_factory=Future)
    begun: threading.Event = field(default_factory=threading.Event)
    before: Any = None
    """The state of the generator with which its drawing began."""
    clock: Clock = field(default_factory=Clock)
    idle: float = 0.0
    """Seconds that the drawing thread had had nothing to do."""


class Ahead(Generic[T]):
    """The batches that are asked for ahead of their step.

    ``draw(step, clock)`` draws and scores one; ``updates`` are the optimizer steps a step, ``first`` the step at which
    training begins and ``last`` the one after its last. With ``hold`` a thread draws, one batch after the other, while
    the caller updates; without, the caller draws when it asks. ``state`` reads the state of the generator.
    """

    def __init__(
        self,
        draw: Callable[[int, Clock], T],
        staleness: int,
        updates: int,
        first: int,
        last: int,
        state: Callable[[], Any],
        hold: Hold | None = None,
    ) -> None:
        self.draw, self.staleness, self.updates, self.last = draw, staleness, updates, last
        self.state, self.hold = state, hold
        self._next = first
        self._pending: deque[Asked[T]] = deque()
        self._thread = DrawingThread() if hold is not None else None
        self._rested: float | None = None

    def offer(self, version: int, clock: Clock, wanted: bool = True) -> None:
        """Ask for every batch that may be drawn with weights of ``version`` optimizer steps, the policy's now."""
        while wanted and self._next < self.last and self._next * self.updates - version <= self.staleness:
            self._ask(version, clock)

    def take(self, version: int, clock: Clock) -> tuple[T, Asked[T]]:
        """The next batch, waited for. Raises what its drawing raised."""
        if not self._pending:
            self._ask(version, clock)
        one = self._pending[0]
        if self._thread is None:
            batch = one.found.result()
        else:
            with clock.phase("wait"):
                batch = one.found.result()
        self._pending.popleft()
        if version - one.version > self.staleness:
            old = version - one.version
            raise RuntimeError(f"step {one.step} has completions of weights {old} optimizer steps old")
        return batch, one

    def settle(self) -> None:
        """Wait until nothing is being drawn. Raises what a drawing raised."""
        for one in self._pending:
            one.found.result()

    def before(self) -> Any:
        """The generator's state with which what was asked for and not taken is drawn again; None: that of now."""
        if not self._pending:
            return None
        self._pending[0].begun.wait()  # at once: what was asked for before it has been taken
        return self._pending[0].before

    def kept(self) -> list[Asked[T]]:
        """What was asked for and not taken, all of it there."""
        self.settle()
        return list(self._pending)

    def restore(self, batches: Sequence[tuple[int, int, T]], before: Sequence[Any]) -> None:
        """Go on with batches that a checkpoint kept: step, version and batch of each, and the states before them."""
        for (step, version, batch), state in zip(batches, before, strict=True):
            one: Asked[T] = Asked(step, version, before=state)
            one.begun.set()
            one.found.set_result(batch)
            self._pending.append(one)
            self._next = step + 1

    def close(self, wake: Callable[[], None] = lambda: None) -> bool:
        """End the drawing, whatever it does; ``wake`` makes what it may wait for answer. False where it goes on."""
        busy = any(not one.found.done() for one in self._pending)
        self._pending.clear()
        return self._thread is None or self._thread.close(wake if busy else lambda: None)

    # -- drawing ---------------------------------------------------------------------------------------------------

    def _ask(self, version: int, clock: Clock) -> None:
        one: Asked[T] = Asked(self._next, version)
        self._next += 1
        if self.hold is None or self._thread is None:
            one.before = self.state()
            one.begun.set()
            one.found.set_result(self.draw(one.step, clock))
        else:
            load = self.hold(any(not other.found.done() for other in self._pending))
            self._thread.submit(lambda: self._work(one, load))
        self._pending.append(one)

    def _work(self, one: Asked[T], load: Callable[[], None]) -> None:
        """In the drawing thread."""
        one.idle = 0.0 if self._rested is None else time.perf_counter() - self._rested
        one.before = self.state()
        one.begun.set()
        try:
            check_cancelled()
            with one.clock.phase("rollout"):
                load()
            one.found.set_result(self.draw(one.step, one.clock))
        except BaseException as error:
            one.found.set_exception(error)
        self._rested = time.perf_counter()


def in_background(sampling: SamplingConfig) -> bool:
    """Whether another thread draws while the policy is updated: where another device, or a server, does the work."""
    return sampling.staleness > 0 and (sampling.device is not None or sampling.engine == "vllm_server")


def stale_metrics(rollouts: Sequence[Rollout], asked: Asked[T], threaded: bool) -> dict[str, float]:
    """Ages of completions; where a thread drew them, its seconds, those that it had nothing to do among them."""
    ages = [rollout.age for rollout in rollouts]
    metrics = {"rollout/age": sum(ages) / max(len(ages), 1), "rollout/age_max": float(max(ages, default=0))}
    if threaded:
        seconds = {"rollout": 0.0, "score": 0.0, **asked.clock.seconds, "idle": asked.idle}
        metrics |= {f"seconds/{name}": value for name, value in seconds.items()}
    return metrics


class DrawingThread:
    """One thread that draws, in the order asked. It is a daemon: the end of the process does not wait for it."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._begin = same_device()
        self._thread: threading.Thread | None = None

    def submit(self, job: Callable[[], None]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="veritune-draw", daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def close(self, wake: Callable[[], None]) -> bool:
        """No more jobs, and an end to the one that runs; False where that takes longer than ``JOIN_SECONDS``."""
        self.cancelled.set()
        self._jobs.put(None)
        if self._thread is None:
            return True
        wake()
        self._thread.join(JOIN_SECONDS)
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._begin()
        with cancellable(self.cancelled):
            for job in self._waiting():
                job()

    def _waiting(self) -> Iterator[Callable[[], None]]:
        while (job := self._jobs.get()) is not None:
            yield job
