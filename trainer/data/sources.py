"""Rows and their prompts: from files or a generated task; addressable by position, so that a run can resume.

Row n of a source is a function of the seed and n alone.
"""

from __future__ import annotations

import re
import string
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from veritune.plugins import ColumnError, ConfigError, DataError, Text
from veritune.plugins.errors import did_you_mean
from veritune.trainer.config import DataConfig
from veritune.trainer.data.hub import load_records
from veritune.trainer.data.messages import prompt_fault, tidy
from veritune.trainer.data.tasks import Task, get_task

_TRIES = 2000
"""Prompts drawn for one row before a task counts as one that has none left for it."""
HELD_OUT = 10
"""Of generated tasks, one prompt in so many is held out, by a checksum of its text."""


@dataclass(frozen=True)
class Row:
    """A prompt with its dataset columns."""

    prompt: Text
    columns: Mapping[str, Any]


class Source(Protocol):
    """An endless sequence of rows."""

    def row(self, position: int) -> Row: ...

    def columns(self) -> list[str]: ...


class TaskSource:
    """Rows of a generated task; ``held_out`` picks the prompts that training never sees."""

    def __init__(self, task: Task, seed: int, held_out: bool = False) -> None:
        self.task, self.seed, self.held_out = task, seed, held_out

    def row(self, position: int) -> Row:
        random = self.random(position)
        for _ in range(_TRIES):
            columns = self.task.row(random)
            if (zlib.crc32(columns["prompt"].encode()) % HELD_OUT == 0) == self.held_out:
                return Row(columns["prompt"], columns)
        lot = "none of them is" if self.held_out else "all of them are"
        raise ConfigError(
            f"data.task has too few different prompts: {_TRIES} were drawn, and {lot} held out for the evaluation; "
            "give the task more variety in data.params, or name other held-out rows with data.eval"
        )

    def random(self, position: int, use: str = "row") -> Random:
        return Random(f"{use}:{self.seed}:{self.held_out}:{position}")

    def columns(self) -> list[str]:
        return list(self.row(0).columns)


class FileSource:
    """Rows of a file, in a new order every epoch."""

    def __init__(self, rows: Sequence[Row], seed: int, shuffle: bool = True) -> None:
        self.rows, self.seed, self.shuffle = rows, seed, shuffle
        self._epoch, self._order = -1, list(range(len(rows)))

    def row(self, position: int) -> Row:
        epoch, index = divmod(position, len(self.rows))
        if self.shuffle and epoch != self._epoch:
            self._order = list(range(len(self.rows)))
            Random(f"epoch:{self.seed}:{epoch}").shuffle(self._order)
            self._epoch = epoch
        return self.rows[self._order[index]]

    def only(self, keep: Callable[[Row], bool]) -> FileSource:
        """The same with some of its rows."""
        return FileSource([row for row in self.rows if keep(row)], self.seed, self.shuffle)

    def columns(self) -> list[str]:
        return list(dict.fromkeys(key for row in self.rows for key in row.columns))


BLOCK = 1000
"""Rows over which a mixture keeps its weights."""


class Mixture(FileSource):
    """Rows of several files by their weights: every block of rows has each file's share, in an order of its own."""

    def __init__(self, files: Sequence[Sequence[Row]], weights: Sequence[float], seed: int) -> None:
        names = dict.fromkeys(name for rows in files for row in rows for name in row.columns)
        empty = dict.fromkeys(names)
        even = [[Row(row.prompt, {**empty, **row.columns}) for row in rows] for rows in files]
        super().__init__([row for rows in even for row in rows], seed)
        self.weights = list(weights)
        self.files = [FileSource(rows, seed + number) for number, rows in enumerate(even)]
        ends = [round(BLOCK * sum(weights[: n + 1]) / sum(weights)) for n in range(len(weights))]
        self._counts = [max(1, end - begin) for begin, end in zip([0, *ends], ends, strict=False)]
        pattern = [number for number, count in enumerate(self._counts) for _ in range(count)]
        Random(f"mixture:{seed}").shuffle(pattern)
        seen = [0] * len(files)
        self._pattern: list[tuple[int, int]] = []
        for number in pattern:
            self._pattern.append((number, seen[number]))
            seen[number] += 1

    def only(self, keep: Callable[[Row], bool]) -> FileSource:
        """A file of which no row is left leaves its share to the others."""
        parts = [[row for row in file.rows if keep(row)] for file in self.files]
        left = [number for number, rows in enumerate(parts) if rows]
        return Mixture([parts[n] for n in left], [self.weights[n] for n in left], self.seed)

    def row(self, position: int) -> Row:
        block, at = divmod(position, len(self._pattern))
        number, rank = self._pattern[at]
        return self.files[number].row(block * self._counts[number] + rank)


def make_sources(config: DataConfig, seed: int) -> tuple[Source, dict[str, Source], Task | None]:
    """Training rows, held-out rows by the set's name (a single set has none), and the task if it is one."""
    held_out, task = held_out_sources(config, seed)
    return training_source(config, seed, task), held_out, task


def training_source(config: DataConfig, seed: int, task: Task | None) -> Source:
    """The prompts of ``data.train``, or the task's."""
    if task is not None:
        return TaskSource(task, seed)
    assert config.train is not None
    if isinstance(config.train, str):
        return FileSource(load_rows(config.train, config), seed)
    parts = [load_rows(path, config) for path in config.train]
    return Mixture(parts, list(config.train.values()), seed)


def held_out_sources(config: DataConfig, seed: int) -> tuple[dict[str, Source], Task | None]:
    """Held-out rows by the set's name, a task's own where no file is named; and the task if there is one."""
    files = {"": config.eval} if isinstance(config.eval, str) else config.eval or {}
    held_out: dict[str, Source] = {
        name: FileSource(load_rows(path, config), seed, shuffle=False) for name, path in files.items()
    }
    if config.task is None:
        return held_out, None
    task = get_task(config.task, config.params)
    return held_out or {"": TaskSource(task, 0, held_out=True)}, task


def load_rows(path: str, config: DataConfig) -> list[Row]:
    """Rows with prompts. Raises DataError for what cannot be read, ColumnError for a missing column."""
    records = load_records(path)[: config.limit]
    return [to_row(record, config, f"{path}, row {number}") for number, record in enumerate(records, 1)]


def to_row(record: dict[str, Any], config: DataConfig, where: str) -> Row:
    """A record with its prompt. Raises DataError or ColumnError, which name ``where`` it stands."""
    for new, old in config.columns.items():
        if old not in record:
            raise _missing(where, old, record)
        record = {**record, new: record[old]}
    if config.template is not None:
        return Row(_filled(config.template, record, where), record)
    if config.prompt not in record:
        raise _missing(f"{where}: data.prompt", config.prompt, record)
    prompt = tidy(record[config.prompt])
    fault = prompt_fault(prompt)
    if fault is not None:
        raise DataError(f"{where}: the prompt (column {config.prompt!r}): {fault}")
    return Row(prompt, record)


def _filled(template: str, record: Mapping[str, Any], where: str) -> str:
    """The template over the row's columns, none of which is empty."""
    try:
        for _, name, _, _ in string.Formatter().parse(template):
            column = re.split(r"[.\[]", name)[0] if name else ""
            if column in record and record[column] is None:
                raise DataError(f"{where}: data.template: the column {column!r} has no value")
        return template.format(**record)
    except KeyError as error:
        raise _missing(f"{where}: data.template", str(error.args[0]), record) from None
    except DataError:
        raise
    except (IndexError, ValueError, TypeError, AttributeError) as error:
        names = [name for _, name, _, _ in _fields(template) if name is not None]
        if not names or any(re.split(r"[.\[]", name)[0] not in record for name in names):  # not the row's doing
            raise ConfigError(f"data.template: {error}; write a literal brace twice ({{{{ and }}}})") from error
        raise DataError(f"{where}: data.template, with {', '.join(names)}: {error}") from error


def _fields(template: str) -> list[tuple[str, str | None, str | None, str | None]]:
    """What stands in its braces; nothing where it cannot be read."""
    try:
        return list(string.Formatter().parse(template))
    except ValueError:
        return []


def _missing(where: str, column: str, record: Mapping[str, Any]) -> ColumnError:
    columns = ", ".join(sorted(record))
    return ColumnError(f"{where}: no column {column!r}.{did_you_mean(column, record)} Columns: {columns}.")
