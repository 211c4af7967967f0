"""A second opinion: what the reward pays beyond it is a counterexample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from veritune.lab.search.candidate import Candidate
from veritune.lab.search.scoring import packed, question_of
from veritune.lab.search.setting import Given
from veritune.plugins import ConfigError
from veritune.sandbox.workers import WorkerPool

_SECONDS = 120.0


class Oracle:
    """Another reward (a stricter verifier, a judge). Asked only about what the reward paid, and remembered."""

    def __init__(self, reward: Any, rows: Sequence[Given], pool: WorkerPool) -> None:
        self.packed, self.pool = packed(reward), pool
        self.known: dict[str, bool] = {}
        asked = [(row.prompt, row.text, row.columns) for row in rows[:200]]
        values = [value for value in self._values(asked) if value is not None]
        if not values:
            raise ConfigError(
                f"the oracle {reward.name!r} gives no number for any row: it cannot tell what is paid wrongly"
            )
        low, high = min(values), max(values)
        self.high = high if high > 0 else 1.0
        self.half = (low + high) / 2 if high > low else high / 2 if high > 0 else high

    def refuses(self, candidate: Candidate) -> bool:
        """Whether the oracle is decided and gives less than half of what it can."""
        prompt, text, columns = question_of(candidate)
        key = f"{candidate.base.question.place}\x00{prompt!r}\x00{text}"
        if key not in self.known:
            value = self._values([(prompt, text, columns)])[0]
            self.known[key] = value is not None and value < self.half
        return self.known[key]

    def _values(self, asked: Sequence[Any]) -> list[float | None]:
        outcome = self.pool.run([(self.packed, list(asked))], deadline=_SECONDS)[0]
        if not outcome.ok:
            raise ConfigError(f"the oracle fails: {outcome.status} {outcome.detail}")
        return [value for value, _, _ in outcome.value]
