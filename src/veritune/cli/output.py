"""Writing scored rows: all of the file or nothing of it."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from veritune.plugins.errors import ConfigError, DataError, MissingExtraError

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character: JSON can escape it, UTF-8 has no bytes for it."""


def check_apart(source: str, file: str | None) -> None:
    """Raise ConfigError where the output would replace the input, links followed."""
    if file in (None, "-") or source == "-":
        return
    read, written = Path(source).expanduser(), Path(str(file)).expanduser()
    if os.path.realpath(read) == os.path.realpath(written) or (written.exists() and os.path.samefile(read, written)):
        raise ConfigError(f"--out {file!r} is the input file itself, which would be lost; name another")


def open_output(file: str) -> Output:
    """A writer by the file's ending (``.jsonl``, ``.parquet``); ``-`` is standard output. Raises ConfigError."""
    if file == "-":
        return StandardOutput()
    suffix = Path(file).suffix.lower()
    if suffix in {".jsonl", ".ndjson", ".json"}:
        return JsonlOutput(file)
    if suffix in {".parquet", ".pq"}:
        return ParquetOutput(file)
    raise ConfigError(f"--out {file!r}: a name ending in .jsonl or .parquet (or - for standard output) is expected")


class Output:
    """A context manager: left in peace it keeps what was written, left by an exception it leaves no trace."""

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

    def __init__(self, file: str) -> None:
        self.target = Path(os.path.realpath(os.path.expanduser(file)))
        if self.target.exists() and not self.target.is_file():
            raise ConfigError(f"--out {file!r} is not a regular file; use - for standard output")
        self.temporary = self.target.with_name(f".{self.target.name}.{os.getpid()}.tmp")
        try:
            self.stream: IO[bytes] = self.temporary.open("w+b")
        except OSError as error:
            raise ConfigError(f"cannot write --out {file!r}: {error.strerror or error}") from None

    def commit(self) -> None:
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()
        os.replace(self.temporary, self.target)

    def abort(self) -> None:
        self.stream.close()
        self.temporary.unlink(missing_ok=True)


class JsonlOutput(FileOutput):
    """One JSON object a line."""

    def write(self, rows: list[dict[str, Any]]) -> None:
        self.stream.writelines(as_json(row).encode() for row in rows)


class ParquetOutput(FileOutput):
    """Batches are spooled as Arrow streams, then written under the schema that fits all of them."""

    def __init__(self, file: str) -> None:
        try:
            import pyarrow
        except ImportError:
            raise MissingExtraError("pyarrow", "parquet", "writing Parquet") from None
        super().__init__(file)
        self.arrow = pyarrow
        self.schemas: list[Any] = []
        self.spool = self.temporary.with_suffix(".spool").open("w+b")

    def write(self, rows: list[dict[str, Any]]) -> None:
        try:
            table = self.arrow.Table.from_pylist([{k: _plain(v) for k, v in row.items()} for row in _aligned(rows)])
        except UnicodeEncodeError:
            raise DataError(
                f"{self.target.name}: {_half_character(rows)} holds half a character (a lone surrogate), for which "
                "Parquet's UTF-8 has no bytes; write .jsonl, or mend the text"
            ) from None
        except self.arrow.ArrowException as error:
            raise self._does_not_fit(error) from None
        with self.arrow.ipc.new_stream(self.spool, table.schema) as stream:
            stream.write_table(table)
        self.schemas.append(table.schema)

    def commit(self) -> None:
        from pyarrow import parquet

        try:
            schema = self.arrow.unify_schemas(self.schemas, promote_options="permissive")
            self.spool.seek(0)
            with parquet.ParquetWriter(self.stream, schema) as writer:
                for _ in self.schemas:
                    table = self.arrow.ipc.open_stream(self.spool).read_all()
                    writer.write_table(
                        self.arrow.concat_tables([schema.empty_table(), table], promote_options="permissive")
                    )
        except self.arrow.ArrowException as error:
            self.abort()
            raise self._does_not_fit(error) from None
        self._drop_spool()
        super().commit()

    def abort(self) -> None:
        self._drop_spool()
        super().abort()

    def _drop_spool(self) -> None:
        self.spool.close()
        Path(self.spool.name).unlink(missing_ok=True)

    def _does_not_fit(self, error: Exception) -> DataError:
        return DataError(f"{self.target.name}: a column mixes types that Parquet cannot hold ({error}); write .jsonl")


def as_json(row: dict[str, Any]) -> str:
    """One line of JSON; what JSON has no word for is written as its text."""
    text = json.dumps(row, ensure_ascii=False, default=str)
    if not text.isascii() and _LONE_SURROGATE.search(text):
        text = json.dumps(row, default=str)
    return text + "\n"


def _half_character(rows: list[dict[str, Any]]) -> str:
    """The column that UTF-8 cannot hold, and its text."""
    for row in rows:
        for name, value in row.items():
            text = json.dumps({name: value}, ensure_ascii=False, default=str)
            if found := _LONE_SURROGATE.search(text):
                return f"column {name!r} (…{text[max(found.start() - 20, 0) : found.end() + 20]!a}…)"
    return "a column"


def _aligned(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every row with every key: Arrow takes the columns from the first."""
    keys = dict.fromkeys(key for row in rows for key in row)
    return [{key: row.get(key) for key in keys} for row in rows]


def _plain(value: Any) -> Any:
    """An empty object has no Parquet type: null stands in."""
    return None if value == {} else value
