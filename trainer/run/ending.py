"""How a run is asked to end: the first SIGTERM or Ctrl-C lets the step finish, the second ends at once.

A terminal that closes (SIGHUP) and a batch system's warning (SIGUSR1: Slurm's ``--signal=USR1@60``) ask too.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


class Interrupted(KeyboardInterrupt):
    """The run was asked to end at once. ``status`` is the exit status."""

    def __init__(self, number: int, why: str = "twice") -> None:
        super().__init__(f"{signal.Signals(number).name}, {why}")
        self.status = 128 + number


class Ended(SystemExit):
    """The run has ended as it was asked to, its state saved. Any other SystemExit is somebody's ``sys.exit``."""


class Overtime(KeyboardInterrupt):
    """What ``reason`` says, raised through the user's code: no ``except Exception`` there may take it for its own."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Ending:
    """Within it, signals end the run; in a thread other than the main one nothing is changed.

    The first signal sets ``asked``, which the run looks at after each step. The second raises :class:`Interrupted`
    wherever the main thread is: the run saves the state of the last whole step and ends. The third ends the process.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.asked: int | None = None
        self._times = 0
        self._failure: BaseException | None = None
        self._before: dict[int, Any] = {}

    @property
    def status(self) -> int:
        """The exit status: 143 after SIGTERM, 130 after Ctrl-C; 128 and the signal's number in general."""
        return 128 + (self.asked or signal.SIGTERM)

    def fail(self, error: BaseException) -> None:
        """Raise this in the main thread (in :class:`Overtime`), from any other. Without handlers nothing happens."""
        if self._before:
            self._failure = error
            os.kill(os.getpid(), signal.SIGINT)

    def end_idling(self) -> None:
        """Called where a step waits for others' machines: the first signal ends that at once."""
        if self.asked is not None:
            raise Interrupted(self.asked, "while waiting for the cluster")

    def __enter__(self) -> Ending:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, or a shell's background job
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exc: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before = {}

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise Overtime(failure)
        self._times += 1
        if self._times == 1:
            self.asked = number
            self.say(f"{signal.Signals(number).name}: the run ends after this step, its state saved; again: at once")
        elif self._times == 2:
            raise Interrupted(number)
        else:
            os._exit(128 + number)
