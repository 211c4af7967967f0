"""How one task of a worker pool ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Status(str, Enum):
    """The end of a task. Only ``OK`` carries a value."""

    OK = "ok"
    ERROR = "error"
    """The function raised; ``detail`` is ``Type: message``."""
    CPU = "cpu"
    """It spent its CPU budget and was killed."""
    WALL = "wall"
    """The wall-clock deadline passed before the CPU budget was spent (a starved machine, or a wait)."""
    QUEUE = "queue"
    """The call's total deadline passed before the task was started."""
    MEMORY = "memory"
    """It ran into the memory limit."""
    CRASHED = "crashed"
    """The worker died; ``detail`` names the signal or exit status."""

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one task: how, the value, and what it cost."""

    status: Status
    value: Any = None
    detail: str = ""
    seconds: float = 0.0
    """Wall-clock seconds from the start of its work (not from its queueing)."""
    cpu: float = 0.0
    """CPU seconds that it used, where known."""

    @property
    def ok(self) -> bool:
        return self.status is Status.OK
