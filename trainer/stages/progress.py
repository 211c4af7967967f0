"""Where a run stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Progress:
    """Where a run stands: ``step`` steps of ``phase`` are done, ``position`` rows have been used."""

    phase: str = "warmup"
    step: int = 0
    position: int = 0
