"""Reading rows from JSONL or Parquet, a batch at a time, so that a file of any size fits."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from veritune.plugins.errors import DataError, MissingExtraError

Progress = Callable[[int], None]
"""Called with how much more of the input is done (bytes of JSONL, rows of Parquet)."""


_GZIP = b"\x1f\x8b"
_OTHER_PACKERS = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "Zstandard", b"PK\x03\x04": "a zip archive"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row and where it stands."""

    place: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Source:
    """An input that can be iterated once."""

    name: str
    total: int | None
    """In the unit of :data:`Progress`; None for standard input."""
    read: Callable[[Progress], Iterator[Row]]


def open_source(file: str) -> Source:
    """JSONL, JSONL in gzip or Parquet by content; ``-`` is JSONL from standard input.

    Raises DataError where it cannot be opened.
    """
    if file == "-":
        return Source("<stdin>", None, lambda done: _read_stdin(done))
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
        return _parquet(path, file)
    for magic, packer in _OTHER_PACKERS.items():
        if start.startswith(magic):
            raise DataError(f"file {file!r} is packed with {packer}: unpack it first (gzip is read as it is)")
    packed = start.startswith(_GZIP)
    return Source(file, None if packed else size, lambda done: _read_jsonl(path, file, done))


def _read_stdin(done: Progress) -> Iterator[Row]:
    stream = sys.stdin.buffer
    peek = getattr(stream, "peek", None)
    packed = peek is not None and peek(2).startswith(_GZIP)
    yield from _unpacked(stream, "<stdin>", done) if packed else _jsonl(stream, "<stdin>", done)


def _read_jsonl(path: Path, name: str, done: Progress) -> Iterator[Row]:
    with path.open("rb") as stream:
        packed = stream.peek(2).startswith(_GZIP)
        yield from _unpacked(stream, name, done) if packed else _jsonl(stream, name, done)


def _unpacked(stream: IO[bytes], name: str, done: Progress) -> Iterator[Row]:
    """JSONL out of gzip. Raises DataError where the archive is cut or damaged."""
    try:
        with gzip.GzipFile(fileobj=stream) as inside:
            if inside.peek(4).startswith(b"PAR1"):
                raise DataError(f"{name} is Parquet in gzip: unpack it first")
            yield from _jsonl(inside, name, done)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{name}: the gzip file is cut or damaged: {error}") from None


def _jsonl(stream: Iterable[bytes], name: str, done: Progress) -> Iterator[Row]:
    empty = True
    for number, line in enumerate(stream, start=1):
        done(len(line))
        text = line.strip(b"\xef\xbb\xbf \t\r\n") if number == 1 else line.strip()
        if text:
            empty = False
            yield Row(f"{name}:{number}", _object(text, f"{name}:{number}"))
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


def _parquet(path: Path, name: str) -> Source:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError("pyarrow", "parquet", "Parquet") from None
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{name} is not a readable Parquet file: {error}") from None
    total = file.metadata.num_rows
    if total == 0:
        raise DataError(f"{name} is empty: it has no rows")

    def read(done: Progress) -> Iterator[Row]:
        number = 0
        with file:
            for batch in file.iter_batches(batch_size=256):
                for data in batch.to_pylist():
                    number += 1
                    done(1)
                    yield Row(f"{name}: row {number}", data)

    return Source(name, total, read)
