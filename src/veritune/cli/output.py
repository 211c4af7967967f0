"""Writing scored rows: all of the file or nothing of it, and what was written of it can be gone on with."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from veritune.plugins.errors import ConfigError, DataError

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character: JSON can escape it, UTF-8 has no bytes for it."""


def check_apart(source: str, file: str | None) -> None:
    """Raise ConfigError where the output would replace the input, links followed."""
    if file in (None, "-") or source == "-":
        return
    read, written = Path(source).expanduser(), Path(str(file)).expanduser()
    if os.path.realpath(read) == os.path.realpath(written) or (written.exists() and os.path.samefile(read, written)):
        raise ConfigError(f"--out {file!r} is the input file itself, which would be lost; name another")


def open_output(file: str, tag: str = "") -> Output:
    """A writer by the file's ending (``.jsonl``, ``.csv``, ``.parquet``); ``-`` is standard output. Raises ConfigError.

    With a ``tag`` (of the command), what was written of a file that never became whole can be gone on with.
    """
    if file == "-":
        return StandardOutput()
    suffix = Path(file).suffix.lower()
    if suffix in {".jsonl", ".ndjson", ".json"}:
        return JsonlOutput(file, tag)
    if suffix in {".csv", ".tsv"}:
        from veritune.cli.csv_output import CsvOutput

        return CsvOutput(file, tag)
    if suffix in {".parquet", ".pq"}:
        from veritune.cli.parquet_output import ParquetOutput

        return ParquetOutput(file, tag)
    raise ConfigError(
        f"--out {file!r}: a name ending in .jsonl, .csv or .parquet (or - for standard output) is expected"
    )


class Output:
    """A context manager: left in peace it keeps what was written; left by an exception it leaves no trace, unless what
    was written is to be gone on with (``keep``)."""

    keep = False

    def __enter__(self) -> Output:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None:
            self.commit()
        else:
            self.abort()

    def write(self, rows: list[dict[str, Any]]) -> None:
        raise NotImplementedError

    def commit(self) -> None:
        """Make what was written the file."""

    def abort(self) -> None:
        """Leave everything as it was."""


class StandardOutput(Output):
    """JSONL on standard output; a stream cannot be taken back."""

    def write(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            sys.stdout.write(as_json(row))
        sys.stdout.flush()


class FileOutput(Output):
    """Writes beside the target and renames at the end: readers see the old file or the whole new one."""

    def __init__(self, file: str, tag: str = "") -> None:
        self.target = Path(os.path.realpath(os.path.expanduser(file)))
        if self.target.exists() and not self.target.is_file():
            raise ConfigError(f"--out {file!r} is not a regular file; use - for standard output")
        self.temporary = self.target.with_name(f".{self.target.name}.{tag or f'{os.getpid()}.tmp'}")
        try:
            self.stream: IO[bytes] = self.temporary.open("r+b" if tag and self.temporary.exists() else "w+b")
        except OSError as error:
            raise ConfigError(f"cannot write --out {file!r}: {error.strerror or error}") from None
        if tag:
            self._lock(file)

    def _lock(self, file: str) -> None:
        """One process at a time; the lock goes with the process, however it ends."""
        import fcntl

        try:
            fcntl.flock(self.stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.stream.close()
            raise ConfigError(f"another process is writing --out {file!r} with the same command") from None
        except OSError:
            pass  # a file system without locks

    def position(self) -> dict[str, Any]:
        """What of the file is safe on the disk: what :meth:`restore` takes."""
        self.stream.flush()
        os.fsync(self.stream.fileno())
        return {"bytes": self.stream.tell()}

    def restore(self, position: dict[str, Any]) -> bool:
        """Go on behind a :meth:`position`, and forget what was written later; false where the file is shorter."""
        if self.stream.seek(0, os.SEEK_END) < position["bytes"]:
            return False
        self.stream.seek(position["bytes"])
        self.stream.truncate()
        return True

    def reset(self) -> None:
        """Forget what was written before."""
        self.stream.seek(0)
        self.stream.truncate()

    def commit(self) -> None:
        self.stream.flush()
        os.fsync(self.stream.fileno())
        os.replace(self.temporary, self.target)
        self.stream.close()

    def abort(self) -> None:
        self.stream.close()
        if not self.keep:
            self.temporary.unlink(missing_ok=True)


class JsonlOutput(FileOutput):
    """One JSON object a line."""

    def write(self, rows: list[dict[str, Any]]) -> None:
        self.stream.writelines(as_json(row).encode() for row in rows)


def as_json(row: dict[str, Any]) -> str:
    """One line of JSON; what JSON has no word for is written as its text."""
    text = json.dumps(row, ensure_ascii=False, default=str)
    if not text.isascii() and _LONE_SURROGATE.search(text):
        text = json.dumps(row, default=str)
    return text + "\n"


def half_character(rows: list[dict[str, Any]]) -> str:
    """The column that UTF-8 cannot hold, and its text; empty where there is none."""
    for row in rows:
        for name, value in row.items():
            text = json.dumps({name: value}, ensure_ascii=False, default=str)
            if found := _LONE_SURROGATE.search(text):
                return f"column {name!r} (…{text[max(found.start() - 20, 0) : found.end() + 20]!a}…)"
    return ""


def no_bytes_for(where: str, column: str, format_: str) -> DataError:
    """The error for half a character in a format of UTF-8 alone."""
    return DataError(
        f"{where}: {column or 'a column'} holds half a character (a lone surrogate), for which {format_} UTF-8 has no "
        "bytes; write .jsonl, or mend the text"
    )
