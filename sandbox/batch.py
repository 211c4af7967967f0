"""Many jobs at once: a few threads that each drive one task after the other. Nothing outlives the call, which an
exception in the caller's thread (Ctrl-C) or a bug in a task ends within moments: what runs is killed."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from veritune.plugins.errors import ConfigError
from veritune.sandbox.errors import DeadlineExceeded, JobRefused, SandboxCrashed, SandboxError
from veritune.sandbox.interruption import Interrupted, Interruption
from veritune.sandbox.jobs import Answer, Job, Limits, Linked, Outcome, Program, Request, Task

T = TypeVar("T")


class Runner(Protocol):
    """What of a sandbox is needed here."""

    workers: int

    def run(
        self,
        program: Program,
        stdin: bytes | str = b"",
        files: Mapping[str, bytes | str] | None = None,
        limits: Limits | None = None,
    ) -> Outcome: ...

    def run_linked(self, pair: Linked) -> tuple[Outcome, Outcome]: ...


def run_batch(
    sandbox: Runner, requests: Sequence[Request], deadline_s: float | None
) -> list[Outcome | tuple[Outcome, Outcome] | SandboxError]:
    """See :meth:`Sandbox.run_batch`."""
    return run_tasks(sandbox, [_single(request) for request in requests], deadline_s)


def run_tasks(sandbox: Runner, tasks: Sequence[Task[T]], deadline_s: float | None) -> list[T | SandboxError]:
    """See :meth:`Sandbox.run_tasks`."""
    driver = _Driver(sandbox, tasks, deadline_s)
    threads = [
        threading.Thread(target=driver.work, name=f"veritune-sandbox-{i}", daemon=True)
        for i in range(min(sandbox.workers, len(tasks)) - 1)
    ]
    try:
        for thread in threads:
            thread.start()
        driver.work()
        for thread in threads:
            thread.join()
    except BaseException:  # in this thread: Ctrl-C
        driver.stop()
        for thread in threads:
            if thread.ident is not None:
                thread.join(_PATIENCE_S)
        raise
    if driver.bug is not None:
        raise driver.bug
    return driver.findings


_PATIENCE_S = 2.0
"""How long a back-end may take to let go of a job that was interrupted."""
_LEAST_IDLE_S = 1.0


def _single(request: Request) -> Generator[Request, Any, Any]:
    return (yield request)


class _Driver:
    def __init__(self, sandbox: Runner, tasks: Sequence[Task[Any]], deadline_s: float | None) -> None:
        self.sandbox = sandbox
        self.tasks = tasks
        self.deadline = None if deadline_s is None else time.monotonic() + deadline_s
        self.findings: list[Any] = [None] * len(tasks)
        self.bug: BaseException | None = None
        self.interruption = Interruption()
        self._next = 0
        self._lock = threading.Lock()

    def stop(self) -> None:
        """End what runs; nothing further is started."""
        self.interruption.interrupt()

    def work(self) -> None:
        main = threading.current_thread() is threading.main_thread()
        with self.interruption.in_this_thread():
            while not self.interruption.raised:
                with self._lock:
                    index = self._next
                    self._next += 1
                if index >= len(self.tasks):
                    return
                try:
                    self.findings[index] = self._drive(self.tasks[index])
                except Interrupted:
                    return
                except SandboxError as error:
                    self.findings[index] = error
                except BaseException as error:
                    self.bug = self.bug or error
                    self.stop()
                    if main and not isinstance(error, Exception):
                        raise

    def _drive(self, task: Task[Any]) -> Any:
        try:
            request = next(task)
            while True:
                try:
                    answer = self._answer(request)
                except Interrupted:
                    raise
                except SandboxError as error:
                    request = task.throw(error)
                else:
                    request = task.send(answer)
        except StopIteration as end:
            return end.value
        finally:
            task.close()

    def _answer(self, request: Request) -> Answer:
        left = None if self.deadline is None else self.deadline - time.monotonic()
        if left is not None:
            if left <= 0:
                raise DeadlineExceeded("the batch's deadline passed before this job started")
            request = _within(request, left, self._share(left))
        answer = self._run(request)
        if self.interruption.raised:
            raise Interrupted("the batch was interrupted")
        self._refuse_cut(answer if isinstance(answer, tuple) else (answer,), left)
        return answer

    def _share(self, left: float) -> float:
        """Clock seconds that one program may idle away: half its share of the time, so that others get theirs and it is
        its own idling that ends it, not the deadline."""
        with self._lock:
            waiting = max(1, len(self.tasks) - self._next + self.sandbox.workers)
        return max(_LEAST_IDLE_S, 0.5 * left * self.sandbox.workers / waiting)

    def _run(self, request: Request) -> Answer:
        """The sandbox's answer. What it raises about this job is this job's: one odd row costs its own sample."""
        try:
            if isinstance(request, Linked):
                return self.sandbox.run_linked(request)
            return self.sandbox.run(request.program, request.stdin, request.files, request.limits)
        except SandboxError:
            raise
        except ConfigError as error:
            raise JobRefused(str(error)) from error
        except Exception as error:
            if self.interruption.raised:
                raise Interrupted("the batch was interrupted") from error
            raise SandboxCrashed(f"the sandbox failed on this job: {type(error).__name__}: {error}"[:500]) from error

    def _refuse_cut(self, outcomes: tuple[Outcome, ...], left: float | None) -> None:
        """A run that ended on the batch's deadline, not on its own limit, says nothing about the program."""
        if left is None or self.deadline is None or time.monotonic() < self.deadline:
            return
        if any(o.limit_hit == "wall" or (o.compiled and o.compiled.limit_hit == "wall") for o in outcomes):
            raise DeadlineExceeded("the batch's deadline passed while this job was running")


def _within(request: Request, left: float, idle: float) -> Request:
    """The same request with its clock limits cut to what is left of the deadline."""
    if isinstance(request, Linked):
        first, second = _job_within(request.first, left, idle), _job_within(request.second, left, idle)
        return Linked(first, second, request.by)
    return _job_within(request, left, idle)


def _job_within(job: Job, left: float, idle: float) -> Job:
    limits: Limits = job.limits
    cut = dataclasses.replace(
        limits,
        wall_s=min(limits.wall_s, left),
        idle_s=min(limits.idle, idle),
        patience_s=min(limits.patience, left),
        compile_wall_s=min(limits.compile_wall_s, left),
    )
    return dataclasses.replace(job, limits=cut)
