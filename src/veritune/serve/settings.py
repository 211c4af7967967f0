"""What a verdict server is told: its limits, and what stands for an undecided sample where only numbers fit."""

from __future__ import annotations

import math
from dataclasses import dataclass

from veritune.plugins import ConfigError


@dataclass(frozen=True)
class Settings:
    """Everything but the rewards. Sizes are bytes, times seconds."""

    workers: int | None = None
    """Processes that score; None: one a CPU, 0: a thread of the server itself, which no deadline can end."""
    chunk: int = 128
    """Samples that a worker scores at once while there is more to do than workers, else a share of the request, at
    least a quarter of this. A prompt's samples stay together where a reward looks at groups."""
    queue: int = 16_384
    """Samples that may wait or be scored at a time. What does not fit is told when to come again (429)."""
    batch: int = 4096
    """Samples of one request."""
    body: int = 16 << 20
    """Bytes of one request."""
    deadline: float = 60.0
    """Of a request that names none."""
    longest: float = 600.0
    """The latest deadline that a request may ask for."""
    patience: float = 5.0
    """For a request's head, and for its body at less than 64 KiB a second."""
    drain: float = 30.0
    """After SIGTERM, for what has been accepted."""
    remember: int = 64 << 20
    """Bytes of answers kept for requests that are sent again."""
    journal: str | None = None
    """A file that keeps them across restarts."""
    undecided: float | None = None
    """The number for an undecided sample in the fronts of trainers that take nothing else."""
    key: str = ""
    """What a request must show; empty: nothing."""
    connections: int = 2048
    """Open connections; more are refused (503)."""

    def __post_init__(self) -> None:
        if self.undecided is not None and (isinstance(self.undecided, bool) or not math.isfinite(self.undecided)):
            raise ConfigError(f"--undecided: a finite number is expected, got {self.undecided}")

    def __repr__(self) -> str:
        shown = {**vars(self), "key": "***" if self.key else ""}
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"
