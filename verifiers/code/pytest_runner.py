"""Test files run by the real pytest, with fixtures, marks and parameters, in one process with the program.

For rows whose tests the split judge cannot carry. The program can reach the tests here: verdicts are tamperable.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Generator
from typing import Any

from veritune.sandbox.interface import Job, Limits, Outcome, Program
from veritune.verifiers.code.problem import InvalidProblem, ScriptTests, TestResult
from veritune.verifiers.code.split import Judged, support_modules

_ABSENT = re.compile(r"No module named '(?!solution')([\w.]+)'")
_HOW = "give it by sandbox: {name: local, packages: [numpy, pytest]}"


def pytest_task(code: str, tests: ScriptTests, limits: Limits, stop_early: bool) -> Generator[Job, Any, Judged]:
    """Judge one program. Yields one run and is sent its outcome. InvalidProblem where pytest finds no test."""
    token = secrets.token_hex(16)
    files = {"solution.py": _text(f"{tests.prelude}\n{code}" if tests.prelude else code)}
    for number, source in enumerate(tests.tests):
        files[f"test_{number}.py"] = _text(f"from solution import *\n{tests.setup}\n{source}")
    task = {"token": token, "files": [name for name in files if name != "solution.py"], "stop_early": stop_early}
    source = f"import _veritune_pytest_report\n_veritune_pytest_report.main()\n{_imports(code, *tests.tests)}"
    program = Program("python", source, support=support_modules("program", "pytest_report"))
    outcome: Outcome = yield Job(program, json.dumps(task), files, limits)
    judged = Judged(judge="pytest", isolation=outcome.isolation, cpu_s=outcome.cpu_s)
    judged.starved = outcome.limit_hit == "wall" and outcome.starved
    findings = _findings(outcome, token)
    if findings is None:
        judged.limit, judged.total = outcome.limit_hit, 1
        judged.results = [TestResult(False, f"pytest did not end: {outcome.describe()}", outcome.limit_hit)]
    elif "abstain" in findings:
        judged.abstain = f"{findings['abstain']}; {_HOW}"
    elif "broken" in findings:
        judged.total = 1
        judged.results = [TestResult(False, f"the program does not load: {findings['broken']}")]
    else:
        _take(judged, findings, stop_early)
    return judged


def _take(judged: Judged, findings: dict[str, Any], stop_early: bool) -> None:
    for file, problem in findings["uncollected"]:
        absent = _ABSENT.search(problem)
        if absent is not None:
            judged.abstain = f"the tests import {absent[1]}, which is not in the sandbox"
            return
        if "SyntaxError" in problem:
            raise InvalidProblem(f"the test code is no Python: {problem}")
        judged.results.append(TestResult(False, f"{file}: {problem}"))
    judged.results += [TestResult(bool(ok), str(said), score=float(bool(ok))) for ok, said in findings["found"]]
    judged.total = max(len(judged.results), findings["planned"] + len(findings["uncollected"]))
    judged.stopped = stop_early and len(judged.results) < judged.total
    if judged.total == 0 and findings["status"] not in (0, 1, 5):
        judged.abstain = f"pytest could not be run here (exit status {findings['status']})"
    elif judged.total == 0:
        raise InvalidProblem("pytest collected no test")


def _findings(outcome: Outcome, token: str) -> dict[str, Any] | None:
    _, found, rest = outcome.stdout.rpartition(f"\n{token} ".encode())
    try:
        said = json.loads(rest) if found else None
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _imports(*sources: str) -> str:
    """In a comment: the sandbox picks its warm interpreter by what a program imports."""
    lines = [line.strip()[:80] for source in sources for line in source[:100_000].splitlines() if "import " in line]
    return "".join(f"# {line.encode('ascii', 'replace').decode()}\n" for line in ["import pytest", *lines[:40]])


def _text(source: str) -> bytes:
    return source.encode("utf-8", "surrogatepass")
