"""What works on this machine: the rows of ``veritune doctor``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class DoctorRow:
    """One finding."""

    name: str
    status: Literal["ok", "partial", "missing"]
    detail: str


def examine() -> list[DoctorRow]:
    """One row a tier, external back-end and language."""
    return []
