"""From what is named on a command line (files, patterns, folders, runs) to files."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from veritune.plugins.errors import DataError

ENDINGS = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".pq", ".jsonl.gz", ".csv.gz", ".tsv.gz")


def expand(names: Sequence[str]) -> list[str]:
    """Every file once, in order: a name as it is, a pattern (``runs/*/completions/*.parquet``), of a folder its data
    files, of a run its completions. Raises DataError where there is none."""
    return list(dict.fromkeys(file for name in names for file in _files(name)))


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run of ours or of TRL's, with completions."""
    return (folder / "completions").is_dir()


def _files(name: str) -> list[str]:
    path = Path(name).expanduser()
    if name == "-" or path.is_file():
        return [name]
    if path.is_dir():
        inside = path / "completions" if is_run(path) else path
        found = [file for file in sorted(inside.iterdir()) if file.is_file() and _is_data(file)]
        if not found:
            raise DataError(f"folder {name!r} holds no file ending in {', '.join(ENDINGS)}")
        return [str(file) for file in found]
    if glob.has_magic(name):
        found = [Path(each) for each in sorted(glob.glob(str(path), recursive=True)) if Path(each).is_file()]
        if not found:
            raise DataError(f"no file fits {name!r}")
        return [str(file) for file in found]
    return [name]  # opening it says what is wrong


def _is_data(file: Path) -> bool:
    return not file.name.startswith(".") and file.name.lower().endswith(ENDINGS)
