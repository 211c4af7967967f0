"""Golden cases: rows of completions with what a reward must make of them, in a JSONL file that can be rewritten."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from veritune.plugins.errors import DataError
from veritune.plugins.types import Cause, Sample, Score

SEEN = ("value", "cause", "reason")
"""What a case may expect of a score; written by ``--reward-update``."""
LAWS = ("at_most", "above")
"""Bounds of the value that a case may set instead; never rewritten. To abstain is within ``at_most``."""
TOLERANCE = 1e-9


class Scorer(Protocol):
    """A reward, or a composed set of them."""

    name: str

    def score_batch(self, samples: Sequence[Sample]) -> list[Score]: ...


@dataclass
class Case:
    """One row: ``completion`` (or ``completions`` of one prompt, which are scored together), ``prompt``, columns, and
    what is expected: ``value``, ``cause``, ``reason``, or bounds of the value, ``at_most`` and ``above``.

    With ``completions``, each of these is a list. Only what is written is compared.
    """

    file: Path
    line: int
    row: dict[str, Any]

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def name(self) -> str:
        """What pytest calls it: its ``id``, or its line."""
        given = self.row.get("id")
        return str(given) if given is not None else f"line{self.line}"

    @property
    def expects(self) -> list[str]:
        return [key for key in (*SEEN, *LAWS) if key in self.row]

    @property
    def samples(self) -> list[Sample]:
        """What is scored; every key that is no expectation is a column too."""
        several = self.row.get("completions")
        texts = several if isinstance(several, list) else [self.row["completion"]]
        kept = {k: v for k, v in self.row.items() if k not in (*SEEN, *LAWS, "completion", "completions", "prompt")}
        columns = kept.pop("columns", None)
        kept |= columns if isinstance(columns, Mapping) else {}
        return [Sample(text, self.row.get("prompt"), kept.get("completion_ids"), kept) for text in texts]

    def differences(self, scores: Sequence[Score]) -> dict[str, str]:
        """Expectation → what was seen instead; empty where all hold. Raises DataError for what cannot be compared."""
        found: dict[str, str] = {}
        for key in self.expects:
            pairs = zip(self._each(key, len(scores)), scores, strict=True)
            wrong = [(wanted, seen_of(score, key)) for wanted, score in pairs if _misses(key, wanted, score)]
            if wrong:
                found[key] = "; ".join(f"expected {_bound(key)}{wanted!r}, got {seen!r}" for wanted, seen in wrong)
        return found

    def updated(self, scores: Sequence[Score]) -> dict[str, Any]:
        """The row with what was seen: in place of what it expected, or all of it where it expected nothing."""
        keys = [key for key in SEEN if key in self.row] if self.expects else list(SEEN)
        several = "completions" in self.row
        seen = {key: [seen_of(score, key) for score in scores] for key in keys}
        return {**self.row, **{key: values if several else values[0] for key, values in seen.items()}}

    def _each(self, key: str, count: int) -> list[Any]:
        value = self.row[key]
        if "completions" not in self.row:
            return [value]
        if not isinstance(value, list) or len(value) != count:
            raise DataError(f"{self.place}: {key}: a list with one entry for each of {count} completions is expected")
        return value


def seen_of(score: Score, key: str) -> Any:
    """What a score has for an expectation, as JSON holds it."""
    if key == "cause":
        return str(score.cause) if score.cause is not None else None
    return score.reason if key == "reason" else score.value


def _misses(key: str, wanted: Any, score: Score) -> bool:
    seen = seen_of(score, key)
    if key in LAWS:
        if not _is_number(wanted):
            raise DataError(f"{key}: a number is expected, got {wanted!r}")
        if score.value is None:
            return key == "above" or score.cause is not Cause.ABSTAIN
        bound = float(wanted) + TOLERANCE
        return score.value > bound if key == "at_most" else score.value <= bound
    if _is_number(seen) and _is_number(wanted):
        return not math.isclose(seen, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(seen != wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _bound(key: str) -> str:
    return {"at_most": "at most ", "above": "more than "}.get(key, "")


@dataclass
class CaseFile:
    """A file of cases. What is not rewritten keeps its bytes."""

    path: Path
    lines: list[str]
    cases: list[Case]
    rewritten: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Line → its new row."""

    def rewrite(self, case: Case, scores: Sequence[Score]) -> None:
        """Note what was seen; :meth:`save` writes it."""
        row = case.updated(scores)
        if row != case.row:
            self.rewritten[case.line] = row

    def save(self) -> int:
        """Write the noted rows, all or none; how many there were."""
        if not self.rewritten:
            return 0
        for line, row in self.rewritten.items():
            self.lines[line - 1] = json.dumps(row, ensure_ascii=False) + "\n"
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        temporary.write_text("".join(self.lines), encoding="utf-8")
        os.replace(temporary, self.path)
        return len(self.rewritten)


def read_cases(path: Path) -> CaseFile:
    """The cases of a JSONL file. Raises DataError where it is missing, empty, or a line is no case."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # not splitlines: JSON may hold U+2028 as it is
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the cases {str(path)!r} cannot be read: {error}") from None
    cases = [_case(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not cases:
        raise DataError(f"{path} holds no cases: one JSON object a line, with completion and what is expected")
    lines = [line + "\n" for line in (lines if lines[-1] else lines[:-1])]
    return CaseFile(path, lines, cases)


def _case(path: Path, number: int, line: str) -> Case:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DataError(f"{path}:{number}: not JSON: {error}") from None
    if not isinstance(row, dict) or not ("completion" in row or isinstance(row.get("completions"), list)):
        raise DataError(f"{path}:{number}: a case is a JSON object with completion (or a list, completions)")
    return Case(path, number, row)
