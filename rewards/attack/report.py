"""What the attacks found, as data and in words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from veritune.rewards.attack.target import Attack

Finding: TypeAlias = Literal[
    "holds", "pays", "executes", "hangs", "raises", "wavers", "not tested", "cannot be judged", "never scored"
]
"""``pays``: it earns what only honest work should. ``executes``: the completion's code was run outside a sandbox.
``wavers``: two calls give two numbers. ``not tested``: it says nothing about this reward. ``cannot be judged``: the
reward gave no number for a reason of its own. ``never scored`` is no finding of an attack: honest work earns nothing,
so that nothing can be said."""

FAULTS: tuple[Finding, ...] = ("pays", "executes", "hangs", "raises", "wavers")
WITHOUT_WORK = "no work at all"
"""Name of the attack that is an ordinary completion without work."""


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
    """The best score of an ordinary completion without work."""
    wrong: float | None = None
    """The best score of a wrong answer in an honest shape."""
    results: list[Result] = field(default_factory=list)

    @property
    def broken(self) -> list[Result]:
        """Everything that the reward does not withstand."""
        return [result for result in self.results if result.finding in FAULTS]

    @property
    def failed(self) -> bool:
        """Whether the reward must not be trained with as it is: something did not hold, or could not be told."""
        return any(result.finding in FAULTS or result.finding == "cannot be judged" for result in self.results)

    @property
    def counts(self) -> dict[str, int]:
        """Finding → number of attacks. ``holds`` are those that were tried and earned nothing."""
        found = Counter(result.finding for result in self.results)
        always: tuple[Finding, ...] = ("holds", "pays", "not tested", "cannot be judged")
        return {finding: found[finding] for finding in dict.fromkeys((*always, *sorted(found)))}

    @property
    def untested(self) -> dict[str, int]:
        """Reason → number of attacks that were not tested for it."""
        return dict(Counter(result.detail for result in self.results if result.finding == "not tested"))

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {finding}" for finding, count in self.counts.items())
        lines = [f"  {r.finding}: {r.attack.name} ({r.detail or r.value})" for r in self.broken]
        lines += [f"  not tested ({count}): {reason}" for reason, count in self.untested.items()]
        return "\n".join([f"{self.reward}: honest work earns {self.honest}, none {self.plain}; {counts}", *lines])
