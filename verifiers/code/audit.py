"""Tests tried before training: the reference solution must pass them, and programs that solve nothing must not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from veritune.plugins.types import Cause, Verdict
from veritune.verifiers.code.judge import judge_batch, shared_sandbox
from veritune.verifiers.code.problem import InvalidProblem, Problem
from veritune.verifiers.code.trivial import trivial_programs
from veritune.verifiers.code.verifier import CodeVerifier

State = Literal["fine", "unproven", "undecided", "weak", "wrong", "hollow", "unusable"]

STATES: dict[State, str] = {
    "fine": "the reference solution passes, programs that solve nothing do not",
    "unproven": "programs that solve nothing fail; there is no reference solution to try",
    "undecided": "cannot be judged here: its samples would have no reward",
    "weak": "a program that solves nothing passes",
    "wrong": "the reference solution fails: right programs would earn nothing",
    "hollow": "the tests assert nothing about the program: its samples would have no reward",
    "unusable": "no tests, or no answers, that can be read: its samples would have no reward",
}
"""From best to worst, with what each means for a run."""

REFERENCES = (
    "canonical_solution", "reference_solution", "reference_code", "reference", "gold_solution", "correct_code",
    "solution", "solutions", "code",
)  # fmt: skip
"""Columns in which a row's own solution is looked for, in this order."""


@dataclass(frozen=True, slots=True)
class TestsReport:
    """One row's tests: how they fare, and why."""

    state: State
    notes: tuple[str, ...] = ()
    tests: int | None = None
    """How many tests count; None where none was run."""
    passed_by: tuple[str, ...] = ()
    """What the programs do that solve nothing and pass."""


def audit_tests(
    rows: Sequence[Mapping[str, Any]], verifier: CodeVerifier, *, reference: str | None = None, trivial: bool = True
) -> list[TestsReport]:
    """One report a row, in order.

    ``reference``: the column with a solution; one of ``REFERENCES`` by default. Without ``trivial`` only that is run.
    """
    problems = [verifier.problem(row) for row in rows]
    asked: list[tuple[int, str, str, Problem]] = []
    for index, (row, problem) in enumerate(zip(rows, problems, strict=True)):
        if isinstance(problem, InvalidProblem):
            continue
        solution = solution_of(row, reference)
        program = verifier.program(solution, problem) if solution is not None else None
        if program is not None:
            asked.append((index, "", program, problem))
        if trivial or program is None:
            asked += [(index, what, source, problem) for what, source in _programs(problem).items()]
    verdicts = _judged([(source, problem) for _, _, source, problem in asked], verifier)
    found: list[dict[str, Verdict]] = [{} for _ in rows]
    for (index, what, _, _), verdict in zip(asked, verdicts, strict=True):
        found[index][what] = verdict
    return [_report(problem, one) for problem, one in zip(problems, found, strict=True)]


def _programs(problem: Problem) -> dict[str, str]:
    try:
        return trivial_programs(problem)
    except InvalidProblem:
        return {"is empty": "pass\n"}  # the judge says what is wrong


def _judged(programs: list[tuple[str, Problem]], verifier: CodeVerifier) -> list[Verdict]:
    sandbox = shared_sandbox(verifier.sandbox)
    return judge_batch(programs, sandbox, verifier.limits, stop_early=True, isolation=verifier.isolation)


def solution_of(row: Mapping[str, Any], column: str | None = None) -> str | None:
    """A row's own solution: of the named column, or of the first of ``REFERENCES`` that holds one."""
    for name in [column] if column is not None else REFERENCES:
        value = row.get(name)
        if isinstance(value, list | tuple) and value:
            value = value[0]
        if isinstance(value, str) and value.strip():
            return value
    return None


def _report(problem: Problem | InvalidProblem, verdicts: Mapping[str, Verdict]) -> TestsReport:
    if isinstance(problem, InvalidProblem):
        return TestsReport("unusable", (str(problem),))
    invalid = next((v for v in verdicts.values() if v.cause is Cause.INVALID_GOLD), None)
    right = verdicts.get("")
    if right is not None and right.cause is Cause.INVALID_GOLD:
        invalid = right
    elif right is not None:
        invalid = None
    if invalid is not None:
        return TestsReport("hollow", (invalid.reason,))
    passed = tuple(what for what, verdict in verdicts.items() if what and verdict.correct is True)
    notes = tuple(f"passed by a program that {what}" for what in passed)
    tests = max((v.evidence.get("total") or 0 for v in verdicts.values()), default=None)
    if right is not None and right.correct is False:
        return TestsReport("wrong", (f"the reference solution fails: {right.reason}", *notes), tests, passed)
    if passed:
        return TestsReport("weak", notes, tests, passed)
    unsure = right if right is not None else next(iter(verdicts.values()), None)
    if unsure is None or unsure.correct is None:
        return TestsReport("undecided", (unsure.reason if unsure is not None else "nothing could be run",), tests)
    if right is None:
        return TestsReport("unproven", ("no reference solution",), tests)
    return TestsReport("fine", (), tests)
