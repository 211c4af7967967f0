"""Second opinions of a person: the questions of a run in a file, and the answers that come back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from veritune.plugins import DataError, MissingExtraError
from veritune.rewards.appeal.estimate import Tally, from_metrics

ANSWERS = "appeals.jsonl"
"""In the run's folder: the answers."""


def questions(run_dir: Path) -> list[dict[str, Any]]:
    """What a person is asked: accepted and rejected completions, not saying which; ``right`` is to be filled in."""
    known = read_answers(run_dir)
    found = {}
    for alias, record in _asked(run_dir):
        key = question_id(alias, record)
        if key not in known:
            shown = {name: record.get(name) for name in ("prompt", "completion", "gold")}
            found[key] = {"id": key, "reward": alias, **shown, "right": None}
    return list(found.values())


def question_id(alias: str, record: Mapping[str, Any]) -> str:
    """The same question has the same name: a text that came twice is asked about once."""
    text = json.dumps([alias, record.get("prompt"), record.get("completion"), record.get("gold")])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_answers(run_dir: Path) -> dict[str, bool]:
    """Answers by question. Raises DataError for a line that is none."""
    path = run_dir / ANSWERS
    if not path.is_file():
        return {}
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            key, right = read_answer(line, f"{path}:{number}")
            if right is not None:
                found[key] = right
    return found


def read_answer(line: str, place: str) -> tuple[str, bool | None]:
    """One line of a filled-in file. Raises DataError where it is none."""
    try:
        row = json.loads(line)
        key, right = str(row["id"]), row["right"]
    except (ValueError, TypeError, KeyError):
        raise DataError(f"{place}: an object with id and right is expected, found {line:.80}") from None
    if right is not None and not isinstance(right, bool):
        raise DataError(f"{place}: right must be true, false or null, found {right!r}")
    return key, right


def take_answers(run_dir: Path, file: Path) -> int:
    """Add a filled-in file to the run's answers; how many there were. Raises DataError where it is none."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"file {str(file)!r} cannot be read: {error.strerror or error}") from None
    found = [read_answer(line, f"{file}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    given = {key: right for key, right in found if right is not None}
    with (run_dir / ANSWERS).open("a", encoding="utf-8") as stream:
        stream.writelines(json.dumps({"id": key, "right": right}) + "\n" for key, right in given.items())
    return len(given)


def run_tallies(run_dir: Path, lines: Sequence[Mapping[str, Any]]) -> dict[str, list[Tally]]:
    """By component: of the lines of a run's log that are of training steps (of evaluations, where no other has any);
    where a person was asked and has answered, of the completions with these answers."""
    found = from_metrics(line for line in lines if line["phase"] not in ("evaluation", "warning"))
    return {**(found or from_metrics(lines)), **answered(run_dir)}


def answered(run_dir: Path) -> dict[str, list[Tally]]:
    """By component of which a person was asked: one tally a file of completions, answers counted."""
    known = read_answers(run_dir)
    found: dict[str, list[Tally]] = {}
    if not known:
        return found
    files = list(_files(run_dir))
    matched = {alias for alias, record in _asked(run_dir) if question_id(alias, record) in known}
    for _, records in files:
        for alias in matched.intersection(_aliases(records)):
            tally = Tally()
            for record in records:
                value, chance = record.get(f"reward/{alias}"), record.get(f"appeal_p/{alias}")
                if value is None:
                    continue
                tally.decided(value > 0)
                if chance is not None:
                    answer = known.get(question_id(alias, record))
                    said = record.get(f"appeal/{alias}")
                    tally.opinion(value > 0, answer if said is None else bool(said), chance)
            found.setdefault(alias, []).append(tally)
    return found


def _aliases(records: list[dict[str, Any]]) -> list[str]:
    prefix = "appeal_p/"
    return [name.removeprefix(prefix) for name in (records[0] if records else {}) if name.startswith(prefix)]


def _asked(run_dir: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for _, records in _files(run_dir):
        for alias in _aliases(records):
            for record in records:
                if record.get(f"appeal_p/{alias}") is not None and record.get(f"appeal/{alias}") is None:
                    yield alias, record


def _files(run_dir: Path) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """The completions of training steps; of evaluations, where there are none."""
    files = sorted((run_dir / "completions").glob("*.parquet"))
    files = [f for f in files if not f.name.startswith("evaluation")] or files
    if not files:
        return
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingExtraError("pyarrow", "parquet", "reading completions") from None
    for file in files:
        yield file, parquet.read_table(file).to_pylist()
