"""Many jobs at once: a few threads that each drive one task after the other. Nothing outlives the call."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Generator, Sequence
from typing import Any, TypeVar

from veritune.sandbox.errors import DeadlineExceeded, SandboxError
from veritune.sandbox.interface import Answer, Job, Limits, Linked, Outcome, Request, Sandbox, Task

T = TypeVar("T")


def run_batch(
    sandbox: Sandbox, requests: Sequence[Request], deadline_s: float | None
) -> list[Outcome | tuple[Outcome, Outcome] | SandboxError]:
    """See :meth:`Sandbox.run_batch`."""
    return run_tasks(sandbox, [_single(request) for request in requests], deadline_s)


def run_tasks(sandbox: Sandbox, tasks: Sequence[Task[T]], deadline_s: float | None) -> list[T | SandboxError]:
    """See :meth:`Sandbox.run_tasks`."""
    driver = _Driver(sandbox, tasks, deadline_s)
    threads = [
        threading.Thread(target=driver.work, name=f"veritune-sandbox-{i}", daemon=True)
        for i in range(min(sandbox.workers, len(tasks)) - 1)
    ]
    for thread in threads:
        thread.start()
    driver.work()
    for thread in threads:
        thread.join()
    if driver.bug is not None:
        raise driver.bug
    return driver.findings


def _single(request: Request) -> Generator[Request, Any, Any]:
    return (yield request)


class _Driver:
    def __init__(self, sandbox: Sandbox, tasks: Sequence[Task[Any]], deadline_s: float | None) -> None:
        self.sandbox = sandbox
        self.tasks = tasks
        self.deadline = None if deadline_s is None else time.monotonic() + deadline_s
        self.findings: list[Any] = [None] * len(tasks)
        self.bug: BaseException | None = None
        self._next = 0
        self._lock = threading.Lock()

    def work(self) -> None:
        while self.bug is None:
            with self._lock:
                index = self._next
                self._next += 1
            if index >= len(self.tasks):
                return
            try:
                self.findings[index] = self._drive(self.tasks[index])
            except SandboxError as error:
                self.findings[index] = error
            except BaseException as error:
                self.bug = error

    def _drive(self, task: Task[Any]) -> Any:
        try:
            request = next(task)
            while True:
                try:
                    answer = self._answer(request)
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
            request = _within(request, left)
        if isinstance(request, Linked):
            pair = self.sandbox.run_linked(request)
            self._refuse_cut(pair, left)
            return pair
        outcome = self.sandbox.run(request.program, request.stdin, request.files, request.limits)
        self._refuse_cut((outcome,), left)
        return outcome

    def _refuse_cut(self, outcomes: tuple[Outcome, ...], left: float | None) -> None:
        """A run that ended on the batch's deadline, not on its own limit, says nothing about the program."""
        if left is None or self.deadline is None or time.monotonic() < self.deadline:
            return
        if any(o.limit_hit == "wall" or (o.compiled and o.compiled.limit_hit == "wall") for o in outcomes):
            raise DeadlineExceeded("the batch's deadline passed while this job was running")


def _within(request: Request, left: float) -> Request:
    """The same request with its wall limits cut to what is left of the deadline."""
    if isinstance(request, Linked):
        return Linked(_job_within(request.first, left), _job_within(request.second, left), request.by)
    return _job_within(request, left)


def _job_within(job: Job, left: float) -> Job:
    limits: Limits = job.limits
    if limits.wall_s <= left and limits.compile_wall_s <= left:
        return job
    cut = dataclasses.replace(limits, wall_s=min(limits.wall_s, left), compile_wall_s=min(limits.compile_wall_s, left))
    return dataclasses.replace(job, limits=cut)
