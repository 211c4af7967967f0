"""Reading rows from JSONL, CSV or Parquet, a batch at a time, so that a file of any size fits."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from veritune.plugins.errors import DataError

Progress = Callable[[int], None]
"""Called with how much more of the input is done (bytes of text, rows of Parquet)."""


_GZIP = b"\x1f\x8b"
_OTHER_PACKERS = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "Zstandard", b"PK\x03\x04": "a zip archive"}


@dataclass(frozen=True, slots=True)
class Spot:
    """A place between two rows, from which reading can go on: rows (or lines) before it, and bytes of a text file."""

    number: int = 0
    offset: int = 0
    file: int = 0
    """Of several."""


BEGIN = Spot()


@dataclass(frozen=True, slots=True)
class Row:
    """One row and where it stands."""

    place: str
    data: dict[str, Any]
    end: Spot = BEGIN
    """Where the next one begins."""
    fault: DataError | None = None
    """Why it cannot be read, where faults are asked for (``tolerant``); ``data`` is empty then."""


@dataclass(frozen=True)
class Source:
    """An input that can be iterated once."""

    name: str
    total: int | None
    """In the unit of :data:`Progress`; None for standard input."""
    path: Path | None = None
    """None for standard input."""

    def read(self, done: Progress, begin: Spot = BEGIN, tolerant: bool = False) -> Iterator[Row]:
        """Its rows from ``begin`` on. Raises DataError at a row that cannot be read; where ``tolerant``, yields it with
        its ``fault`` and goes on."""
        raise NotImplementedError


def open_source(file: str) -> Source:
    """JSONL or CSV (also in gzip) or Parquet, by content, CSV by the name's end; ``-`` is JSONL from standard input.

    Raises DataError where it cannot be opened.
    """
    if file == "-":
        return StandardInput("<stdin>", None)
    path = Path(file).expanduser()
    try:
        with path.open("rb") as stream:
            start = stream.read(6)
        size = path.stat().st_size
    except FileNotFoundError:
        raise DataError(f"file {file!r} does not exist (looked for {path.absolute()})") from None
    except OSError as error:
        raise DataError(f"file {file!r} cannot be read: {error.strerror or error}") from None
    if start.startswith(b"PAR1"):
        from veritune.cli.parquet_rows import open_parquet

        return open_parquet(path, file)
    for magic, packer in _OTHER_PACKERS.items():
        if start.startswith(magic):
            raise DataError(f"file {file!r} is packed with {packer}: unpack it first (gzip is read as it is)")
    total = None if start.startswith(_GZIP) else size
    ending = Path(file.lower().removesuffix(".gz")).suffix
    if ending in {".csv", ".tsv"}:
        return Csv(file, total, path, "\t" if ending == ".tsv" else ",")
    return Jsonl(file, total, path)


def open_sources(files: Sequence[str]) -> Source:
    """One or several files, one after the other."""
    sources = [open_source(file) for file in files]
    if len(sources) == 1:
        return sources[0]
    if "-" in files:
        raise DataError("standard input (-) is read alone, not beside files")
    totals = [source.total for source in sources]
    kinds = {type(source) for source in sources}
    total = None if None in totals or len(kinds) > 1 else sum(each or 0 for each in totals)
    return Several(f"{sources[0].name} and {len(sources) - 1} more", total, None, sources)


@dataclass(frozen=True)
class Several(Source):
    """Files one after the other."""

    sources: Sequence[Source] = ()

    def read(self, done: Progress, begin: Spot = BEGIN, tolerant: bool = False) -> Iterator[Row]:
        for index, source in enumerate(self.sources):
            if index < begin.file:
                done(source.total or 0)
                continue
            inner = Spot(begin.number, begin.offset) if index == begin.file else BEGIN
            for row in source.read(done, inner, tolerant):
                yield Row(row.place, row.data, Spot(row.end.number, row.end.offset, index), row.fault)


class StandardInput(Source):
    """JSONL from a pipe."""

    def read(self, done: Progress, begin: Spot = BEGIN, tolerant: bool = False) -> Iterator[Row]:
        stream = sys.stdin.buffer
        peek = getattr(stream, "peek", None)
        packed = peek is not None and peek(2).startswith(_GZIP)
        if packed:
            yield from unpacked(stream, self.name, lambda inside: _jsonl(inside, self.name, done, begin, tolerant))
        else:
            yield from _jsonl(stream, self.name, done, begin, tolerant)


class Jsonl(Source):
    """One JSON object a line."""

    def read(self, done: Progress, begin: Spot = BEGIN, tolerant: bool = False) -> Iterator[Row]:
        yield from read_text(self, lambda stream: _jsonl(stream, self.name, done, begin, tolerant))


@dataclass(frozen=True)
class Csv(Source):
    """A header and rows of as many fields; every value is text."""

    delimiter: str = field(default=",")

    def read(self, done: Progress, begin: Spot = BEGIN, tolerant: bool = False) -> Iterator[Row]:
        from veritune.cli.csv_rows import read_csv

        given = (self.name, self.delimiter, done, begin, tolerant)
        yield from read_text(self, lambda stream: read_csv(stream, *given))


def read_text(source: Source, read: Callable[[IO[bytes]], Iterator[Row]]) -> Iterator[Row]:
    """A text file's rows, unpacked where it is in gzip."""
    assert source.path is not None
    with source.path.open("rb") as stream:
        if stream.peek(2).startswith(_GZIP):
            yield from unpacked(stream, source.name, read)
        else:
            yield from read(stream)


def unpacked(stream: IO[bytes], name: str, read: Callable[[IO[bytes]], Iterator[Row]]) -> Iterator[Row]:
    """Rows out of gzip. Raises DataError where the archive is cut or damaged."""
    try:
        with gzip.GzipFile(fileobj=stream) as inside:
            if inside.peek(4).startswith(b"PAR1"):
                raise DataError(f"{name} is Parquet in gzip: unpack it first")
            yield from read(cast("IO[bytes]", inside))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{name}: the gzip file is cut or damaged: {error}") from None


def _jsonl(stream: IO[bytes], name: str, done: Progress, begin: Spot, tolerant: bool) -> Iterator[Row]:
    empty, offset = begin == BEGIN, begin.offset
    if offset:
        stream.seek(offset)
        done(offset)
    for number, line in enumerate(stream, start=begin.number + 1):
        done(len(line))
        offset += len(line)
        text = line.strip(b"\xef\xbb\xbf \t\r\n") if number == 1 else line.strip()
        if not text:
            continue
        empty = False
        place, end = f"{name}:{number}", Spot(number, offset)
        try:
            row = Row(place, _object(text, place), end)
        except DataError as error:
            if not tolerant:
                raise
            row = Row(place, {}, end, error)
        yield row
    if empty:
        raise DataError(f"{name} is empty: one JSON object a line is expected")


def _object(text: bytes, place: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except UnicodeDecodeError as error:
        raise DataError(f"{place}: not UTF-8 text ({error.reason})") from None
    except json.JSONDecodeError as error:
        shown = text[:80].decode("utf-8", "replace")
        raise DataError(f"{place}: not JSON: {error.msg} (column {error.colno}): {shown!r}") from None
    except (RecursionError, ValueError) as error:  # too deep, or a number of thousands of digits
        raise DataError(f"{place}: not JSON that can be read: {error}") from None
    if not isinstance(row, dict):
        raise DataError(f"{place}: a JSON object ({{…}}) is expected on each line, found {_kind(row)}")
    return row


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
