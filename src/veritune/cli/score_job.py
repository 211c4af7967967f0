"""One scoring, from sources to the summary: bounded in memory, and gone on with where it was ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from veritune.cli.crew import Crew, Fault, Found, Terms
from veritune.cli.output import FileOutput, Output
from veritune.cli.rows import BEGIN, Progress, Row, Several, Source, Spot
from veritune.cli.scoring import Item, Layout, Reader, batches, name_row, units
from veritune.cli.summary import Summary
from veritune.cli.unfinished import Unfinished
from veritune.plugins import DataError, RewardError, Score
from veritune.rewards.composition import RewardSet

SHOWN = 20
"""Rows whose reasons are printed with --explain and no --out."""


@dataclass
class ScoreJob:
    """What to score and how; ``run`` does it."""

    rewards: RewardSet
    source: Source
    reader: Reader
    layout: Layout
    summary: Summary
    terms: Terms
    batch: int = 256
    limit: int | None = None
    workers: int = 0
    printed: list[tuple[Item, Sequence[Score]]] = field(default_factory=list)
    spot: Spot = BEGIN

    @property
    def whole(self) -> bool:
        """Whether a reward looks at groups."""
        return any(component.whole_groups() for component in self.rewards.components)

    def run(self, output: Output | None, unfinished: Unfinished | None, advance: Progress) -> None:
        """Score every row that is left. Raises DataError where there is nothing to score."""
        rows = self._rows(advance)
        head = list(islice(rows, self.batch))
        columns = list(dict.fromkeys(name for row in head for name in row.data))
        self._settle(columns, head)
        with Crew[list[Item]](self.rewards, self.terms, self.workers) as crew:
            for items, found in self._scored(crew, self._limited(chain(head, rows))):
                written = self._take(items, found)
                if output is not None:
                    output.write(written)
                self.spot = items[-1].row.end
                if unfinished is not None:
                    unfinished.note()
        self.summary.close()

    def _rows(self, advance: Progress) -> Iterator[Row]:
        return self.source.read(advance, self.spot, self.terms.tolerant)

    def _settle(self, columns: list[str], head: Sequence[Row]) -> None:
        """Which column is what; after a resume that is known already."""
        if not columns and self.reader.known:
            return
        if not columns and head:
            raise head[0].fault or DataError(f"{head[0].place}: the row has no columns")
        if not self.reader.known:
            self.reader.settle(columns)
        self.rewards.check_columns(list(dict.fromkeys([*self.reader.known, *columns])))

    def _limited(self, rows: Iterable[Row]) -> Iterator[Row]:
        done = self.summary.rows + self.summary.skipped
        return iter(rows) if self.limit is None else islice(rows, max(self.limit - done, 0))

    def _scored(self, crew: Crew[list[Item]], rows: Iterable[Row]) -> Iterator[tuple[list[Item], Found]]:
        prepared = (
            (group, units(group, self.whole)) for group in batches(map(self.reader.item, rows), self.batch, self.whole)
        )
        for items, found in crew.map(prepared):
            if isinstance(found, RewardError):
                raise name_row(found, items)
            yield items, found

    def _take(self, items: Sequence[Item], found: Found) -> list[dict[str, Any]]:
        """Count a batch; its rows as they are written."""
        written, position = [], 0
        for item in items:
            mine = found[position : position + len(item.samples)]
            position += len(item.samples)
            faults = [each.error for each in mine if isinstance(each, Fault)]
            scores = [each for each in mine if isinstance(each, Score)]
            error = item.fault or next(iter(faults), "")
            if error:
                self.summary.skip(item.row.place, error)
                written.append(self.layout.skipped(item, error))
                continue
            self.summary.add(item.group, scores, item.labels)
            written.append(self.layout.add(item, scores))
            if self.layout.explain and len(self.printed) < SHOWN:
                self.printed.append((item, scores))
        return written

    # -- going on --------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything that is known at a place between two rows, as JSON takes it."""
        reader = {"completion": self.reader.completion, "prompt": self.reader.prompt, "known": list(self.reader.known)}
        spot = [self.spot.number, self.spot.offset, self.spot.file]
        return {"spot": spot, "reader": reader, "summary": self.summary.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        self.spot = Spot(*state["spot"])
        self.reader.completion, self.reader.prompt = state["reader"]["completion"], state["reader"]["prompt"]
        self.reader.known = dict.fromkeys(state["reader"]["known"])
        self.summary.restore(state["summary"])


def paths(source: Source) -> list[Path]:
    """The files that a source reads; none for standard input."""
    if isinstance(source, Several):
        return [path for each in source.sources for path in paths(each)]
    return [] if source.path is None else [source.path]


def can_go_on(output: Output | None, source: Source) -> bool:
    """Whether an end before the end can be mended: a file is written, and files are read."""
    return isinstance(output, FileOutput) and bool(paths(source))
