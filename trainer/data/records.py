"""A data file's rows as they stand: JSONL, a JSON list, CSV, TSV or Parquet, by the name's end. Errors say where."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from veritune.plugins import DataError, MissingExtraError
from veritune.plugins.errors import did_you_mean

HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which JSON can spell and no tokenizer or Parquet file takes."""
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x1f\x8b": "gzip", b"PK": "a zip archive", b"PAR1": "Parquet"}


def read_records(path: Path) -> list[dict[str, Any]]:
    """All rows, each with every column of the file: a missing one is None. Raises DataError naming file and row."""
    if not path.is_file():
        near = did_you_mean(path.name, [p.name for p in path.parent.iterdir()]) if path.parent.is_dir() else ""
        looked = "" if path.is_absolute() else f" (looked for {path.absolute()}: from the working directory)"
        raise DataError(f"the data file {str(path)!r} does not exist{looked}.{near}")
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        records = _parquet(path)
    elif suffix in (".csv", ".tsv"):
        records = _csv(path, "\t" if suffix == ".tsv" else ",")
    elif suffix == ".json":
        records = _json(path)
    else:
        records = list(_jsonl(path))
    names = dict.fromkeys(name for record in records for name in record)
    for number, record in enumerate(records, 1):
        if _has_half(record):
            raise DataError(f"{path}, row {number}: a text holds half of a surrogate pair (\\ud83d or alike)")
    return [{name: record.get(name) for name in names} for record in records]


def _text(path: Path) -> str:
    """The file's text; a byte-order mark is no part of it."""
    content = path.read_bytes()
    for mark, kind in _MARKS.items():
        if content.startswith(mark):
            raise DataError(f"{path} is {kind}, not text in UTF-8; convert or unpack it")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}, line {line}: not UTF-8 (byte {content[error.start]:#04x}); convert the file, for example with "
            f"iconv -f CP1252 -t UTF-8"
        ) from error


def _jsonl(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            hint = "; a .csv or .json file is read by its name's end" if number == 1 else ""
            raise DataError(f"{path}, line {number}: not JSON ({error}){hint}") from error
        if not isinstance(record, dict):
            raise DataError(f"{path}, line {number}: a JSON object is expected, got {line.strip():.80}")
        yield record


def _json(path: Path) -> list[dict[str, Any]]:
    text = _text(path)
    try:
        records = json.loads(text)
    except (ValueError, RecursionError) as error:
        first, _, more = text.strip().partition("\n")
        if first.startswith("{") and more:
            return list(_jsonl(path))  # lines of JSON under another name
        raise DataError(f"{path}: not JSON ({error})") from error
    if isinstance(records, dict):
        return [records]
    if not isinstance(records, list):
        raise DataError(f"{path}: a list of objects is expected, got {records!r:.80}")
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict):
            raise DataError(f"{path}, row {number}: a JSON object is expected, got {record!r:.80}")
    return records


def _csv(path: Path, delimiter: str) -> list[dict[str, Any]]:
    """A header and rows of as many fields; every value is text."""
    limit = csv.field_size_limit(2**31 - 1)
    try:
        reader = csv.reader(io.StringIO(_text(path), newline=""), delimiter=delimiter, strict=True)
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not CSV ({error})") from error
    finally:
        csv.field_size_limit(limit)
    if not rows:
        return []
    (_, names), *rest = rows
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise DataError(f"{path}: the column {twice[0]!r} is there twice")
    for line, row in rest:
        if len(row) != len(names):
            raise DataError(f"{path}, line {line}: {len(row)} fields, and the header names {len(names)}")
    return [dict(zip(names, row, strict=True)) for _, row in rest]


def _parquet(path: Path) -> list[dict[str, Any]]:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "parquet", "reading Parquet") from error
    try:
        records: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not a Parquet file: {error}") from error
    return records


def _has_half(value: Any) -> bool:
    if isinstance(value, str):
        return not value.isascii() and HALF.search(value) is not None
    if isinstance(value, dict):
        return any(_has_half(key) or _has_half(each) for key, each in value.items())
    return isinstance(value, list) and any(map(_has_half, value))
