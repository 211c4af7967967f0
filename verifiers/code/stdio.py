"""Programs that read stdin and write stdout: run on every test, output compared or given to a checker."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Generator
from typing import Any

from veritune.sandbox.interface import Job, Limits, Outcome, Program
from veritune.verifiers.code.problem import InputOutput, InvalidProblem, StdioTests, TestResult
from veritune.verifiers.code.split import Judged

_CHECKER_LIMITS = Limits(cpu_s=10, wall_s=30)
_MAX_TIMEOUTS = 3
_SCORE = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)", re.ASCII)


def stdio_task(
    code: str, language: str, tests: StdioTests, limits: Limits, stop_early: bool
) -> Generator[Job, Any, Judged]:
    """Judge one program. Yields runs and is sent their outcomes; see ``Sandbox.run_tasks``.

    A program that does not compile is not run again; after three tests that met a time limit the rest are failed
    without a run, ``stop_early`` or not.
    """
    judged = Judged(judge="stdio", total=len(tests))
    timeouts = 0
    for test in tests.tests:
        job = Job(Program(language, code), test.stdin.encode("utf-8", "surrogateescape"), limits=_roomy(limits, test))
        outcome: Outcome = yield job
        if starved(outcome):  # once more, with three times as long
            patient = dataclasses.replace(job.limits, wall_s=3 * job.limits.wall_s)
            outcome = yield dataclasses.replace(job, limits=patient)
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
        result = yield from _judge(outcome, test, tests)
        judged.results.append(result)
        judged.limit = judged.limit or result.limit
        timeouts += result.limit in ("cpu", "wall")
        if len(judged.results) < judged.total and ((stop_early and not result.passed) or timeouts >= _MAX_TIMEOUTS):
            judged.stopped = True
            return judged
    return judged


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
        return (yield from _check(tests.checker, output, test))
    problem = tests.comparison.difference(output, test.expected)
    return TestResult(problem is None, problem or "", score=float(problem is None))


def _check(checker: str, output: str, test: InputOutput) -> Generator[Job, Any, TestResult]:
    """Ask the checker; where it breaks, ask it about the expected output too, to know whose fault that is."""
    score, said = yield from _ask(checker, output, test)
    if score is None:
        gold, _ = yield from _ask(checker, test.expected, test)
        if gold is None or gold <= 0:
            raise InvalidProblem(f"the checker fails on the expected output: {said}")
        return TestResult(False, f"the checker fails on this output: {said}")
    return TestResult(score >= 1, "" if score >= 1 else f"the checker gives {score:g}{': ' + said if said else ''}",
                      score=score)  # fmt: skip


def _ask(checker: str, output: str, test: InputOutput) -> Generator[Job, Any, tuple[float | None, str]]:
    names = ("input.txt", "answer.txt", "output.txt")
    contents = (test.stdin, test.expected, output)
    files = {name: text.encode("utf-8", "surrogateescape") for name, text in zip(names, contents, strict=True)}
    size = sum(map(len, files.values())) >> 20
    limits = dataclasses.replace(
        _CHECKER_LIMITS, scratch_mb=max(32, 2 * size + 8), file_mb=max(16, max(map(len, files.values())) >> 19)
    )
    outcome: Outcome = yield Job(Program("python", checker, names), b"", files, limits)
    words = outcome.stdout_text.split()
    said = (outcome.stderr_text.strip().splitlines() or [""])[-1][:160]
    if outcome.limit_hit is not None or outcome.exit_code is None:
        return None, outcome.describe()
    if words and _SCORE.fullmatch(words[0]) and outcome.exit_code == 0:
        return min(1.0, max(0.0, float(words[0]))), " ".join(words[1:])[:160]
    if words and words[0].lower() in ("true", "false", "ok", "yes", "no"):
        return float(words[0].lower() in ("true", "ok", "yes")), ""
    if "Traceback" in outcome.stderr_text or outcome.exit_code not in (0, 1, 2):
        return None, said or outcome.describe()
    return float(outcome.exit_code == 0), said
