"""Golds tried before training: each against itself, and against fragments of itself that must not pass for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from veritune.plugins.types import Cause, Verdict
from veritune.verifiers.math.gold import read_golds
from veritune.verifiers.math.verifier import MathVerifier

State = Literal["fine", "flagged", "loose", "undecided", "lost", "unusable"]

STATES: dict[State, str] = {
    "fine": "right against itself, one reading",
    "flagged": "right against itself; another reading of it disagrees",
    "loose": "right against itself; a part of it alone is accepted as well",
    "undecided": "cannot be checked against itself: its samples would have no reward",
    "lost": "wrong against itself: right answers would earn nothing",
    "unusable": "no gold at all: its samples would have no reward",
}
"""From best to worst, with what each means for a run."""

_NUMBER = re.compile(r"(?<![\d^])(?<!\^\{)\d[\d,]*(?:\.\d+)?")
_MAX_FRAGMENTS = 4


@dataclass(frozen=True, slots=True)
class GoldReport:
    """One row's gold: how it fares, and why."""

    gold: Any
    state: State
    read_as: tuple[str, ...]
    """The acceptable answers that were found in it."""
    notes: tuple[str, ...] = ()


def audit_golds(golds: Sequence[Any], verifier: MathVerifier) -> list[GoldReport]:
    """One report a gold, in order. A list of acceptable golds is as good as its worst member."""
    readings = [read_golds(gold, verifier.options) for gold in golds]
    answers = list(dict.fromkeys(answer for reading in readings for answer in reading.answers))
    checker = MathVerifier(
        verifier.options, deadline=verifier.deadline, workers=verifier.workers, cache=0, gold_format="answer"
    )
    reports = dict(zip(answers, _check(answers, checker), strict=True))
    out = []
    for gold, reading in zip(golds, readings, strict=True):
        if not reading.answers:
            out.append(GoldReport(gold, "unusable", (), (reading.problem,)))
            continue
        found = [reports[answer] for answer in reading.answers]
        worst = max(found, key=lambda report: list(STATES).index(report[0]))[0]
        notes = tuple(dict.fromkeys(note for _, notes in found for note in notes))
        out.append(GoldReport(gold, worst, reading.answers, notes))
    return out


def _check(answers: list[str], checker: MathVerifier) -> list[tuple[State, tuple[str, ...]]]:
    selves = checker.verify_batch([(_completion(answer), answer) for answer in answers])
    parts = [(answer, part) for answer in answers for part in _fragments(answer)]
    verdicts = checker.verify_batch([(_completion(part), answer) for answer, part in parts])
    accepted: dict[str, list[str]] = {}
    for (answer, part), verdict in zip(parts, verdicts, strict=True):
        if verdict.correct:
            accepted.setdefault(answer, []).append(part)
    flags = _flags(answers, checker)
    return [
        _state(verdict, accepted.get(answer, []), flags[answer])
        for answer, verdict in zip(answers, selves, strict=True)
    ]


def _completion(answer: str) -> str:
    return f"The answer is \\boxed{{{answer}}}"


def _fragments(answer: str) -> list[str]:
    """Numbers inside an answer of several: what a searching parser would take for the whole.

    One number with a unit or a name (``x = 5 cm``) is no such answer.
    """
    numbers = list(dict.fromkeys(number.rstrip(",") for number in _NUMBER.findall(answer)))
    return numbers[:_MAX_FRAGMENTS] if len(numbers) > 1 else []


def _flags(answers: list[str], checker: MathVerifier) -> dict[str, tuple[str, ...]]:
    """The verifier's own doubts about a gold, which it notes where the answer is not the very same text."""
    verdicts = checker.verify_batch([(_completion("0"), answer) for answer in answers])
    return {
        answer: tuple(verdict.evidence.get("gold_flags", ())) for answer, verdict in zip(answers, verdicts, strict=True)
    }


def _state(verdict: Verdict, parts: list[str], flags: tuple[str, ...]) -> tuple[State, tuple[str, ...]]:
    if verdict.cause is Cause.INVALID_GOLD:
        return "unusable", (verdict.reason,)
    if verdict.correct is None:
        return "undecided", (f"{verdict.cause}: {verdict.reason}",)
    if not verdict.correct:
        return "lost", (f"{verdict.reason} (found {verdict.extracted!r})",)
    if flags:
        return "flagged", flags
    if parts:
        return "loose", (f"accepts {', '.join(map(repr, parts))} as well",)
    return "fine", ()
