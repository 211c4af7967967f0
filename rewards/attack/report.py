"""What the attacks found, as data and in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from veritune.rewards.attack.corpus import Attack

Finding: TypeAlias = Literal["holds", "pays", "hangs", "raises", "wavers"]
"""``pays``: it earns what honest work earns. ``wavers``: two calls give two numbers."""


@dataclass(frozen=True)
class Result:
    """One attack's outcome."""

    attack: Attack
    finding: Finding
    value: float | None = None
    seconds: float = 0.0
    detail: str = ""


@dataclass(frozen=True)
class AttackReport:
    """All outcomes of an attacked reward."""

    reward: str
    honest: float | None
    """The best score that honest work earns."""
    plain: float | None
    """What "I do not know." earns."""
    results: list[Result] = field(default_factory=list)

    @property
    def broken(self) -> list[Result]:
        """Everything that did not hold."""
        return [result for result in self.results if result.finding != "holds"]

    def __str__(self) -> str:
        head = f"{self.reward}: {len(self.results) - len(self.broken)} of {len(self.results)} attacks hold"
        lines = [f"  {r.finding}: {r.attack.name} ({r.detail or r.value})" for r in self.broken]
        return "\n".join([head, *lines])
