"""Function calls judged where no two programs can be joined: answers in one run, comparison in another.

Services such as SandboxFusion and Piston run one program a request. The program gets all arguments, never an expected
value; its answers travel as plain data to a second run, of ours alone, which holds what is expected.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Generator
from typing import Any

from veritune.sandbox.interface import Job, Limits, Outcome, Program
from veritune.verifiers.code.inside.codec import Handles, Refused, encode
from veritune.verifiers.code.problem import CallTests, InvalidProblem, TestResult
from veritune.verifiers.code.split import Judged, support_modules

_MAX_TIMEOUTS = 3
_COMPARE_LIMITS = Limits(cpu_s=20, wall_s=60, memory_mb=1024, output_kb=4096)


def lifted_task(code: str, tests: CallTests, limits: Limits, stop_early: bool) -> Generator[Job, Any, Judged]:
    """Judge one program's calls. Yields runs and is sent their outcomes; see ``Sandbox.run_tasks``.

    A run that ends in one call is started again for the next, unless ``stop_early``; after three that met a time limit
    the rest are failed without a run.
    """
    judged = Judged(judge="lifted", total=len(tests))
    timeouts = 0
    while len(judged.results) < judged.total:
        start = len(judged.results)
        answers, outcome = yield from _answers(code, tests, start, limits)
        judged.isolation = outcome.isolation
        judged.cpu_s += outcome.cpu_s
        if answers and "broken" in answers[0]:
            judged.results.append(TestResult(False, f"the program does not load: {answers[0]['broken']}"))
            return judged
        if answers:
            judged.results += yield from _compared(answers, tests, start)
        failed = any(not result.passed for result in judged.results)
        if len(judged.results) < judged.total:
            limit = outcome.limit_hit
            reason = outcome.describe() if not outcome.ok else "the program ended"
            judged.results.append(TestResult(False, reason, limit))
            judged.limit = judged.limit or limit
            timeouts += limit in ("cpu", "wall")
            failed = True
        if failed and (stop_early or timeouts >= _MAX_TIMEOUTS):
            judged.stopped = len(judged.results) < judged.total
            return judged
    return judged


def _answers(
    code: str, tests: CallTests, start: int, limits: Limits
) -> Generator[Job, Any, tuple[list[dict[str, Any]], Outcome]]:
    token = secrets.token_hex(16)
    calls = _encoded([list(args) for args, _ in tests.tests[start:]])
    task = {"token": token, "entry": tests.entry, "calls": calls}
    files = {"solution.py": code.encode("utf-8", "surrogatepass")}
    outcome: Outcome = yield Job(_program(f"answer({tests.prelude!r})"), json.dumps(task), files, limits)
    answers = [said for said in _lines(outcome, token) if isinstance(said, dict)]
    return answers[: len(tests) - start], outcome


def _compared(answers: list[dict[str, Any]], tests: CallTests, start: int) -> Generator[Job, Any, list[TestResult]]:
    token = secrets.token_hex(16)
    expected = _encoded([value for _, value in tests.tests[start : start + len(answers)]])
    task = {"token": token, "answers": answers, "expected": expected, "tolerance": tests.tolerance}
    outcome: Outcome = yield Job(_program("compare()"), json.dumps(task), limits=_COMPARE_LIMITS)
    said = _lines(outcome, token)
    found = said[-1].get("found") if said and isinstance(said[-1], dict) else None
    if not isinstance(found, list) or len(found) != len(answers):
        reason = f"the answers could not be compared: {outcome.describe()}"
        return [TestResult(False, reason, outcome.limit_hit) for _ in answers]
    return [TestResult(bool(ok), str(reason), score=float(bool(ok))) for ok, reason in found]


def _program(call: str) -> Program:
    source = f"import _veritune_lifted\n_veritune_lifted.{call}\n"
    return Program("python", source, support=support_modules("tests", "lifted"))


def _encoded(values: list[Any]) -> Any:
    try:
        return encode(values, Handles())
    except Refused as error:
        raise InvalidProblem(f"a test's value cannot be sent to the sandbox: {error}") from None


def _lines(outcome: Outcome, token: str) -> list[Any]:
    """What our side wrote, recognised by a token of this run."""
    found = []
    for line in outcome.stdout.split(b"\n"):
        head, _, rest = line.partition(b" ")
        if head == token.encode():
            try:
                found.append(json.loads(rest))
            except ValueError:
                break  # cut by a limit
    return found
