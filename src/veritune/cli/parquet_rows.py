"""Rows of a Parquet file, from any of them on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from veritune.cli.rows import BEGIN, Progress, Row, Source, Spot
from veritune.plugins.errors import DataError, MissingExtraError

BATCH = 256


class Parquet(Source):
    """Read in batches; row groups before the begin are not read at all."""

    def read(self, done: Progress, begin: Spot = BEGIN, tolerant: bool = False) -> Iterator[Row]:
        import pyarrow.parquet as pq

        assert self.path is not None
        done(begin.number)
        with pq.ParquetFile(self.path) as file:
            group, number = 0, 0
            while group < file.num_row_groups and number + file.metadata.row_group(group).num_rows <= begin.number:
                number += file.metadata.row_group(group).num_rows
                group += 1
            if group == file.num_row_groups:
                return
            for batch in file.iter_batches(batch_size=BATCH, row_groups=range(group, file.num_row_groups)):
                if number + batch.num_rows <= begin.number:
                    number += batch.num_rows
                    continue
                for data in batch.to_pylist():
                    number += 1
                    if number > begin.number:
                        done(1)
                        yield Row(f"{self.name}: row {number}", data, Spot(number))


def open_parquet(path: Path, name: str) -> Source:
    """A Parquet file. Raises DataError where it cannot be read or has no rows, MissingExtraError without pyarrow."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError("pyarrow", "parquet", "Parquet") from None
    try:
        total = pq.read_metadata(path).num_rows
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{name} is not a readable Parquet file: {error}") from None
    if total == 0:
        raise DataError(f"{name} is empty: it has no rows")
    return Parquet(name, total, path)
