"""Programs that read stdin and write stdout: run on every test, output compared or given to a checker."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Generator, Mapping
from typing import Any

from veritune.sandbox.interface import Job, Limits, Linked, Outcome, Program
from veritune.verifiers.code.checker import check, converse
from veritune.verifiers.code.problem import InputOutput, StdioTests, TestResult
from veritune.verifiers.code.split import Judged

_MAX_TIMEOUTS = 3
SEAL_FILE = ".veritune-seal"


def stdio_task(
    code: str,
    language: str,
    tests: StdioTests,
    limits: Limits,
    stop_early: bool,
    *,
    units: Mapping[str, str] | None = None,
    options: tuple[str, ...] = (),
    sealed: bool = False,
) -> Generator[Job | Linked, Any, Judged]:
    """Judge one program. Yields runs and is sent their outcomes; see ``Sandbox.run_tasks``.

    A program that does not compile is not run again. The rest are failed without a run, ``stop_early`` or not, after
    three tests that met the limit on CPU time, or one on which the program did nothing until the clock's. ``units`` and
    ``options`` are the dataset's, for the compiler. A ``sealed`` program has to write what stands in SEAL_FILE behind
    its output: it is one that the dataset's own code ends.
    """
    judged = Judged(judge="stdio", total=len(tests))
    timeouts = 0
    program = Program(language, code, units=units or {}, options=options)
    for test in tests.tests:
        patient = _roomy(limits, test)
        for wall_s in (patient.wall_s, 3 * patient.wall_s):
            result, outcome = yield from _one(program, test, tests, dataclasses.replace(patient, wall_s=wall_s), sealed)
            if not starved(outcome):
                break
        judged.isolation = outcome.isolation
        judged.cpu_s += outcome.cpu_s
        if starved(outcome):
            judged.starved = True
            return judged
        if outcome.compiled is not None and outcome.compile_failed:
            judged.compile_error = outcome.compiled.messages.decode("utf-8", "replace")
            judged.results = [TestResult(False, outcome.describe(), outcome.compiled.limit_hit)]
            judged.limit = outcome.compiled.limit_hit
            judged.stopped = judged.total > 1
            return judged
        judged.results.append(result)
        judged.limit = judged.limit or result.limit
        timeouts += {"cpu": 1, "wall": _MAX_TIMEOUTS}.get(result.limit or "", 0)
        if len(judged.results) < judged.total and ((stop_early and not result.passed) or timeouts >= _MAX_TIMEOUTS):
            judged.stopped = True
            return judged
    return judged


def _one(
    program: Program, test: InputOutput, tests: StdioTests, limits: Limits, sealed: bool
) -> Generator[Job | Linked, Any, tuple[TestResult, Outcome]]:
    """One run on one test. Nothing is said of the result where the program starved or did not compile."""
    if tests.interactor is not None:
        return (yield from converse(program, tests.interactor, test, limits))
    seal = f"\n{secrets.token_hex(16)}\n".encode()
    files = {SEAL_FILE: seal} if sealed else {}
    outcome: Outcome = yield Job(program, test.stdin.encode("utf-8", "surrogateescape"), files, limits)
    if starved(outcome) or outcome.compile_failed:
        return TestResult(False, outcome.describe()), outcome
    if sealed and outcome.ok:
        if not outcome.stdout.endswith(seal):
            return TestResult(False, "the program ended before the grader did"), outcome
        outcome = dataclasses.replace(outcome, stdout=outcome.stdout.removesuffix(seal))
    return (yield from _judge(outcome, test, tests)), outcome


def starved(outcome: Outcome) -> bool:
    """The wall limit passed while the program waited for a CPU: nothing is known about it."""
    return (outcome.limit_hit == "wall" and outcome.starved) or bool(outcome.compiled and outcome.compiled.starved)


def _roomy(limits: Limits, test: InputOutput) -> Limits:
    """Room for the expected output and for as much again."""
    wanted = 2 * len(test.expected.encode("utf-8", "replace")) // 1024 + 1
    if wanted <= limits.output_kb:
        return limits
    return dataclasses.replace(limits, output_kb=wanted, file_mb=max(limits.file_mb, wanted // 512 + 1))


def _judge(outcome: Outcome, test: InputOutput, tests: StdioTests) -> Generator[Job, Any, TestResult]:
    if not outcome.ok:
        reason = outcome.describe()
        if outcome.limit_hit is None:
            last = outcome.stderr_text.strip().splitlines()[-1:]
            reason += f": {last[0][:160]}" if last else ""
        return TestResult(False, reason, outcome.limit_hit)
    output = outcome.stdout.decode("utf-8", "surrogateescape")
    if tests.checker is not None:
        return (yield from check(tests.checker, output, test))
    problem = tests.comparison.difference(output, test.expected)
    return TestResult(problem is None, problem or "", score=float(problem is None))
