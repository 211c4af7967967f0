"""The dispatcher of a pool: one thread that owns the server and the workers, hands out tasks and kills on deadline."""

from __future__ import annotations

import os
import pickle
import select
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from veritune.plugins.errors import PluginError, VerituneError
from veritune.sandbox.workers.client import Death, ForkServer, ServerConfig, ServerLost, Worker
from veritune.sandbox.workers.frames import pack
from veritune.sandbox.workers.outcome import Outcome, Status

GRACE = 0.25
"""Seconds of wall clock beyond the deadline before a worker that has not spent its CPU budget is killed."""

STUCK = 1.0
"""Seconds after which a worker's task no longer counts against the pool's size, where it has spare ones."""

_IDLE_STATUSES = (Status.OK, Status.ERROR)
_SERVER_TRIES = 2


@dataclass(frozen=True)
class Terms:
    """What one call asks of the pool."""

    cpu: float
    wall: float
    total: float | None = None
    on_start: Callable[[], None] | None = None
    """Called in the dispatcher's thread when a worker is given the first of the call's tasks."""


class Job:
    """One call's tasks, their outcomes, and the future that holds them all."""

    def __init__(self, tasks: Sequence[tuple[Any, ...]], terms: Terms) -> None:
        self.terms = terms
        self.waiting: deque[Task] = deque(Task(self, index, task) for index, task in enumerate(tasks))
        self.outcomes: list[Outcome | None] = [None] * len(tasks)
        self.left = len(tasks)
        self.start_by = None if terms.total is None else time.monotonic() + terms.total
        self.future: Future[list[Outcome]] = Future()

    def record(self, index: int, outcome: Outcome) -> None:
        self.outcomes[index] = outcome
        self.left -= 1
        if self.left == 0 and not self.future.cancelled():
            with suppress(Exception):  # cancelled between the two lines
                self.future.set_result([o for o in self.outcomes if o is not None])

    def fail(self, error: BaseException) -> None:
        self.waiting.clear()
        with suppress(Exception):
            self.future.set_exception(error)


@dataclass(eq=False)
class Task:
    job: Job
    index: int
    arguments: tuple[Any, ...]
    losses: int = 0


class Engine:
    """Runs jobs on at most ``size`` workers. Every worker belongs to the dispatcher thread alone."""

    def __init__(self, config: ServerConfig, size: int, recycle: int, spare: int = 0) -> None:
        self.config = config
        self.size = size
        self.spare = spare
        self.recycle = recycle
        self.pid = os.getpid()
        self.lock = threading.RLock()
        self.jobs: deque[Job] = deque()
        self.closing = False
        self.started = self.starting = False
        self.server: ForkServer | None = None
        self.workers: dict[int, Worker] = {}
        self.waker, self.wakee = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)[::-1]
        self.thread = threading.Thread(target=self._run, name="veritune-workers", daemon=True)
        self.thread.start()

    # -- called from any thread ------------------------------------------------------------------------------------

    def submit(self, job: Job) -> bool:
        """Queue a job; False where this engine is closing."""
        with self.lock:
            if self.closing:
                return False
            self.jobs.append(job)
            self._wake()
        return True

    def start_ahead(self) -> None:
        """Start the server and a worker in the background, before the first task."""
        with self.lock:
            if not (self.closing or self.started):
                self.started = self.starting = True
                self._wake()

    def close(self) -> None:
        """End the server and all workers; jobs that are not done fail. Harmless in a forked child and when repeated."""
        if self.pid != os.getpid():
            return
        with self.lock:
            self.closing = True
            self._wake()
            if self.server is not None and not self.server.ready:
                self.server.kill()
        if threading.current_thread() is not self.thread:
            self.thread.join(10.0)

    def abandon(self) -> None:
        """In a forked child: close what was inherited and touch nothing of the parent's."""
        self.closing = True
        for worker in self.workers.values():
            worker.sock.close()
            worker.forget()
        if self.server is not None:
            self.server.abandon()
        if self.waker >= 0:
            os.close(self.waker)
            os.close(self.wakee)

    def _wake(self) -> None:
        if self.waker >= 0:
            with suppress(BlockingIOError):
                os.write(self.waker, b"w")

    # -- the dispatcher thread -------------------------------------------------------------------------------------

    def _run(self) -> None:
        error: BaseException = VerituneError("the worker pool was closed")
        try:
            while not self.closing:
                self._hand_out()
                if self.starting:
                    self.starting = False
                    self._start_ahead()
                self._wait()
        except BaseException as caught:
            error = caught
        with self.lock:
            self.closing = True
            unfinished = [*self.jobs, *(w.task.job for w in self.workers.values() if w.task)]
        for worker in self.workers.values():
            worker.sock.close()
            worker.forget()
        self.workers.clear()
        if self.server is not None:
            self.server.close()
        with self.lock:
            os.close(self.wakee)
            os.close(self.waker)
            self.waker = -1
        for job in unfinished:
            job.fail(error)

    def _start_ahead(self) -> None:
        """Have a worker ready before there is a task. A failure is left to the first task to meet again."""
        if not self.workers:
            try:
                self._fork()
            except (PluginError, ServerLost) as error:
                self._lose_server(ServerLost(str(error)))

    def _hand_out(self) -> None:
        """Give a task to every worker that is free, forking up to ``size``."""
        idle = [worker for worker in self.workers.values() if worker.task is None]
        while idle or len(self.workers) < self._room():
            task = self._next_task()
            if task is None:
                return
            try:
                worker = idle.pop() if idle else self._fork()
            except ServerLost as error:
                self._lose_server(error, task)
                idle = []
                continue
            except BaseException as error:
                task.job.fail(error)
                raise
            self._send(worker, task)

    def _room(self) -> int:
        """How many workers may be there: a stuck one makes room for a spare, so that it holds up nobody else."""
        if not self.spare or len(self.workers) < self.size:
            return self.size
        since = time.monotonic() - STUCK
        stuck = sum(worker.task is not None and worker.started <= since for worker in self.workers.values())
        return self.size + min(self.spare, stuck)

    def _next_task(self) -> Task | None:
        """The next task, taking the jobs in turn so that a long call does not hold up a short one."""
        with self.lock:
            while self.jobs:
                job = self.jobs.popleft()
                if job.future.cancelled():
                    continue
                if job.start_by is not None and time.monotonic() > job.start_by:
                    while job.waiting:
                        job.record(job.waiting.popleft().index, Outcome(Status.QUEUE, detail="not started in time"))
                    continue
                if job.waiting:
                    task = job.waiting.popleft()
                    if job.waiting:
                        self.jobs.append(job)
                    return task
        return None

    def _fork(self) -> Worker:
        worker = self._ready_server().fork()
        self.workers[worker.sock.fileno()] = worker
        with suppress(AttributeError, OSError):  # before Linux 5.3 a death is seen by the socket's end alone
            worker.life = os.pidfd_open(worker.pid)
        return worker

    def _ready_server(self) -> ForkServer:
        with self.lock:
            if self.closing:
                raise VerituneError("the worker pool was closed")
            if self.server is None:
                self.server = ForkServer(self.config)
        if not self.server.ready:
            self.server.wait_ready()
        return self.server

    def _send(self, worker: Worker, task: Task) -> None:
        terms = task.job.terms
        try:
            frame = pack((terms.cpu, task.arguments))
        except Exception as error:
            task.job.record(task.index, Outcome(Status.ERROR, detail=f"{type(error).__name__}: {error}"))
            return
        if terms.on_start is not None and task.index == 0:
            terms.on_start()
        worker.task = task
        worker.started = time.monotonic()
        worker.kill_at = worker.started + terms.wall
        worker.sock.settimeout(terms.wall)
        with suppress(OSError):  # a dead worker is seen, and its death explained, in the next wait
            worker.sock.sendall(frame)

    def _wait(self) -> None:
        """Sleep until an answer, a death, a new job or the nearest deadline."""
        poller = select.poll()
        poller.register(self.wakee, select.POLLIN)
        nearest: float | None = None
        lives: dict[int, int] = {}
        now = time.monotonic()
        full = self.spare > 0 and bool(self.jobs) and len(self.workers) < self.size + self.spare
        for descriptor, worker in self.workers.items():
            poller.register(descriptor, select.POLLIN)
            if worker.life is not None:
                poller.register(worker.life, select.POLLIN)
                lives[worker.life] = descriptor
            if worker.task is not None:
                stuck = worker.started + STUCK
                until = min(worker.kill_at, stuck) if full and stuck > now else worker.kill_at
                nearest = until if nearest is None else min(nearest, until)
        timeout = None if nearest is None else max(0.0, 1000 * (nearest - time.monotonic())) + 1
        for descriptor, _ in poller.poll(timeout):
            if descriptor == self.wakee:
                with suppress(BlockingIOError):
                    os.read(self.wakee, 4096)
            elif descriptor in self.workers:
                self._read(self.workers[descriptor])
            elif lives.get(descriptor) in self.workers and self.workers[lives[descriptor]].life == descriptor:
                self._read_last(self.workers[lives[descriptor]])
        now = time.monotonic()
        for worker in list(self.workers.values()):
            if worker.task is not None and now >= worker.kill_at:
                self._bury(worker, overdue=True)

    def _read(self, worker: Worker) -> None:
        try:
            data = worker.sock.recv(1 << 18)
        except OSError:
            data = b""
        if not data:
            self._bury(worker)
            return
        worker.inbox.feed(data)
        payload = worker.inbox.next()
        if payload is not None:
            self._finish(worker, payload)

    def _read_last(self, worker: Worker) -> None:
        """The process has ended. Its socket may stay open in a child that it left: what is in it is read, and no more
        awaited."""
        worker.sock.setblocking(False)
        try:
            while data := worker.sock.recv(1 << 18):
                worker.inbox.feed(data)
        except OSError:
            pass
        payload = worker.inbox.next() if worker.task is not None else None
        if payload is not None:
            self._finish(worker, payload)
        if worker.sock.fileno() in self.workers:
            self._bury(worker)

    def _finish(self, worker: Worker, payload: bytes) -> None:
        task: Task = worker.task
        seconds = time.monotonic() - worker.started
        try:
            status, value, detail, cpu = pickle.loads(payload)
        except Exception as error:
            status, value, cpu = Status.ERROR, None, 0.0
            detail = f"the result cannot be read: {type(error).__name__}: {error}"
        worker.task = None
        worker.served += 1
        if status not in _IDLE_STATUSES or worker.served >= self.recycle or len(self.workers) > self._room():
            self._drop(worker)
        task.job.record(task.index, Outcome(status, value, detail, seconds, cpu))

    def _bury(self, worker: Worker, overdue: bool = False) -> None:
        """Reap a worker that died or must die, and settle its task."""
        task: Task | None = worker.task
        worker.task = None
        death = self._drop(worker)
        if task is None:
            return
        seconds = time.monotonic() - worker.started
        if death is None:
            self._retry(task, seconds)
            return
        if death.signal == signal.SIGPROF:
            status, detail = Status.CPU, f"spent its {task.job.terms.cpu:g} s of CPU"
        elif overdue:
            status, detail = Status.WALL, f"not done after {seconds:.2f} s ({death.cpu:.2f} s of CPU)"
        else:
            status, detail = Status.CRASHED, f"the worker {death}"
        task.job.record(task.index, Outcome(status, None, detail, seconds, death.cpu))

    def _drop(self, worker: Worker) -> Death | None:
        """Kill and reap; None where the server itself was lost."""
        self.workers.pop(worker.sock.fileno(), None)
        worker.forget()
        if self.server is None:
            worker.sock.close()
            return None
        try:
            return self.server.reap(worker)
        except ServerLost as error:
            self._lose_server(error)
            return None

    def _lose_server(self, error: ServerLost, task: Task | None = None) -> None:
        """The server died: so did its workers. Their tasks are tried again on a new one, once."""
        if self.server is not None:
            self.server.close()
            self.server = None
        lost = [w.task for w in self.workers.values() if w.task is not None]
        for worker in self.workers.values():
            worker.sock.close()
            worker.forget()
        self.workers.clear()
        for orphan in [*lost, *([task] if task else [])]:
            self._retry(orphan, 0.0, str(error))

    def _retry(self, task: Task, seconds: float, detail: str = "the worker server was lost") -> None:
        task.losses += 1
        if task.losses >= _SERVER_TRIES:
            task.job.record(task.index, Outcome(Status.CRASHED, None, detail, seconds))
            return
        with self.lock:
            task.job.waiting.appendleft(task)
            self.jobs.appendleft(task.job)
