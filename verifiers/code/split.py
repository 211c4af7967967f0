"""The split judge: the program in one sandbox, the tests with their answers in another, messages between them."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import secrets
from collections.abc import Generator
from dataclasses import dataclass, field
from importlib.resources import files
from signal import SIGKILL
from typing import Any

from veritune.sandbox.errors import SandboxCrashed
from veritune.sandbox.interface import IsolationReport, Job, Limits, Linked, Outcome, Program
from veritune.verifiers.code.classes import classes_under_test
from veritune.verifiers.code.inside.codec import Handles, Refused, encode
from veritune.verifiers.code.problem import CallTests, InvalidProblem, ScriptTests, TestResult
from veritune.verifiers.code.testcode import analyse

_MAX_TIMEOUTS = 3
_SKIPPED_FOR = re.compile(r"importorskip\(\s*[\"'](\w+)")
_MODULES = {
    "program": ("program", "around", "awaiting", "codec", "library", "names", "objects", "shared"),
    "tests": (
        "tests", "around", "assertions", "cases", "codec", "collect", "counting", "doctests", "fixtures", "functions",
        "hooks", "imports", "library", "mirror", "modules", "names", "pytest_stand_in", "remote", "rewriting",
        "running", "same", "shared", "stubs", "surroundings",
    ),
}  # fmt: skip
"""What each side imports; the first is what its entry imports."""
_TESTS_LIMITS = Limits(cpu_s=10, wall_s=30, memory_mb=1024, output_kb=4096)


@dataclass
class Judged:
    """What came of all tests of one program."""

    results: list[TestResult] = field(default_factory=list)
    total: int = 0
    isolation: IsolationReport | None = None
    judge: str = "split"
    abstain: str | None = None
    invalid: str | None = None
    """Why the tests are no gold: none of them executed an assertion about the program."""
    starved: bool = False
    stopped: bool = False
    """Not every test was run: an early stop."""
    limit: str | None = None
    compile_error: str | None = None
    cpu_s: float = 0.0
    asked: int = 0
    """How often the program's own objects were given an operand of the tests, or decided an equality."""

    @property
    def passed(self) -> int:
        return sum(result.passed for result in self.results)

    def add(self, more: Judged) -> None:
        """Take in what came of further tests of the same program."""
        self.results += more.results
        self.isolation = more.isolation or self.isolation
        self.starved = self.starved or more.starved
        self.limit = self.limit or more.limit
        self.compile_error = self.compile_error if more.compile_error is None else more.compile_error
        self.cpu_s += more.cpu_s
        self.asked += more.asked


@functools.cache
def _source(name: str) -> str:
    return files("veritune.verifiers.code.inside").joinpath(f"{name}.py").read_text(encoding="utf-8")


@functools.cache
def _support(role: str) -> dict[str, str]:
    return {f"_veritune_{name}": _source(name) for name in _MODULES[role]}


def support_modules(role: str, *more: str) -> dict[str, str]:
    """The sources of what runs inside the sandbox of the ``program`` or of the ``tests``, by module name."""
    return {**_support(role), **{f"_veritune_{name}": _source(name) for name in more}}


def split_task(
    code: str, tests: CallTests | ScriptTests, limits: Limits, stop_early: bool, same_process: bool = False
) -> Generator[Linked | Job, Any, Judged]:
    """Judge one program. Yields runs and is sent their outcomes; see ``Sandbox.run_tasks``.

    Tests that asserted nothing about the program are left out; where none did, ``Judged.invalid`` says so.
    """
    return settled((yield from _runs(code, tests, limits, stop_early, same_process)))


def settled(judged: Judged) -> Judged:
    """Leave out the tests that say nothing. If all do, those fail whose assertions the program kept from being reached.

    Where no assertion could have been reached the tests are no gold: what a program does cannot bring that about.
    """
    silent = [result for result in judged.results if not result.asserted]
    if not silent or judged.abstain is not None:
        return judged
    counted = [result for result in judged.results if result.asserted]
    judged.total -= len(silent)
    if not counted:
        counted = [dataclasses.replace(result, asserted=True) for result in silent if not result.reached]
        judged.total += len(counted)
    judged.results = counted
    if not counted:
        skipped = next((r.reason for r in silent if r.reason.startswith(("skipped", "known to fail"))), "")
        judged.invalid = f"no test executed an assertion about the program{f' ({skipped})' if skipped else ''}"
    return judged


def _runs(
    code: str, tests: CallTests | ScriptTests, limits: Limits, stop_early: bool, same_process: bool
) -> Generator[Linked | Job, Any, Judged]:
    """All runs that it takes.

    A run that met its wall limit for want of a CPU is made once more, with three times as long.
    A run that dies in one test is started again for the next, unless ``stop_early``. A test that meets the time limit
    after others had their share of it is tried once more with the whole of it.
    """
    task = _task(tests, stop_early)
    judged = Judged(judge="same process" if same_process else "split")
    judged.total = len(tests) if task["kind"] == "calls" or len(tests) > 1 else 0
    timeouts, patient = 0, False
    while True:
        start = len(judged.results)
        findings, program, ended = yield from _one_run(code, {**task, "start": start}, tests, limits, same_process)
        judged.isolation = ended.isolation
        judged.cpu_s += program.cpu_s if program is not None else ended.cpu_s
        if _starved(program) or _starved(ended):
            if patient:
                judged.starved = True
                return judged
            patient, limits = True, dataclasses.replace(limits, wall_s=3 * limits.wall_s)
            continue
        limit = _limit(program) if program is not None else _limit(ended)
        if findings is None:
            return _without_findings(judged, ended, limit)
        judged.results += [_result(state, said) for state, said in findings["found"]]
        judged.abstain = findings["abstain"]
        judged.asked += findings["asked"]
        judged.total = max(judged.total, findings["planned"])
        if findings["broken"] is not None:
            judged.results.append(TestResult(False, findings["broken"]))
            return judged
        if judged.abstain is not None or findings["gone"] is None:
            judged.stopped = stop_early and any(r.asserted and not r.passed for r in judged.results)
            return judged
        done = len(findings["found"])
        if limit == "cpu" and done and timeouts < _MAX_TIMEOUTS:
            timeouts += 1
            continue
        judged.limit = judged.limit or limit
        reason = f"{limit} limit hit" if limit else findings["gone"]
        judged.results.append(TestResult(False, reason, limit))
        timeouts += limit in ("cpu", "wall")
        if stop_early or timeouts >= _MAX_TIMEOUTS:
            judged.stopped = True
            return judged
        if len(judged.results) >= judged.total:
            return judged


def _result(state: str, said: str) -> TestResult:
    return TestResult(state == "passed", said, score=float(state == "passed"), asserted=state in ("passed", "failed"),
                      reached=state != "unreached")  # fmt: skip


def _without_findings(judged: Judged, ended: Outcome, limit: str | None) -> Judged:
    """The tests' side did not finish: it spent its own limits on what the program gave it."""
    judged.limit = _limit(ended) or limit
    reason = f"the tests did not end: {ended.describe()}"
    judged.results.append(TestResult(False, reason, judged.limit))
    judged.stopped = True
    return judged


def _one_run(
    code: str, task: dict[str, Any], tests: CallTests | ScriptTests, limits: Limits, same_process: bool
) -> Generator[Linked | Job, Any, tuple[dict[str, Any] | None, Outcome | None, Outcome]]:
    token = secrets.token_hex(16)
    task = {**task, "token": token}
    if same_process:
        task["program"] = code
        texts = [code, *_texts(tests, task)]
        job = Job(_program("tests", "main()", "\n".join(texts)), json.dumps(task), limits=limits)
        ended = yield job
        return _findings(ended, token), None, ended
    # Twice the wall time: the program's clock also runs while the tests think.
    wall = limits.wall_s
    prelude = tests.prelude if isinstance(tests, CallTests) else ""
    first = Job(_program("program", f"main({prelude!r})", code), b"", {"solution.py": _bytes(code)}, limits)
    test_limits = dataclasses.replace(
        _TESTS_LIMITS, wall_s=wall + 10, cpu_s=max(10.0, limits.cpu_s), memory_mb=max(1024, limits.memory_mb)
    )
    second = Job(_program("tests", "main()", "\n".join(_texts(tests, task))), json.dumps(task), limits=test_limits)
    program, ended = yield Linked(first, second)
    findings = _findings(ended, token)
    began = ended.stdout.startswith(f"{token} began\n".encode())
    if findings is None and ended.limit_hit is None and (ended.signal == SIGKILL or not began):
        # Killed by somebody on this machine, also when the sandbox ran it once more, or never able to start: ours.
        last = (ended.stderr_text.strip().splitlines() or [""])[-1][:160]
        raise SandboxCrashed(f"the tests' side failed: {ended.describe()}{': ' + last if last else ''}")
    return findings, program, ended


def _texts(tests: CallTests | ScriptTests, task: dict[str, Any]) -> list[str]:
    """What the tests' side runs, with the imports that it makes for them."""
    imports = [f"import {origin}" for origin, _ in task["imports"].values()]
    return [*tests.tests, tests.setup, tests.prelude, *imports] if isinstance(tests, ScriptTests) else imports


def _program(name: str, call: str, code: str) -> Program:
    """Our entry, with the imports of ``code`` in a comment: the sandbox picks its warm interpreter by them."""
    head = code[:200_000]
    imports = [line.strip()[:80] for line in head.splitlines() if "import " in line][:40]
    imports += [f"import {name}" for name in _SKIPPED_FOR.findall(head)[:10]]
    comments = "".join(f"\n# {line.encode('ascii', 'replace').decode()}" for line in imports)
    return Program("python", f"import _veritune_{name}\n_veritune_{name}.{call}{comments}\n", support=_support(name))


def _bytes(code: str) -> bytes:
    return code.encode("utf-8", "surrogatepass")


def _findings(ended: Outcome, token: str) -> dict[str, Any] | None:
    """What the tests' side reports in its last line, recognised by the token that only it was told."""
    mark = f"\n{token} ".encode()
    _, found, rest = ended.stdout.rpartition(mark)
    if not found or not rest.endswith(b"\n"):
        return None
    findings = json.loads(rest)
    return findings if isinstance(findings, dict) else None


def _limit(outcome: Outcome | None) -> str | None:
    limit = outcome.limit_hit if outcome is not None else None
    return None if limit in ("cancelled", "output") else limit


def _starved(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.limit_hit == "wall" and outcome.starved


def _task(tests: CallTests | ScriptTests, stop_early: bool) -> dict[str, Any]:
    if isinstance(tests, CallTests):
        try:
            encoded = encode([(list(args), expected) for args, expected in tests.tests], Handles())
        except Refused as error:
            raise InvalidProblem(f"a test's value cannot be sent to the sandbox: {error}") from None
        return {
            "kind": "calls",
            "entry": tests.entry,
            "tests": encoded,
            "tolerance": tests.tolerance,
            "stop_early": stop_early,
            "classes": [],
            "names": [],
            "imports": {},
            "subjects": [tests.entry],
        }
    code = analyse(tests)
    return {
        "kind": "code",
        "entry": tests.entry,
        "prelude": tests.prelude,
        "setup": tests.setup,
        "tests": code.sources,
        "stop_early": stop_early,
        "classes": sorted(classes_under_test((*tests.tests, tests.setup), tests.reference)),
        "names": code.names,
        "imports": code.imports,
        "subjects": code.subjects,
        "modules": code.modules,
        "may_import": code.may_import,
    }
