"""Whose fault it is that time passes: a run that waits for a CPU is given more of it, one that idles is not."""

from __future__ import annotations

import os
import struct
from typing import Any

_BEAT = struct.Struct("d")
_RECENT_S = 0.25
"""A partner that was busy this long ago may be what a program of a pair was waiting for."""


class Pulse:
    """When each of two linked runs was last seen busy: a few bytes of memory that both warm interpreters hold."""

    def __init__(self, descriptor: int, index: int) -> None:
        self._descriptor = descriptor
        self._own, self._other = index * _BEAT.size, (1 - index) * _BEAT.size

    def beat(self, now: float) -> None:
        os.pwrite(self._descriptor, _BEAT.pack(now), self._own)

    def partner(self) -> float:
        """The time of the partner's last beat; 0.0 before its first."""
        said = os.pread(self._descriptor, _BEAT.size, self._other)
        return float(_BEAT.unpack(said)[0]) if len(said) == _BEAT.size else 0.0


class Clock:
    """One run's clock, told what was seen at each look.

    ``waited``: seconds in which something of the run was ready and had no CPU. The wall limit counts without them.
    ``idled``: seconds in which nothing of it was ready or worked, nor its partner in a pair.
    """

    def __init__(self, limits: dict[str, Any], started: float, pulse: Pulse | None, watched: bool) -> None:
        self._limits = limits
        self._started = self._last = started
        self._pulse = pulse
        self._watched = watched
        self._cpu_s = self._ready_s = self._ready_cpu_s = 0.0
        self.idled = 0.0
        self.least_waited = 0.0
        """What the scheduler itself says, where it was asked."""

    @property
    def waited(self) -> float:
        return max(0.0, self._ready_s - self._ready_cpu_s, self.least_waited)

    def look(self, now: float, cpu_s: float, ready: bool, busy: bool) -> None:
        """``ready``: a thread has a CPU or waits for one. ``busy``: one waits for a disk, which is no idling."""
        span, worked = now - self._last, cpu_s - self._cpu_s
        if ready:
            self._ready_s += span
            self._ready_cpu_s += max(0.0, worked)
        if ready or busy or worked > 0:
            if self._pulse is not None:
                self._pulse.beat(now)
        elif self._pulse is None or now - self._pulse.partner() > span + _RECENT_S:
            self.idled += span
        self._last, self._cpu_s = now, cpu_s

    def left(self, now: float) -> float:
        """Seconds until a limit can be met."""
        elapsed = now - self._started
        left: float = min(self._limits["wall_s"] + self.waited, self._limits["patience_s"]) - elapsed
        return min(left, self._limits["idle_s"] - self.idled) if self._watched else left

    def over(self, now: float) -> bool:
        return self.left(now) <= 0

    def starved(self, now: float) -> bool:
        """Given up with time of its own left: it was others who had the CPU."""
        elapsed = now - self._started
        idle = self._watched and self.idled >= self._limits["idle_s"]
        return not idle and elapsed - self.waited < self._limits["wall_s"] and self.waited > 0.05 * elapsed
