"""Scored rows as CSV or TSV: what is nested is spread (``scores.accuracy``) or written as JSON."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping
from typing import Any

from veritune.cli.output import JsonlOutput, half_character, no_bytes_for


class CsvOutput(JsonlOutput):
    """Rows are spooled as JSON lines; the header is known when the last one is."""

    names: dict[str, None]

    def __init__(self, file: str, tag: str = "") -> None:
        super().__init__(file, tag)
        self.names = {}

    def write(self, rows: list[dict[str, Any]]) -> None:
        flat = [_flat(row) for row in rows]
        if column := half_character(flat):
            raise no_bytes_for(self.target.name, column, "CSV in")
        for row in flat:
            self.names.update(dict.fromkeys(row))
        super().write(flat)

    def position(self) -> dict[str, Any]:
        return {**super().position(), "names": list(self.names)}

    def restore(self, position: dict[str, Any]) -> bool:
        self.names = dict.fromkeys(position["names"])
        return super().restore(position)

    def commit(self) -> None:
        whole = self.temporary.with_name(f"{self.temporary.name}.whole")
        delimiter = "\t" if self.target.suffix.lower() == ".tsv" else ","
        self.stream.seek(0)
        try:
            with whole.open("w", encoding="utf-8", newline="") as stream:
                writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
                writer.writerow(self.names)
                for line in io.TextIOWrapper(self.stream, encoding="utf-8", newline="\n"):
                    row = json.loads(line)
                    writer.writerow([_cell(row.get(name)) for name in self.names])
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(whole, self.target)
        finally:
            whole.unlink(missing_ok=True)
        self.stream.close()
        self.temporary.unlink(missing_ok=True)


def _flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False)
    return repr(value) if isinstance(value, float) else value
