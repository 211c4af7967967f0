"""Which rows a run reads: a checksum of every data file that its configuration names, to say when one has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from veritune.trainer.config import CommonConfig

FILES = "data.json"
"""In a run's folder: the checksums with which it began."""
SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet")


def data_files(config: CommonConfig) -> dict[str, str]:
    """Data file → checksum of its bytes, of all that the configuration names and that are files here."""
    found: dict[str, str] = {}
    for name in _names(config.model_dump(mode="json", exclude={"model", "output", "note", "log"})):
        path = Path(name).expanduser()
        if path.suffix.lower() in SUFFIXES and path.is_file() and name not in found:
            with path.open("rb") as file:
                digest = hashlib.blake2b(digest_size=12)
                while chunk := file.read(2**22):
                    digest.update(chunk)
            found[name] = digest.hexdigest()
    return found


def changed_files(before: Any, now: Mapping[str, str]) -> list[str]:
    """What to say of every file that has other bytes than ``before`` (None: nothing is known), or is gone."""
    known = before if isinstance(before, Mapping) else {}
    changed = [f"{name} has changed" for name in now if name in known and known[name] != now[name]]
    return [*changed, *(f"{name} is gone" for name in known if name not in now and not Path(name).exists())]


def read_files(folder: Path) -> Any:
    """What :func:`write_files` wrote; None where it is not there, or damaged."""
    try:
        return json.loads((folder / FILES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Nothing where no file is read, as of a generated task."""
    if files:
        (folder / FILES).write_text(json.dumps(files, indent=1) + "\n", encoding="utf-8")


def _names(values: Any) -> Iterator[str]:
    """Every text in a configuration, keys of mappings too: files with weights are such."""
    if isinstance(values, str):
        yield values
    elif isinstance(values, Mapping):
        for key, value in values.items():
            yield str(key)
            yield from _names(value)
    elif isinstance(values, list):
        for value in values:
            yield from _names(value)
