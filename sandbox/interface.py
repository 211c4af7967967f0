"""What a sandbox is: programs and limits in, outcomes out; every back-end keeps to this and to the conformance suite.

An :class:`Outcome` says what the *program* did. Whatever goes wrong on our side is an exception of
``veritune.sandbox.errors``, or, in a batch, that exception as the value in the job's place.
"""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TypeVar

from veritune.sandbox.batch import run_batch, run_tasks
from veritune.sandbox.errors import JobRefused, SandboxError
from veritune.sandbox.jobs import (
    CHANNEL_FD,
    Answer,
    CompileOutcome,
    Enforcement,
    IsolationReport,
    Job,
    LimitHit,
    Limits,
    Linked,
    Outcome,
    Program,
    Request,
    Task,
)

__all__ = [
    "CHANNEL_FD",
    "Answer",
    "CompileOutcome",
    "Enforcement",
    "IsolationReport",
    "Job",
    "LimitHit",
    "Limits",
    "Linked",
    "Outcome",
    "Program",
    "Request",
    "Sandbox",
    "Session",
    "Task",
]

T = TypeVar("T")


class Session(ABC):
    """A program that runs while its caller talks to it over ``channel``."""

    channel: socket.socket | None
    """The caller's end; None where the caller gave a socket of its own to the program."""

    @abstractmethod
    def wait(self) -> Outcome:
        """Wait for the program's end (its limits see to it that there is one)."""

    @abstractmethod
    def cancel(self) -> None:
        """Kill the program; ``wait`` then returns with ``limit_hit == "cancelled"``."""

    @abstractmethod
    def close(self) -> None:
        """End the program, if it still runs, and give its place back."""

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Sandbox(ABC):
    """Runs programs. Instances are safe to use from any thread, in forked children, and can be pickled."""

    name: str
    workers: int
    """How many jobs ``run_batch`` and ``run_tasks`` keep in flight."""
    lacks: frozenset[str] = frozenset()
    """What the back-end's protocol cannot carry: ``binary`` streams, ``arguments``, a limit on ``cpu_time``,
    ``sessions``."""

    @abstractmethod
    def run(
        self,
        program: Program,
        stdin: bytes | str = b"",
        files: Mapping[str, bytes | str] | None = None,
        limits: Limits | None = None,
    ) -> Outcome:
        """Run one program to its end. Raises only :class:`SandboxError` (not the program's fault) and ConfigError."""

    @abstractmethod
    def report(self) -> IsolationReport:
        """What is enforced here. Starts the back-end if need be; raises SandboxUnavailable."""

    @abstractmethod
    def languages(self) -> dict[str, str]:
        """Language → its toolchain's version or path, for those that can be run here."""

    @property
    def can_link(self) -> bool:
        """Whether sessions and :class:`Linked` jobs work (they need a shared socket with the program)."""
        return False

    def run_linked(self, pair: Linked) -> tuple[Outcome, Outcome]:
        """Run both jobs of a pair to their ends. JobRefused where the back-end cannot join two programs."""
        raise JobRefused(f"the sandbox {self.name!r} cannot join two programs; use sandbox 'local'")

    def open_session(
        self,
        program: Program,
        stdin: bytes | str = b"",
        files: Mapping[str, bytes | str] | None = None,
        limits: Limits | None = None,
        channel: socket.socket | None = None,
    ) -> Session:
        """Start a program with a stream socket on its descriptor 3.

        The other end is ``session.channel``, or, with ``channel``, whatever that socket is connected to (the caller
        may close its own copy at once). JobRefused where the back-end has no sessions.
        """
        raise JobRefused(f"the sandbox {self.name!r} has no sessions; use sandbox 'local'")

    def run_batch(
        self, requests: Sequence[Request], *, deadline_s: float | None = None
    ) -> list[Outcome | tuple[Outcome, Outcome] | SandboxError]:
        """Every request's answer in order, ``workers`` at a time. A failure of ours stands in its own place only.

        ``deadline_s`` bounds the whole call: what has not finished by then is :class:`DeadlineExceeded`.
        """
        return run_batch(self, requests, deadline_s)

    def run_tasks(self, tasks: Sequence[Task[T]], *, deadline_s: float | None = None) -> list[T | SandboxError]:
        """Drive generators that yield jobs and receive outcomes, ``workers`` at a time: tests with an early stop.

        A task may catch the :class:`SandboxError` thrown into it; one that leaves it stands as the task's value.
        Any other exception of a task is a bug and propagates.
        """
        return run_tasks(self, tasks, deadline_s)

    @abstractmethod
    def close(self) -> None:
        """End every process. The sandbox cannot be used afterwards."""

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
