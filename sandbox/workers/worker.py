"""The worker: one task after another under a CPU timer, until its socket closes or it is killed.

The CPU budget is the kernel's: ``ITIMER_PROF`` counts user and system time and, with SIGPROF at its default action,
ends the process at once, inside any C code, whatever the rest of the machine does. The wall clock is the pool's.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from veritune.sandbox.workers.frames import Inbox, pack, receive
from veritune.sandbox.workers.outcome import Status

_MAX_DETAIL = 500


@dataclass(frozen=True)
class WorkerLimits:
    """What bounds a worker beside its deadlines."""

    memory_bytes: int | None
    """Address space beyond what the warm process already has."""
    recursion: int | None


def serve(sock: socket.socket, function: Callable[..., Any], limits: WorkerLimits) -> None:
    """Answer every ``(cpu budget, arguments)`` with ``(status, value, detail, CPU seconds)``."""
    _settle(limits)
    inbox = Inbox()
    while (payload := receive(sock, inbox)) is not None:
        budget, arguments = pickle.loads(payload)
        sock.sendall(_answer(function, arguments, budget))


def _settle(limits: WorkerLimits) -> None:
    for number in (signal.SIGPROF, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if limits.memory_bytes is not None:
        _lower(resource.RLIMIT_AS, _address_space() + limits.memory_bytes)
    if limits.recursion is not None:
        sys.setrecursionlimit(limits.recursion)


def _answer(function: Callable[..., Any], arguments: tuple[Any, ...], budget: float) -> bytes:
    start = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, budget)
    try:
        value = function(*arguments)
        answer = pack((Status.OK, value, "", time.process_time() - start))
    except MemoryError:
        answer = pack((Status.MEMORY, None, "MemoryError", time.process_time() - start))
    except BaseException as error:
        answer = pack((Status.ERROR, None, _describe(error), time.process_time() - start))
    signal.setitimer(signal.ITIMER_PROF, 0)
    return answer


def _describe(error: BaseException) -> str:
    name = type(error).__name__
    try:
        return f"{name}: {error}"[:_MAX_DETAIL]
    except BaseException:
        return name


def _address_space() -> int:
    with open("/proc/self/statm", encoding="ascii") as pages:
        return int(pages.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _lower(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(kind, (value, value))
