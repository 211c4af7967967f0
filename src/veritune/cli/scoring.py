"""Scoring a file: rows in, batches through the rewards, rows with scores out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from veritune.cli.rows import Row
from veritune.cli.summary import read_label
from veritune.plugins import ColumnError, DataError, RewardError, Sample, Score
from veritune.plugins.errors import did_you_mean
from veritune.rewards.composition import RewardSet

COMPLETIONS = ("completion", "response", "text", "output", "prediction")
PROMPTS = ("prompt", "question", "problem", "instruction")


@dataclass
class Reader:
    """Makes samples of rows: which column is the completion, which the prompt, which the label."""

    completion: str | None
    prompt: str | None
    label: str | None
    known: dict[str, None] = field(default_factory=dict)
    """Every column met so far; a row without one of them has None there."""

    def settle(self, columns: Collection[str]) -> None:
        """Choose the columns from those of the first rows. Raises ColumnError where one is missing."""
        self.completion = _choose("--completion", self.completion, COMPLETIONS, columns)
        if self.prompt is not None or any(name in columns for name in PROMPTS):
            self.prompt = _choose("--prompt", self.prompt, PROMPTS, columns)
        if self.label is not None:
            _choose("--label", self.label, (), columns)

    def sample(self, row: Row) -> Sample:
        """The row as a sample; the columns stay with it."""
        assert self.completion is not None
        self.known.update(dict.fromkeys(row.data))
        columns = {name: row.data.get(name) for name in self.known}
        ids = row.data.get("completion_ids")
        return Sample(
            _completion(row, self.completion),
            _prompt(columns.get(self.prompt)) if self.prompt is not None else None,
            ids if isinstance(ids, list) else None,
            columns,
        )

    def labels(self, rows: Iterable[Row]) -> list[bool | None]:
        """The label of every row; None where none was asked for."""
        if self.label is None:
            return [None for _ in rows]
        return [read_label(row.data.get(self.label), self.label, row.place) for row in rows]


def _choose(option: str, given: str | None, candidates: Sequence[str], columns: Collection[str]) -> str:
    listed = ", ".join(sorted(columns)) or "none"
    if given is not None:
        if given in columns:
            return given
        raise ColumnError(f"{option} {given}: not in the data.{did_you_mean(given, columns)} Columns: {listed}.")
    for name in candidates:
        if name in columns:
            return name
    raise ColumnError(
        f"none of the columns {', '.join(candidates)} is in the data. Columns: {listed}. "
        f"Name yours with {option} COLUMN."
    )


def _completion(row: Row, column: str) -> Any:
    value = row.data.get(column)
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(message, dict) for message in value):
        return value
    found = "nothing" if value is None else f"{value!r:.60} ({type(value).__name__})"
    raise DataError(f"{row.place}: column {column!r} must hold a text or a chat (a list of messages), found {found}")


def _prompt(value: Any) -> Any:
    return value if value is None or isinstance(value, str | list) else str(value)


def batches(rows: Iterable[Row], size: int, prompt: str | None) -> Iterator[list[Row]]:
    """Lists of about ``size`` rows; with ``prompt``, rows of one prompt that follow each other stay together."""
    batch: list[Row] = []
    for row in rows:
        if len(batch) >= size and (prompt is None or row.data.get(prompt) != batch[-1].data.get(prompt)):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def score_rows(rewards: RewardSet, rows: Sequence[Row], samples: Sequence[Sample], **options: Any) -> list[Score]:
    """The rows' scores. A RewardError names the row."""
    try:
        return rewards.score_batch(samples, **options)
    except RewardError as error:
        places = [row.place for row, sample in zip(rows, samples, strict=True) if sample is error.sample]
        where = places[0] if places else f"{rows[0].place} to {rows[-1].place}"
        error.args = (f"{error}\n  row: {where}", *error.args[1:])
        raise


@dataclass(frozen=True)
class Layout:
    """How scores are added to a row."""

    aliases: Sequence[str]
    explain: bool
    prefix: str = ""

    @property
    def columns(self) -> list[str]:
        """The names that are added."""
        return [self.prefix + name for name in ("reward", "scores", "causes", *(["reasons"] if self.explain else []))]

    def add(self, row: Row, score: Score) -> dict[str, Any]:
        """The row's columns, then ``reward`` (the combination), ``scores``, ``causes`` and ``reasons`` by alias."""
        clash = [name for name in self.columns if name in row.data]
        if clash:
            raise DataError(f"{row.place} already has the column {clash[0]!r}; keep both with --prefix NAME_")
        parts = {alias: score.parts.get(alias) for alias in self.aliases}
        values: list[Any] = [
            score.value,
            {alias: part.value if part else None for alias, part in parts.items()},
            {alias: str(part.cause) if part and part.cause else None for alias, part in parts.items()},
        ]
        if self.explain:
            values.append({alias: part.reason if part else None for alias, part in parts.items()})
        return {**row.data, **dict(zip(self.columns, values, strict=True))}
