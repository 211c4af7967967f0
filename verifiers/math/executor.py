"""Where the workers are: ``local`` (a pool of killable workers here) or ``ray`` (such pools on a cluster)."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from veritune.plugins.errors import ConfigError, did_you_mean
from veritune.plugins.types import Cause
from veritune.sandbox.cluster import Crew, Lost, Plan, Work
from veritune.sandbox.workers import Outcome, Status, WorkerPool
from veritune.verifiers.math.judge import FUNCTION, WARM_UP, Task

EXECUTORS = ("local", "ray")
_SHARE = 256
"""Tasks that are sent to a node together: what one that is lost costs."""
AT_ONCE = 8
"""Shares that one node works on at the same time."""
_GRACE_S = 60.0

Tasks = Sequence[Task]


class Executor(Protocol):
    """Runs tasks, each within its limits: ``cpu`` and ``deadline`` are seconds a task."""

    def run(self, tasks: Tasks, *, cpu: float, deadline: float) -> list[Outcome]:
        """One Outcome a task, in order."""

    async def arun(self, tasks: Tasks, *, cpu: float, deadline: float) -> list[Outcome]:
        """The same without blocking the event loop."""

    def start(self) -> None:
        """Have workers ready before the first task. Returns at once."""


def make_executor(name: str, workers: int | None, memory_mb: int) -> Executor:
    """The executor of that name; equal requests in one process share their processes."""
    if name not in EXECUTORS:
        raise ConfigError(
            f"unknown executor {name!r}.{did_you_mean(name, EXECUTORS)} Executors: {', '.join(EXECUTORS)}."
        )
    return _local(workers, memory_mb) if name == "local" else RayExecutor(workers, memory_mb)


@functools.lru_cache(maxsize=16)
def _local(workers: int | None, memory_mb: int) -> WorkerPool:
    return WorkerPool(FUNCTION, workers=workers, memory_mb=memory_mb, preload=(WARM_UP,), recursion=3000)


class RayExecutor:
    """One worker pool on every node of the Ray cluster, as actors that reserve no CPU.

    ``workers`` is the number a node (default: its CPUs). Tasks go to the nodes in shares. What a lost node was doing
    is done again on the others; lost three times, or with no node for ``wait_s`` seconds, it is ``crashed``; ``wall``
    where a node kept silent. Any thread may call.
    """

    _lock: threading.Lock
    _made: Crew | None

    def __init__(self, workers: int | None = None, memory_mb: int = 1024, wait_s: float = 120.0) -> None:
        self.workers = workers
        self.memory_mb = memory_mb
        self.wait_s = wait_s
        self._forget()

    def run(self, tasks: Tasks, *, cpu: float, deadline: float) -> list[Outcome]:
        return self._run(tasks, cpu, deadline, lambda: None)

    async def arun(self, tasks: Tasks, *, cpu: float, deadline: float) -> list[Outcome]:
        import asyncio

        over = threading.Event()

        def check() -> None:
            if over.is_set():
                raise RuntimeError("nobody waits for it any more")

        try:
            return await asyncio.to_thread(self._run, tasks, cpu, deadline, check)
        finally:
            over.set()

    def start(self) -> None:
        self._crew().tend()

    def close(self) -> None:
        """End the actors and their workers. Used again, it starts afresh."""
        with self._lock:
            crew, self._made = self._made, None
        if crew is not None:
            crew.close()

    def _run(self, tasks: Tasks, cpu: float, deadline: float, check: Callable[[], None]) -> list[Outcome]:
        crew = self._crew()
        nodes = max(1, crew.size)
        share = max(1, min(_SHARE, -(-len(tasks) // nodes)))
        shares = [list(tasks[i : i + share]) for i in range(0, len(tasks), share)]
        workers = min(crew.facts(), default=self.workers or 1)
        seconds = _GRACE_S + 2 * share * AT_ONCE * deadline / workers
        answers = crew.map([Work((part, cpu, deadline), seconds) for part in shares], check)
        return [outcome for part, answer in zip(shares, answers, strict=True) for outcome in _outcomes(part, answer)]

    def _crew(self) -> Crew:
        with self._lock:
            if self._made is None:
                self._made = Crew(
                    Plan(
                        "executor: ray", _NodePool, (self.workers, self.memory_mb), at_once=AT_ONCE, wait_s=self.wait_s
                    )
                )
            return self._made

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._made = None

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if not k.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._forget()


def _outcomes(share: Tasks, answer: list[Outcome] | Lost) -> list[Outcome]:
    if not isinstance(answer, Lost):
        return answer
    if answer.cause is Cause.TIMEOUT:
        return [Outcome(Status.WALL, detail=answer.reason)] * len(share)
    return [Outcome(Status.CRASHED, detail=f"the worker server of a Ray node was lost: {answer.reason}")] * len(share)


class _NodePool:
    """In the actor: this node's pool."""

    def __init__(self, workers: int | None, memory_mb: int) -> None:
        self.pool = _local(workers, memory_mb)

    def about(self) -> int:
        return self.pool.size

    def answer(self, tasks: Tasks, cpu: float, deadline: float) -> list[Outcome]:
        return self.pool.run(tasks, cpu=cpu, deadline=deadline)
