"""How fast a judge may be asked, and how long to wait before asking again."""

from __future__ import annotations

import asyncio
import math
import random
import time
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime


class RateLimit:
    """A bucket that refills at ``per_minute`` and holds ``burst`` of it (default: one second's worth, at least 1).

    Used from one event loop only.
    """

    def __init__(self, per_minute: float | None, burst: float | None = None) -> None:
        self.rate = per_minute / 60 if per_minute else None
        self.burst = burst or max(1.0, self.rate or 1.0)
        self._level, self._at = self.burst, time.monotonic()

    async def take(self, amount: float = 1.0) -> None:
        """Wait until ``amount`` may be spent. More than the bucket holds is paid back by whoever comes next."""
        if self.rate is None:
            return
        self._refill()
        self._level -= amount
        if self._level < 0:
            await asyncio.sleep(-self._level / self.rate)

    def settle(self, estimated: float, actual: float) -> None:
        """Correct an estimate once the true amount is known."""
        self._level += estimated - actual

    def _refill(self) -> None:
        assert self.rate is not None
        now = time.monotonic()
        self._level = min(self.burst, self._level + (now - self._at) * self.rate)
        self._at = now


def backoff(attempt: int, base: float, cap: float = 60.0) -> float:
    """Seconds before attempt ``attempt`` (from 1): base · 2^(attempt−1), capped, times a random number in [½, 1]."""
    return float(min(cap, base * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0))


def retry_after(header: str | None) -> float | None:
    """Seconds of a ``Retry-After`` header, a number or a date; None where there is none that can be read."""
    if header is None:
        return None
    try:
        seconds = float(header)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(header)
    except (TypeError, ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=timezone.utc)
    return max(0.0, (when - datetime.now(timezone.utc)).total_seconds())
