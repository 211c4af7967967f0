"""The slots of one sandbox: started when needed, reused, replaced when they die, let go of in forked children."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Iterator

from veritune.sandbox import interruption
from veritune.sandbox.errors import SandboxClosed
from veritune.sandbox.local.slot import Slot

_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


class Pool:
    """Idle slots, and a bound on how many jobs use one at the same time."""

    def __init__(self, start: Callable[[bool], Slot], workers: int) -> None:
        self._start = start
        self._workers = workers
        self._reset()
        _pools.add(self)

    def _reset(self) -> None:
        self._idle: list[Slot] = []
        self._busy: list[Slot] = []
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(self._workers)
        self._closed = False

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """One of the ``workers`` places: a job, or a linked pair."""
        while not self._places.acquire(timeout=0.2):
            interruption.check()
        try:
            yield
        finally:
            self._places.release()

    def take(self, heavy: bool, role: str = "") -> Slot:
        """An idle slot of a kind, or a new one. SlotDied where it does not start."""
        with self._lock:
            if self._closed:
                raise SandboxClosed("this sandbox has been closed")
            for slot in reversed(self._idle):
                if slot.heavy == heavy and slot.role == role:
                    self._idle.remove(slot)
                    self._busy.append(slot)
                    return slot
        slot = self._start(heavy)
        slot.role = role
        with self._lock:
            self._busy.append(slot)
        return slot

    def give_back(self, slot: Slot) -> None:
        """A slot that is ready for its next job."""
        with self._lock:
            if slot in self._busy:
                self._busy.remove(slot)
            if not self._closed and slot.owner == os.getpid():
                self._idle.append(slot)
                return
        slot.close()

    def discard(self, slot: Slot) -> None:
        """A slot that died or cannot be trusted any more."""
        with self._lock:
            if slot in self._busy:
                self._busy.remove(slot)
        slot.kill()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            slots = self._idle + self._busy
            self._idle, self._busy = [], []
        for slot in slots:
            slot.control.close()  # all of them at once: each then ends by itself
        for slot in slots:
            slot.close()

    def forget(self) -> None:
        """In a forked child: the slots are the parent's. Closing them here lets their parent's end be noticed."""
        for slot in [*self._idle, *self._busy]:
            slot.forget()
        closed = self._closed
        self._reset()
        self._closed = closed


def _forget_all() -> None:
    for pool in list(_pools):
        pool.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
