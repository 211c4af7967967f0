"""What a search found: counterexamples in groups, each with its smallest case, and the file that replays them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EXPECTED = {
    "pays": "paid, and it certainly does not answer the question",
    "pays too much": "paid far above all honest work",
    "pays beyond the oracle": "paid, and the oracle does not pay it",
    "executes": "its code was run outside a sandbox",
    "hangs": "the reward met its deadline",
    "raises": "the reward raised",
}
"""Kinds of finding, and what each means."""


@dataclass(frozen=True)
class Counterexample:
    """The smallest case of one kind."""

    finding: str
    kinds: tuple[str, ...]
    """What makes it hostile."""
    completion: str
    prompt: Any
    columns: Mapping[str, Any]
    value: float | None
    """What the reward gives."""
    at_most: float
    """The most that it may give: what wrong answers earn, or honest work where it pays too much."""
    reason: str
    row: str
    """Where the row stands that it began with."""
    times: int = 1
    """How many candidates of this kind were found."""

    def as_case(self, number: int) -> dict[str, Any]:
        """One line of the file of cases: the columns, the most that it may earn, and what was seen."""
        kind = f"{self.finding}: {' + '.join(self.kinds)}"
        found: dict[str, Any] = {
            "id": f"{number}-{re.sub(r'[^a-z0-9]+', '-', kind.lower())}",
            "completion": self.completion,
        }
        if self.prompt is not None:
            found["prompt"] = self.prompt
        found |= {name: value for name, value in self.columns.items() if name not in found}
        return {**found, "at_most": self.at_most, "counterexample": kind, "paid": self.value}


@dataclass
class SearchReport:
    """The whole search."""

    reward: str
    honest: float | None
    wrong: float | None
    pays_from: float
    """The value above which a completion that does not answer the question counts as paid."""
    tried: int = 0
    seconds: float = 0.0
    bases: int = 0
    rows: int = 0
    judges_answers: bool = True
    """Right answers earn more than wrong ones, so that what is paid without one can be told."""
    arms: Counter[str] = field(default_factory=Counter)
    """How many candidates of each kind were tried."""
    found: list[Counterexample] = field(default_factory=list)

    @property
    def smallest(self) -> list[Counterexample]:
        """One counterexample a group, the shortest."""
        seen: dict[tuple[str, tuple[str, ...]], Counterexample] = {}
        for one in self.found:
            seen.setdefault((one.finding, one.kinds), one)
        return list(seen.values())

    @property
    def failed(self) -> bool:
        return bool(self.found)

    def write(self, file: Path) -> int:
        """The cases as JSONL, for ``@pytest.mark.reward_cases(FILE)``; returns how many.

        What hangs is left out: a test that replays it would hang as well.
        """
        kept = [one for one in self.found if one.finding != "hangs"]
        cases = [one.as_case(number) for number, one in enumerate(kept, start=1)]
        text = "".join(json.dumps(case, default=str) + "\n" for case in cases)
        file.write_text(text, encoding="utf-8")
        return len(cases)
