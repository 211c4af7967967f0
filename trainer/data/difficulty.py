"""Rows by their pass rate, measured before a run: read, checked, filtered."""

from __future__ import annotations

import math
from typing import Any

from veritune.plugins import ColumnError, ConfigError, DataError
from veritune.plugins.errors import did_you_mean
from veritune.trainer.config.curriculum import CurriculumConfig
from veritune.trainer.data.sources import FileSource, Source


def pass_rates(source: Source, config: CurriculumConfig) -> list[float | None]:
    """Each row's pass rate, None where it has none. Raises ColumnError, DataError."""
    if not isinstance(source, FileSource):
        raise ConfigError("curriculum: a generated task never shows a prompt twice; it is for rows of files")
    if config.column is None:
        return [None] * len(source.rows)
    names = source.columns()
    if config.column not in names:
        raise ColumnError(
            f"curriculum.column: the data has no column {config.column!r}.{did_you_mean(config.column, names)} "
            f"Columns: {', '.join(names)}"
        )
    return [_rate(row.columns[config.column], config.column, number) for number, row in enumerate(source.rows, 1)]


def within(source: Source, config: CurriculumConfig) -> tuple[FileSource, int]:
    """The rows whose pass rate is within ``min`` and ``max`` (or unknown), and the number of those that are not."""
    rates = pass_rates(source, config)
    assert isinstance(source, FileSource)
    kept = {
        id(row)
        for row, rate in zip(source.rows, rates, strict=True)
        if rate is None or config.min <= rate <= config.max
    }
    if len(kept) == len(source.rows):
        return source, 0
    if not kept:
        raise ConfigError(f"curriculum: no row has a pass rate from {config.min:g} to {config.max:g}")
    return source.only(lambda row: id(row) in kept), len(source.rows) - len(kept)


def _rate(value: Any, column: str, number: int) -> float | None:
    if value is None or value == "":
        return None
    try:
        rate = float(value)
    except (TypeError, ValueError):
        rate = math.nan
    if not 0 <= rate <= 1:
        raise DataError(f"data.train, row {number}: the pass rate {column!r} is {value!r}, not a number from 0 to 1")
    return rate
