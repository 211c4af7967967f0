"""What a run waits for is said after a minute: the file and line at which a reward stands, and an end if it has one."""

from __future__ import annotations

import faulthandler
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from veritune.plugins import Reward, RunError
from veritune.plugins.places import place_of_frame
from veritune.rewards.composition.on_ray import RayRewardSet

GRACE = 15.0
"""Seconds after which the C watchdog speaks where our own could not: code that never lets go of Python's lock."""


def _silent(text: str) -> None:
    pass


@dataclass
class Patience:
    """Watches calls of the user's code. ``limit``: the seconds that one may take; None: as long as it likes."""

    say: Callable[[str], None] = _silent
    limit: float | None = None
    first: float = 60.0
    """Seconds until the first note; the next ones come after twice, four times as long …"""

    @contextmanager
    def watch(self, stop: Callable[[BaseException], None]) -> Iterator[None]:
        """Within it this thread runs the user's code. Beyond the limit ``stop`` is called, once, from another thread,
        with the error that the run is to end with."""
        over = threading.Event()
        me = threading.get_ident()
        watcher = threading.Thread(target=self._wait, args=(over, me, stop), name="veritune-patience", daemon=True)
        self._arm(0.0)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            faulthandler.cancel_dump_traceback_later()

    def _wait(self, over: threading.Event, thread: int, stop: Callable[[BaseException], None]) -> None:
        begun, next_note = time.monotonic(), self.first
        while True:
            passed = time.monotonic() - begun
            ends = [next_note, *([] if self.limit is None else [self.limit])]
            if over.wait(max(0.0, min(ends) - passed)):
                return
            passed = time.monotonic() - begun
            where = _standing(thread)
            if self.limit is not None and passed >= self.limit:
                stop(RunError(f"scoring took longer than scoring.timeout={self.limit:g} s: {where}"))
                return
            if passed >= next_note:
                self.say(f"scoring has taken {passed:.0f} s: {where}")
                next_note *= 2
                if not over.is_set():
                    self._arm(passed)

    def _arm(self, passed: float) -> None:
        """Have C say where all threads stand, if this library's own note cannot come in time."""
        wait = (self.first if passed < self.first else passed) + GRACE
        bound = None if self.limit is None else self.limit - passed + GRACE
        with suppress(Exception):  # no real standard error, as in a notebook
            if bound is not None and bound <= wait:
                faulthandler.dump_traceback_later(bound, exit=True, file=sys.__stderr__ or sys.stderr)
            else:
                faulthandler.dump_traceback_later(wait, file=sys.__stderr__ or sys.stderr)


def _standing(thread: int) -> str:
    """``reward 'judge' stands at rewards.py, line 3, in judge``."""
    frame = sys._current_frames().get(thread)
    if frame is None:
        return "it has just ended"
    name, inner = "", frame
    while inner is not None and not name:
        owner = inner.f_locals.get("self")
        if isinstance(owner, RayRewardSet):
            return owner.standing()
        name = f"reward {owner.name!r}" if isinstance(owner, Reward) else ""
        inner = inner.f_back  # type: ignore[assignment]
    return f"{name or 'it'} stands at {place_of_frame(frame)}"
