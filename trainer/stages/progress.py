"""Where a run stands."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import torch


@dataclass
class Progress:
    """Where a run stands: ``step`` steps of ``phase`` are done, ``position`` rows have been used."""

    phase: str = "warmup"
    step: int = 0
    position: int = 0


def random_state(generator: torch.Generator) -> dict[str, Any]:
    """Every random state of this process."""
    return {
        "generator": generator.get_state(),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
        "python": random.getstate(),
    }


def set_random_state(state: dict[str, Any], generator: torch.Generator) -> None:
    """Go back to :func:`random_state`. A generator on another kind of device keeps the state it has."""
    if state["generator"].numel() == generator.get_state().numel():
        generator.set_state(state["generator"])
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available() and state["cuda"] is not None:
        torch.cuda.set_rng_state(state["cuda"])
    random.setstate(state["python"])
