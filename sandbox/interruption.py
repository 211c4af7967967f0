"""Ending what a batch's threads are running, when the batch itself is ended: by Ctrl-C, or by a bug in a task."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from veritune.sandbox.errors import SandboxError

_here = threading.local()


class Interrupted(SandboxError):
    """The batch that this job belongs to was ended; its caller never sees this."""


class Interruption:
    """One batch's switch. A back-end registers how to end what it runs for the current thread (``cancelling``)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancels: list[Callable[[], None]] = []
        self.raised = False

    @contextlib.contextmanager
    def in_this_thread(self) -> Iterator[None]:
        """What this thread runs belongs to the batch."""
        before = getattr(_here, "current", None)
        _here.current = self
        try:
            yield
        finally:
            _here.current = before

    def interrupt(self) -> None:
        """End everything that runs; what is started afterwards raises :class:`Interrupted`."""
        with self._lock:
            self.raised = True
            cancels = list(self._cancels)
        for cancel in cancels:
            cancel()

    @contextlib.contextmanager
    def cancelling(self, cancel: Callable[[], None]) -> Iterator[None]:
        with self._lock:
            self._cancels.append(cancel)
        try:
            if self.raised:
                cancel()
            yield
        finally:
            with self._lock:
                self._cancels.remove(cancel)


def check() -> None:
    """Raise :class:`Interrupted` where this thread's batch was ended."""
    current = getattr(_here, "current", None)
    if current is not None and current.raised:
        raise Interrupted("the batch was interrupted")


@contextlib.contextmanager
def cancelling(cancel: Callable[[], None]) -> Iterator[None]:
    """While entered: an end of this thread's batch calls ``cancel``, from another thread, once."""
    current: Interruption | None = getattr(_here, "current", None)
    if current is None:
        yield
        return
    with current.cancelling(cancel):
        yield
