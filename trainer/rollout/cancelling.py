"""An end to what another thread draws: it looks for one at every token step, answer or completion."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
LOOK_SECONDS = 0.2
"""Between two looks, while waiting for something else."""

_here = threading.local()


class Cancelled(Exception):
    """Nobody waits for this drawing any more."""


@contextmanager
def cancellable(event: threading.Event) -> Iterator[None]:
    """Within it, in this thread, :func:`check_cancelled` raises once the event is set."""
    _here.event = event
    try:
        yield
    finally:
        del _here.event


def check_cancelled() -> None:
    """Raise Cancelled where this thread's work is no longer wanted; anywhere else nothing."""
    event: threading.Event | None = getattr(_here, "event", None)
    if event is not None and event.is_set():
        raise Cancelled("the run has ended")


def result(future: Future[T]) -> T:
    """The future's result, waited for as long as it is wanted."""
    while getattr(_here, "event", None) is not None and not future.done():
        check_cancelled()
        wait([future], timeout=LOOK_SECONDS)
    return future.result()
