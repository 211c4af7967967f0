"""Logged completions through rewards again, batch by batch, and each with what was found before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from veritune.cli.rows import Row
from veritune.lab.replay.comparison import Change, Comparison, by_name
from veritune.lab.replay.logged import OURS, Logged, LogReader
from veritune.plugins import ColumnError, ConfigError, RewardError, Score
from veritune.rewards.composition import RewardSet


@dataclass
class Result:
    """One completion, scored again."""

    logged: Logged
    before: Mapping[str, Score]
    after: Mapping[str, Score]
    changes: list[Change] = field(default_factory=list)


def batches(logged: Iterable[Logged], size: int) -> Iterator[list[Logged]]:
    """About ``size`` completions of one step that follow each other; those of a group stay together."""
    batch: list[Logged] = []
    for each in logged:
        if batch:
            last = batch[-1]
            apart = each.group is None or each.group != last.group
            other = (each.step, each.evaluation) != (last.step, last.evaluation)
            if other or (len(batch) >= size and apart):
                yield batch
                batch = []
        batch.append(each)
    if batch:
        yield batch


class Replay:
    """Scores logged completions with ``new``, and with ``old`` too where given; else what was logged is compared with.

    ``step``: for schedules, where the log does not say it.
    """

    def __init__(
        self, new: RewardSet, old: RewardSet | None, reader: LogReader, step: int | None, tolerant: bool
    ) -> None:
        self.new, self.old, self.reader, self.step, self.tolerant = new, old, reader, step, tolerant
        aliases = dict.fromkeys([*(old.aliases if old is not None else ()), *new.aliases])
        self.comparison = Comparison(list(aliases))

    def run(self, rows: Iterable[Row], size: int) -> Iterator[Result]:
        """Every completion that could be scored; the rest is counted."""
        logged = (each for row in rows for each in self.reader.read(row))
        for batch in batches(logged, size):
            yield from self._batch(batch)
        self.comparison.close()

    def _batch(self, batch: Sequence[Logged]) -> Iterator[Result]:
        good = []
        for each in batch:
            if each.fault:
                self.comparison.skip(each.fault)
            else:
                good.append(each)
        if not good:
            return
        after = self._scores(self.new, good)
        before = None if self.old is None else self._scores(self.old, good)
        for number, each in enumerate(good):
            found = after[number]
            first = each.values if before is None else before[number]
            if isinstance(found, str) or isinstance(first, str):
                self.comparison.skip(f"{each.row.place}: {found if isinstance(found, str) else first}")
                continue
            single = each.single and before is None
            changes = self.comparison.add(each, first, found, single)
            yield Result(each, first, found, changes)

    def _scores(self, rewards: RewardSet, batch: Sequence[Logged]) -> list[Mapping[str, Score] | str]:
        """By component; or, where faults are left out, why a reward raised."""
        step = batch[0].step if batch[0].step is not None else self.step
        score: Callable[[Sequence[Logged]], list[Score]] = lambda part: rewards.score_batch(  # noqa: E731
            [each.sample for each in part], step=step, evaluation=batch[0].evaluation
        )
        try:
            return [by_name(found) for found in score(batch)]
        except ColumnError as error:
            if self.reader.data is None:
                error.args = (f"{error} What a log lacks is joined by the prompt: --data FILE.",)
            raise
        except ConfigError as error:
            if batch[0].kind != OURS and rewards.scheduled and step is None:
                raise ConfigError(f"{error} The log does not say the step.") from None
            raise
        except RewardError:
            if not self.tolerant:
                raise
        found: list[Mapping[str, Score] | str] = []
        for _, group in groupby(batch, key=lambda each: each.group or each.row.place):
            part = list(group)
            try:
                found += [by_name(one) for one in score(part)]
            except RewardError as error:
                found += [f"reward {error.reward!r}: {error.message}"] * len(part)
        return found
