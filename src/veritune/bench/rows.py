"""Labelled rows: the user's, and the sets that come with the package."""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from veritune.plugins.errors import ConfigError, ParameterError, did_you_mean

COLUMNS: dict[str, tuple[str, ...]] = {
    "gold": ("gold", "answer", "solution", "ground_truth", "reference_answer"),
    "completion": ("completion", "prediction", "response", "pred", "text", "output"),
    "label": ("label", "is_correct", "expected", "correct"),
    "prompt": ("prompt", "question", "problem", "instruction"),
    "by": ("kind", "category", "tag", "group", "source", "model"),
}
"""The usual names of a file's columns, by what they hold. The first three must be there."""
NEEDED = ("gold", "completion", "label")


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled pair."""

    gold: str
    completion: str
    label: bool
    kind: str = "all"
    name: str = ""
    prompt: str = ""
    why: str = ""


def labelled(raw: Sequence[Mapping[str, Any]], columns: Mapping[str, str], name: str) -> list[Row]:
    """The rows that have a true or false label (a bool, or 0 and 1); the others are left out.

    `columns` names those for ``gold``, ``completion``, ``label``, ``prompt`` and ``by`` (the kind); otherwise the first
    present of the usual names is taken. Raises ConfigError where one is missing.
    """
    if not raw:
        raise ConfigError(f"{name} holds no rows")
    where = {what: _column(raw[0], what, columns.get(what), name) for what in COLUMNS}
    gold, completion, label = (str(where[what]) for what in NEEDED)
    found = []
    for index, row in enumerate(raw):
        if row.get(label) not in (True, False) or row.get(completion) is None:
            continue
        prompt = row.get(where["prompt"]) if where["prompt"] else ""
        kind = _kind(row.get(where["by"]) if where["by"] else None)
        name_of = str(row.get("id", index + 1))
        text = _text(row[completion])
        found.append(Row(_text(row.get(gold)), text, bool(row[label]), kind, name_of, _text(prompt)))
    if not found:
        raise ConfigError(f"{name}: no row is labelled true or false in the column {label!r}")
    return found


def _column(row: Mapping[str, Any], what: str, given: str | None, file: str) -> str | None:
    if given is not None and given not in row:
        raise ConfigError(f"--{what} {given}: not in {file}.{did_you_mean(given, row)} Columns: {', '.join(row)}.")
    for name in [given] if given else COLUMNS[what]:
        if name in row:
            return name
    if what not in NEEDED:
        return None
    raise ConfigError(
        f"{file} has no column for the {what}: it has {', '.join(map(str, row))}; name one with --{what} COLUMN"
    )


def _text(value: Any) -> str:
    """A chat's last message, the parts of a list joined, anything else as it prints."""
    if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        return str(value[-1].get("content", ""))
    if isinstance(value, list):
        return "".join(map(str, value))
    return "" if value is None else str(value)


def _kind(value: Any) -> str:
    if isinstance(value, list):
        value = value[-1] if value else None
    return str(value) if value else "other"


def spread(rows: Sequence[Row], limit: int) -> list[Row]:
    """At most `limit` rows, evenly spread; 0: all."""
    return list(rows if not limit else rows[:: -(-len(rows) // limit) or 1])


@functools.cache
def packaged() -> dict[str, list[Row]]:
    """The adversarial rows that come with the package, by kind. Every kind has right and wrong answers."""
    found: dict[str, list[Row]] = {}
    for file in sorted(resources.files("veritune.bench").joinpath("data").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".jsonl"):
            rows = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
            for number, row in enumerate(rows, start=1):
                place = f"{file.name}:{number}"
                kept = {name: row[name] for name in ("gold", "completion", "label", "kind", "prompt", "why")}
                found.setdefault(row["kind"], []).append(Row(name=place, **kept))
    return found


def packaged_rows(kinds: Iterable[str] | None = None) -> list[Row]:
    """The packaged rows of some kinds; None: all. Raises ParameterError for a kind that there is not."""
    there: Collection[str] = packaged()
    for kind in kinds or ():
        if kind not in there:
            raise ParameterError(f"no kind {kind!r}.{did_you_mean(kind, there)} Kinds: {', '.join(there)}.")
    return [row for kind in (there if kinds is None else kinds) for row in packaged()[kind]]
