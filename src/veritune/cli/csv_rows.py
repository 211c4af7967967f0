"""Rows of a CSV or TSV file, a record at a time, from any of them on."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import IO

from veritune.cli.rows import BEGIN, Progress, Row, Spot
from veritune.plugins.errors import DataError

LONGEST_FIELD = 2**31 - 1
_NO_UTF8 = re.compile("[\udc80-\udcff]")
"""What bytes that are no UTF-8 are read as."""


class _Lines:
    """The file's lines as text, counted in bytes: the reader takes a line only when a record needs it."""

    def __init__(self, stream: IO[bytes], done: Progress) -> None:
        self.stream, self.done, self.offset, self.number = stream, done, 0, 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self.stream)
        self.done(len(line))
        self.number += 1
        first = self.offset == 0
        self.offset += len(line)
        return (line.removeprefix(b"\xef\xbb\xbf") if first else line).decode("utf-8", "surrogateescape")

    def go_to(self, spot: Spot) -> None:
        self.stream.seek(spot.offset)
        self.done(max(spot.offset - self.offset, 0))
        self.offset, self.number = spot.offset, spot.number


def read_csv(
    stream: IO[bytes], name: str, delimiter: str, done: Progress, begin: Spot, tolerant: bool
) -> Iterator[Row]:
    """The records below the header. ``Spot.number`` counts lines."""
    csv.field_size_limit(LONGEST_FIELD)
    lines = _Lines(stream, done)
    names = _header(lines, delimiter, name)
    if begin != BEGIN:
        lines.go_to(begin)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    empty = begin == BEGIN
    while True:
        place = f"{name}:{lines.number + 1}"
        try:
            record = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            record, problem = [], f"not CSV: {error}"
        else:
            problem = _problem(record, names)
        if not record and not problem:
            continue
        empty = False
        end = Spot(lines.number, lines.offset)
        if not problem:
            yield Row(place, dict(zip(names, record, strict=True)), end)
        elif tolerant:
            yield Row(place, {}, end, DataError(f"{place}: {problem}"))
        else:
            raise DataError(f"{place}: {problem}")
    if empty:
        raise DataError(f"{name} has no rows below its header")


def _header(lines: _Lines, delimiter: str, name: str) -> list[str]:
    try:
        names = next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise DataError(f"{name}:1: not CSV: {error}") from None
    if not names:
        raise DataError(f"{name} is empty: a header with the columns' names is expected")
    if any(_NO_UTF8.search(each) for each in names):
        raise DataError(f"{name}:1: not UTF-8 text")
    twice = [each for each in names if names.count(each) > 1]
    if twice:
        raise DataError(f"{name}:1: the column {twice[0]!r} is there twice")
    return names


def _problem(record: list[str], names: list[str]) -> str:
    if record and len(record) != len(names):
        return f"{len(record)} fields, and the header names {len(names)}"
    return "not UTF-8 text" if any(_NO_UTF8.search(value) for value in record) else ""
