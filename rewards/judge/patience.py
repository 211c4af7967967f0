"""Waiting for somebody else, by a clock that stands while this process does not come to look."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")
_PIECES = 8
_ROUNDS = 64
"""Turns of the event loop in which what has already arrived is read: a few for each packet of a long answer."""


class Patience:
    """Waits, and counts in ``late`` the seconds in which the event loop was held up (by other threads, by other work
    of its own, by a machine that slept): no slowness of whoever is waited for."""

    def __init__(self) -> None:
        self.late = 0.0

    async def within(self, seconds: float, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of ``work``, or asyncio.TimeoutError once the loop has been free for so many seconds.

        What has arrived by then is read before anything is given up: in one turn of a loop timers that are due go
        before the packets that came earlier.
        """
        task = asyncio.ensure_future(work)
        left = seconds
        try:
            while left > 0 and not task.done():
                piece, begun = min(left, max(0.02, seconds / _PIECES)), time.monotonic()
                await asyncio.wait({task}, timeout=piece)
                took = time.monotonic() - begun
                left -= min(piece, took)
                self.late += max(0.0, took - piece)
            for _ in range(_ROUNDS):
                if task.done():
                    break
                await asyncio.sleep(0)
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        except BaseException:  # whoever waits was interrupted: what the work holds is given back first
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                task.exception()
            raise
        if task.cancelled():
            raise asyncio.TimeoutError
        return task.result()
