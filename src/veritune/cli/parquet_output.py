"""Scored rows as Parquet, under the schema that fits all of them, however late a column appears."""

from __future__ import annotations

import base64
import os
from typing import Any

from veritune.cli.output import FileOutput, half_character, no_bytes_for
from veritune.plugins.errors import DataError, MissingExtraError

GROUP_ROWS, GROUP_BYTES = 65_536, 32 << 20
"""A row group ends at whichever comes first."""


class ParquetOutput(FileOutput):
    """Batches are spooled as Arrow streams, then written under one schema."""

    def __init__(self, file: str, tag: str = "") -> None:
        try:
            import pyarrow
        except ImportError:
            raise MissingExtraError("pyarrow", "parquet", "writing Parquet") from None
        super().__init__(file, tag)
        self.arrow = pyarrow
        self.schema: Any = pyarrow.schema([])
        self.batches = 0

    def write(self, rows: list[dict[str, Any]]) -> None:
        try:
            table = self.arrow.Table.from_pylist([{k: _plain(v) for k, v in row.items()} for row in _aligned(rows)])
            self.schema = self.arrow.unify_schemas([self.schema, table.schema], promote_options="permissive")
        except UnicodeEncodeError:
            raise no_bytes_for(self.target.name, half_character(rows), "Parquet's") from None
        except self.arrow.ArrowException as error:
            raise self._does_not_fit(error) from None
        with self.arrow.ipc.new_stream(self.stream, table.schema) as stream:
            stream.write_table(table)
        self.batches += 1

    def position(self) -> dict[str, Any]:
        schema = base64.b64encode(self.schema.serialize().to_pybytes()).decode()
        return {**super().position(), "batches": self.batches, "schema": schema}

    def restore(self, position: dict[str, Any]) -> bool:
        if not super().restore(position):
            return False
        self.batches = position["batches"]
        self.schema = self.arrow.ipc.read_schema(self.arrow.py_buffer(base64.b64decode(position["schema"])))
        return True

    def commit(self) -> None:
        whole = self.temporary.with_name(f"{self.temporary.name}.whole")
        try:
            with whole.open("w+b") as stream:
                self._write_parquet(stream)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(whole, self.target)
        except self.arrow.ArrowException as error:
            self.abort()
            raise self._does_not_fit(error) from None
        finally:
            whole.unlink(missing_ok=True)
        self.stream.close()
        self.temporary.unlink(missing_ok=True)

    def _write_parquet(self, stream: Any) -> None:
        from pyarrow import parquet

        self.stream.seek(0)
        waiting: list[Any] = []
        with parquet.ParquetWriter(stream, self.schema) as writer:
            for number in range(1, self.batches + 1):
                table = self.arrow.ipc.open_stream(self.stream).read_all()
                parts = [self.schema.empty_table(), table]
                waiting.append(self.arrow.concat_tables(parts, promote_options="permissive"))
                rows, size = sum(t.num_rows for t in waiting), sum(t.nbytes for t in waiting)
                if number == self.batches or rows >= GROUP_ROWS or size >= GROUP_BYTES:
                    writer.write_table(self.arrow.concat_tables(waiting), row_group_size=max(rows, 1))
                    waiting = []

    def _does_not_fit(self, error: Exception) -> DataError:
        return DataError(f"{self.target.name}: a column mixes types that Parquet cannot hold ({error}); write .jsonl")


def _aligned(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every row with every key: Arrow takes the columns from the first."""
    keys = dict.fromkeys(key for row in rows for key in row)
    return [{key: row.get(key) for key in keys} for row in rows]


def _plain(value: Any) -> Any:
    """An empty object has no Parquet type: null stands in."""
    return None if value == {} else value
