"""Scoring a file: rows in, batches through the rewards, rows with scores out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from veritune.cli.rows import Row
from veritune.cli.summary import read_label
from veritune.plugins import ColumnError, DataError, RewardError, Sample, Score
from veritune.plugins.errors import did_you_mean
from veritune.plugins.types import is_chat

SEVERAL = ("completions", "responses", "texts", "outputs", "predictions", "generations", "samples")
"""Columns of several completions a row."""
MOST_TIMES = 8
COMPLETIONS = ("completion", "response", "text", "output", "prediction")
PROMPTS = ("prompt", "question", "problem", "instruction")


@dataclass
class Item:
    """One row with the samples in it: one, or as many as its completions."""

    row: Row
    samples: list[Sample] = field(default_factory=list)
    labels: list[bool | None] = field(default_factory=list)
    several: bool = False
    """Its completions are a list, so that its scores are lists too."""
    group: str | None = None
    """Rows that follow each other with the same group are of one prompt; None where the row stands alone."""
    fault: str = ""
    """Why it cannot be scored."""


@dataclass
class Reader:
    """Makes samples of rows: which column is the completion, which the prompt, which the label."""

    completion: str | None
    prompt: str | None
    label: str | None
    tolerant: bool = False
    """A row that cannot be scored becomes an item with its fault, instead of a DataError."""
    known: dict[str, None] = field(default_factory=dict)
    """Every column met so far; a row without one of them has None there."""

    def settle(self, columns: Collection[str]) -> None:
        """Choose the columns from those of the first rows. Raises ColumnError where one is missing."""
        self.completion = choose_column("--completion", self.completion, (*COMPLETIONS, *SEVERAL), columns)
        if self.prompt is not None or any(name in columns for name in PROMPTS):
            self.prompt = choose_column("--prompt", self.prompt, PROMPTS, columns)
        if self.label is not None:
            choose_column("--label", self.label, (), columns)

    def item(self, row: Row) -> Item:
        """The row's samples; its columns stay with each."""
        try:
            if row.fault is not None:
                raise row.fault
            return self._item(row)
        except DataError as error:
            if not self.tolerant:
                raise
            return Item(row, fault=str(error))

    def _item(self, row: Row) -> Item:
        assert self.completion is not None
        self.known.update(dict.fromkeys(row.data))
        columns = {name: row.data.get(name) for name in self.known}
        texts, several = _completions(row, self.completion)
        prompt = _prompt(columns.get(self.prompt)) if self.prompt is not None else None
        ids = _ids(row.data.get("completion_ids"), len(texts), several)
        samples = [Sample(text, prompt, each, columns) for text, each in zip(texts, ids, strict=True)]
        group = row.place if several else None if prompt is None else str(prompt)
        return Item(row, samples, self._labels(row, len(texts), several), several, group)

    def _labels(self, row: Row, count: int, several: bool) -> list[bool | None]:
        """The label of every completion; None where none was asked for."""
        if self.label is None:
            return [None] * count
        value = row.data.get(self.label)
        values = value if several and isinstance(value, list) else [value] * count
        if len(values) != count:
            raise DataError(f"{row.place}: --label {self.label}: {len(values)} labels for {count} completions")
        return [read_label(each, self.label, row.place) for each in values]


def choose_column(option: str, given: str | None, candidates: Sequence[str], columns: Collection[str]) -> str:
    """The column ``given``, or the first candidate that is there. Raises ColumnError, naming the ``option``."""
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


def _completions(row: Row, column: str) -> tuple[list[Any], bool]:
    """The completions in a row, and whether they are a list."""
    value = row.data.get(column)
    if isinstance(value, str) or (is_chat(value) and (value or column not in SEVERAL)):
        return [value], False
    if isinstance(value, list) and value and all(isinstance(each, str) or is_chat(each) for each in value):
        return value, True
    found = "nothing" if value in (None, []) else f"{value!r:.60} ({type(value).__name__})"
    kinds = "a text or a chat (a list of messages), or a list of these"
    raise DataError(f"{row.place}: column {column!r} must hold {kinds}, found {found}")


def _ids(value: Any, count: int, several: bool) -> list[Any]:
    """Token ids of every completion, where the row has them."""
    if not isinstance(value, list):
        return [None] * count
    return value if several and len(value) == count else [None if several else value] * count


def _prompt(value: Any) -> Any:
    return value if value is None or isinstance(value, str | list) else str(value)


def batches(items: Iterable[Item], size: int, whole: bool) -> Iterator[list[Item]]:
    """Lists of about ``size`` completions; rows of one prompt that follow each other stay together: always where
    ``whole`` (a reward looks at groups), else as long as that is a few times ``size`` at most."""
    batch: list[Item] = []
    count = 0
    for item in items:
        apart = not batch or item.group is None or item.group != batch[-1].group
        alone = whole and bool(batch) and batch[-1].several and apart
        if (count >= size and (apart or (not whole and count >= MOST_TIMES * size))) or alone:
            yield batch
            batch, count = [], 0
        batch.append(item)
        count += len(item.samples)
    if batch:
        yield batch


def units(items: Sequence[Item], whole: bool) -> list[list[Sample]]:
    """What must be scored together: with ``whole`` the samples of a group, else each sample."""
    if not whole:
        return [[sample] for item in items for sample in item.samples]
    found: list[list[Sample]] = []
    last: Item | None = None
    for item in items:
        if item.samples:
            if last is not None and item.group is not None and item.group == last.group:
                found[-1] += item.samples
            else:
                found.append(list(item.samples))
            last = item
    return found


def name_row(error: RewardError, items: Sequence[Item]) -> RewardError:
    """The error, with the row that it is about."""
    places = [item.row.place for item in items for each in item.samples if each is error.sample or each == error.sample]
    where = places[0] if places else f"{items[0].row.place} to {items[-1].row.place}"
    error.args = (f"{error}\n  row: {where}", *error.args[1:])
    return error


@dataclass(frozen=True)
class Layout:
    """How scores are added to a row."""

    aliases: Sequence[str]
    explain: bool
    prefix: str = ""
    tolerant: bool = False

    @property
    def columns(self) -> list[str]:
        """The names that are added."""
        names = ["reward", "scores", "causes"]
        names += ["reasons", "extracted", "expected"] if self.explain else []
        return [self.prefix + name for name in (*names, *(["error"] if self.tolerant else []))]

    def check(self, row: Row) -> None:
        """Raise DataError where the row has one of these columns already."""
        clash = [name for name in self.columns if name in row.data]
        if clash:
            raise DataError(f"{row.place} already has the column {clash[0]!r}; keep both with --prefix NAME_")

    def add(self, item: Item, scores: Sequence[Score]) -> dict[str, Any]:
        """The row's columns, then ``reward`` (the combination), ``scores``, ``causes`` and, with reasons, what was
        compared, by alias; lists where the row has a list of completions."""
        self.check(item.row)

        def spread(read: Callable[[Score], Any]) -> Any:
            found = [read(score) for score in scores]
            return found if item.several else found[0]

        def by_alias(read: Callable[[Score], Any]) -> dict[str, Any]:
            return {
                alias: spread(lambda score, alias=alias: read(part) if (part := score.parts.get(alias)) else None)  # type: ignore[misc]
                for alias in self.aliases
            }

        values: list[Any] = [
            spread(lambda score: score.value),
            by_alias(lambda part: part.value),
            by_alias(lambda part: str(part.cause) if part.cause else None),
        ]
        if self.explain:
            values.append(by_alias(lambda part: part.reason))
            values.append(by_alias(lambda part: part.verdict.extracted if part.verdict else None))
            values.append(by_alias(lambda part: part.verdict.expected if part.verdict else None))
        return {**item.row.data, **dict(zip(self.columns, [*values, *self._no_error], strict=True))}

    def skipped(self, item: Item, error: str) -> dict[str, Any]:
        """A row that could not be scored, with the reason; of one that could not be read, the reason alone."""
        nothing = {name: None for name in self.columns}
        for name in ("scores", "causes", *(("reasons", "extracted", "expected") if self.explain else ())):
            nothing[self.prefix + name] = dict.fromkeys(self.aliases)  # type: ignore[assignment]
        return {**item.row.data, **nothing, f"{self.prefix}error": error}

    @property
    def _no_error(self) -> list[None]:
        return [None] if self.tolerant else []
