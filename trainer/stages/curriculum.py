"""Prompts by difficulty: those always or never solved are passed over, those in between drawn more often.

Offline and online filtering as in Skywork-OR1 (2505.22312), a band as in 2504.03380. What is known of a prompt is a row
of numbers, changed when a step is whole: a run that resumes draws what it would have drawn.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any

from veritune.plugins import ConfigError, DataError, Score, Text
from veritune.plugins.errors import did_you_mean
from veritune.trainer.config import RunConfig
from veritune.trainer.config.curriculum import CurriculumConfig
from veritune.trainer.data.difficulty import pass_rates, within
from veritune.trainer.data.sources import FileSource, Row, Source
from veritune.trainer.rollout.scoring import part_value

COUNTS = ("skipped_solved", "skipped_unsolved", "skipped_outside")


@dataclass(frozen=True)
class Known:
    """What is known of a prompt."""

    rate: float = math.nan
    """Its running pass rate."""
    visits: int = 0
    solved: int = 0
    """Visits in a row at which every decided completion passed."""
    unsolved: int = 0
    skipped: int = 0
    """How often it was passed over since the last visit."""


class Curriculum:
    """Chooses the prompts of a run. Of several processes each has the same, since each sees all scores."""

    def __init__(self, config: CurriculumConfig, source: FileSource, metric: str, seed: int) -> None:
        self.config, self.source, self.metric, self.seed = config, source, metric, seed
        self._places = {id(row): place for place, row in enumerate(source.rows)}
        first = {place: rate for place, rate in enumerate(pass_rates(source, config)) if rate is not None}
        self._known = {place: Known(rate=rate) for place, rate in first.items()}
        self._new: dict[int, Known] = {}
        """Changes of the step that is not whole yet."""
        self._counts: Counter[str] = Counter()
        self._seen: list[float] = []

    # -- choosing --------------------------------------------------------------------------------------------------

    def next_prompts(
        self, encode: Callable[[Text], list[int]], position: int, count: int, limit: float
    ) -> tuple[list[Row], list[list[int]], int]:
        """The next rows to draw from ``position`` on, their prompts of at most ``limit`` tokens, and the position
        behind them. Where a whole pass over the data has not enough, those it passed over fill the step."""
        rows: list[Row] = []
        prompts: list[list[int]] = []
        passed: list[tuple[Row, list[int]]] = []
        tried = 0
        while len(rows) < count and tried < max(len(self.source.rows), 100 * count):
            row = self.source.row(position)
            reason = self._skip(self._places[id(row)], position)
            position, tried = position + 1, tried + 1
            ids = encode(row.prompt)
            if len(ids) > limit:
                continue
            if reason is None:
                rows.append(row)
                prompts.append(ids)
            elif tried <= len(self.source.rows):
                passed.append((row, ids))
        for row, ids in passed[: count - len(rows)]:
            rows.append(row)
            prompts.append(ids)
            self._counts["filled"] += 1
        if len(rows) < count:
            raise DataError(f"almost every prompt is longer than {limit} tokens (data.max_prompt_tokens)")
        return rows, prompts, position

    def _skip(self, place: int, position: int) -> str | None:
        """Why a row is passed over at this position, None where it is drawn."""
        known, config = self._get(place), self.config
        reason = None
        if config.skip_solved is not None and known.solved >= config.skip_solved:
            reason = "skipped_solved"
        elif config.skip_unsolved is not None and known.unsolved >= config.skip_unsolved:
            reason = "skipped_unsolved"
        if reason is not None:
            if known.skipped >= config.revisit:
                return None
            self._new[place] = replace(known, skipped=known.skipped + 1)
        elif config.band is not None and not math.isnan(known.rate):
            low, high = config.band
            if not low <= known.rate <= high:
                chance = Random(f"curriculum:{self.seed}:{position}").random()
                reason = "skipped_outside" if chance >= 1 / config.oversample else None
        if reason is not None:
            self._counts[reason] += 1
        return reason

    # -- what was seen ---------------------------------------------------------------------------------------------

    def see(self, rows: Sequence[Row], scores: Sequence[Score], samples: int) -> None:
        """Scores of the groups of some rows. Undecided completions count for nothing."""
        for number, row in enumerate(rows):
            group = scores[number * samples : (number + 1) * samples]
            values = [value for score in group if not math.isnan(value := part_value(score, self.metric))]
            if not values:
                continue
            place = self._places[id(row)]
            known, rate = self._get(place), sum(value > 0 for value in values) / len(values)
            self._seen.append(rate)
            memory = 0.0 if math.isnan(known.rate) else self.config.memory
            self._new[place] = Known(
                rate=rate if memory == 0 else memory * known.rate + (1 - memory) * rate,
                visits=known.visits + 1,
                solved=known.solved + 1 if rate == 1 else 0,
                unsolved=known.unsolved + 1 if rate == 0 else 0,
            )

    def commit(self) -> dict[str, float]:
        """The step is whole: keep what it has seen. Its metrics."""
        self._known.update(self._new)
        self._new = {}
        known, config = self._known.values(), self.config
        metrics = {f"difficulty/{name}": float(self._counts[name]) for name in (*COUNTS, "filled")}
        metrics["difficulty/pass_rate"] = sum(self._seen) / len(self._seen) if self._seen else math.nan
        metrics["difficulty/visited"] = sum(k.visits > 0 for k in known) / len(self.source.rows)
        metrics["difficulty/solved"] = float(sum(k.solved >= (config.skip_solved or 1) for k in known))
        metrics["difficulty/unsolved"] = float(sum(k.unsolved >= (config.skip_unsolved or 1) for k in known))
        self._counts, self._seen = Counter(), []
        return metrics

    def _get(self, place: int) -> Known:
        return self._new.get(place) or self._known.get(place) or Known()

    # -- what is kept ----------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """As after the last whole step."""
        return {"rows": len(self.source.rows), "known": {place: asdict(k) for place, k in self._known.items()}}

    def restore(self, state: Any) -> None:
        """What other rows have taught is forgotten."""
        self._new, self._counts, self._seen = {}, Counter(), []
        if isinstance(state, dict) and state["rows"] == len(self.source.rows):
            self._known = {place: Known(**values) for place, values in state["known"].items()}


def make_curriculum(config: RunConfig, source: Source) -> Curriculum | None:
    """The run's, where it has one that goes by what the run sees."""
    found = config.curriculum
    if found is None or not found.online:
        return None
    assert isinstance(source, FileSource)
    return Curriculum(found, source, found.metric or config.evaluation.metric, config.seed)


def apply_curriculum(config: RunConfig, source: Source, aliases: Sequence[str], say: Callable[[str], None]) -> Source:
    """The rows that are left of the data. Raises ConfigError, ColumnError, DataError."""
    found = config.curriculum
    if found is None:
        return source
    metric = found.metric or config.evaluation.metric
    if found.online and metric not in aliases:
        raise ConfigError(
            f"curriculum.metric: no reward is called {metric!r}.{did_you_mean(metric, aliases)} "
            f"Rewards: {', '.join(aliases)}"
        )
    kept, left_out = within(source, found)
    if left_out:
        say(
            f"curriculum: {left_out} of {left_out + len(kept.rows)} rows of data.train have a pass rate "
            f"({found.column}) below {found.min:g} or above {found.max:g}, and are left out"
        )
    unknown = 0 if found.column is None else pass_rates(kept, found).count(None)
    if unknown:
        say(f"curriculum: {unknown} rows of data.train have no pass rate ({found.column}), and are kept")
    return kept
