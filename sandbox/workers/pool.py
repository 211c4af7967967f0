"""The killable worker pool: a function by name, run in processes that end on time whatever it does."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any

from veritune.plugins.errors import ParameterError, VerituneError
from veritune.sandbox.workers.client import ServerConfig
from veritune.sandbox.workers.engine import GRACE, Engine, Job, Terms
from veritune.sandbox.workers.machine import available_cpus
from veritune.sandbox.workers.outcome import Outcome
from veritune.sandbox.workers.worker import WorkerLimits


class WorkerPool:
    """Runs ``module:function`` on tasks, each in a warm process with a hard deadline.

    ``deadline`` is the CPU seconds that one task may spend (the kernel ends it exactly there, inside C code too); a
    task that was starved of CPU is ended 0.25 s of wall clock after the deadline. A killed or crashed worker costs its
    own task and about 10 ms. ``memory_mb`` is address space beyond that of the warm process; a worker is renewed
    after ``recycle`` tasks; ``preload`` names modules to import, or ``module:function`` to call, before the forks.
    ``given`` are first arguments of every call, pickled once: what they need is loaded before the forks, too.
    ``environment`` are variables that the processes start with beside their parent's (``PYTHONHASHSEED``).
    ``spare`` further workers may be forked while as many have been at one task for more than a second.

    A pool may be used from any thread, from asyncio (``arun``), in daemonic processes and Ray actors. Nothing is
    started before the first task. A forked child gets its own workers; a pickled pool starts afresh where it lands.
    """

    _engine: Engine | None
    _finalizer: weakref.finalize[Any, Any] | None
    _lock: Any

    def __init__(
        self,
        function: str,
        *,
        workers: int | None = None,
        deadline: float = 1.0,
        memory_mb: int | None = 1024,
        recycle: int = 1000,
        preload: Sequence[str] = (),
        recursion: int | None = None,
        startup_seconds: float = 120.0,
        given: tuple[Any, ...] = (),
        environment: Mapping[str, str] | None = None,
        spare: int = 0,
    ) -> None:
        module, _, attribute = function.partition(":")
        if not module or not attribute:
            raise ParameterError(f"a worker function is named 'package.module:function', got {function!r}")
        if workers is not None and workers < 1:
            raise ParameterError(f"workers must be at least 1, got {workers}")
        self.function = function
        self.workers = workers
        self.deadline = _positive("deadline", deadline)
        self.memory_mb = memory_mb
        self.recycle = max(1, recycle)
        self.preload = tuple(preload)
        self.recursion = recursion
        self.startup_seconds = startup_seconds
        self.given = given
        self.environment = tuple(sorted((environment or {}).items()))
        self.spare = spare
        self._forget()
        _pools.add(self)

    def submit(
        self,
        tasks: Iterable[tuple[Any, ...]],
        *,
        deadline: float | None = None,
        cpu: float | None = None,
        total: float | None = None,
        on_start: Callable[[], None] | None = None,
    ) -> Future[list[Outcome]]:
        """Start on ``tasks`` (tuples of arguments); the future holds one Outcome a task, in order.

        ``deadline`` replaces the pool's for this call. With ``cpu`` given, that is the CPU budget and ``deadline`` the
        wall clock's. Tasks not started within ``total`` seconds end as ``queue``. ``on_start`` is called in a thread of
        the pool's once a worker has the first task.
        """
        limit = self.deadline if deadline is None else _positive("deadline", deadline)
        spent, wall = (limit, limit + GRACE) if cpu is None else (_positive("cpu", cpu), limit)
        terms = Terms(spent, wall, total, on_start)
        job = Job(list(tasks), terms)
        if not job.left:
            job.future.set_result([])
            return job.future
        while not self._live_engine().submit(job):
            pass
        return job.future

    def run(
        self,
        tasks: Iterable[tuple[Any, ...]],
        *,
        deadline: float | None = None,
        cpu: float | None = None,
        total: float | None = None,
    ) -> list[Outcome]:
        """One Outcome a task, in order. Raises PluginError where the function does not import."""
        future = self.submit(tasks, deadline=deadline, cpu=cpu, total=total)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def arun(
        self,
        tasks: Iterable[tuple[Any, ...]],
        *,
        deadline: float | None = None,
        cpu: float | None = None,
        total: float | None = None,
    ) -> list[Outcome]:
        """``run`` without blocking the event loop; cancelling it drops what has not started."""
        return await asyncio.wrap_future(self.submit(tasks, deadline=deadline, cpu=cpu, total=total))

    def start(self) -> None:
        """Start the processes now, in the background, rather than with the first task. Returns at once."""
        self._live_engine().start_ahead()

    def close(self) -> None:
        """End all processes. The pool may be used again and then starts afresh."""
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()

    @property
    def size(self) -> int:
        """How many workers run at most: ``workers``, or the CPUs that this process may use."""
        return self.workers or available_cpus()

    def _live_engine(self) -> Engine:
        with self._lock:
            if not threading.main_thread().is_alive():
                raise VerituneError("the interpreter is shutting down: no worker can be started")
            if self._engine is None or self._engine.closing:
                limits = WorkerLimits(self.memory_mb * 2**20 if self.memory_mb else None, self.recursion)
                config = ServerConfig(
                    self.function, self.preload, limits, self.startup_seconds, self.given, self.environment
                )
                self._engine = Engine(config, self.size, self.recycle, self.spare)
                self._finalizer = weakref.finalize(self, self._engine.close)
            return self._engine

    def _forget(self) -> None:
        self._lock = threading.RLock()
        self._engine = None
        self._finalizer = None

    def _after_fork(self) -> None:
        engine, finalizer = self._engine, self._finalizer
        self._forget()
        if finalizer is not None:
            finalizer.detach()
        if engine is not None:
            engine.abandon()

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if not k.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._forget()
        _pools.add(self)

    def __repr__(self) -> str:
        return f"WorkerPool({self.function!r}, workers={self.size}, deadline={self.deadline})"


def _positive(name: str, seconds: float) -> float:
    if not seconds > 0:
        raise ParameterError(f"{name} is a number of seconds greater than 0, got {seconds!r}")
    return float(seconds)


_pools: weakref.WeakSet[WorkerPool] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for pool in list(_pools):
        pool._after_fork()


os.register_at_fork(after_in_child=_after_fork_in_child)
