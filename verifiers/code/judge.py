"""Many programs at once: completions and problems in, verdicts out, in order."""

from __future__ import annotations

import functools
import json
import re
import sys
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from veritune.plugins.registry import get_sandbox
from veritune.plugins.types import Cause, Verdict
from veritune.sandbox import default_sandbox
from veritune.sandbox.errors import (
    DeadlineExceeded,
    JobRefused,
    LanguageUnavailable,
    SandboxClosed,
    SandboxError,
    SandboxUnavailable,
)
from veritune.sandbox.interface import Limits, Sandbox
from veritune.sandbox.language_names import canonical
from veritune.sandbox.languages import LANGUAGES
from veritune.verifiers.code.lifted import lifted_task
from veritune.verifiers.code.problem import CallTests, InvalidProblem, Problem, ScriptTests, StdioTests
from veritune.verifiers.code.pytest_runner import pytest_task
from veritune.verifiers.code.readiness import prove
from veritune.verifiers.code.split import Judged, split_task
from veritune.verifiers.code.stdio import stdio_task

_NO_LINKS = (
    "test code is judged apart from the program, which this sandbox back-end cannot do; use 'local' or 'ray', or "
    "isolation: same-process"
)
_NO_MODULE = re.compile(r"No module named '(\w{1,40})")
Isolation: TypeAlias = Literal["split", "same-process", "pytest"]
SandboxSpec: TypeAlias = str | Mapping[str, Any] | None


@functools.lru_cache(maxsize=8)
def _made(name: str, options: str) -> Sandbox:
    made: Sandbox = get_sandbox(name, **json.loads(options))
    return made


def shared_sandbox(spec: SandboxSpec | Sandbox = None) -> Sandbox:
    """The process's sandbox for a specification: a name, or ``{name: …, option: …}``; the common ``local`` by default.

    One a process and specification, started on first use.
    """
    if isinstance(spec, Sandbox):
        return spec
    if spec is None or spec == "local":
        return default_sandbox()
    options = {} if isinstance(spec, str) else dict(spec)
    name = spec if isinstance(spec, str) else str(options.pop("name", "local"))
    return _made(name, json.dumps(options, sort_keys=True))


Task: TypeAlias = Generator[Any, Any, "Verdict | Judged"]


def judge_batch(
    programs: Sequence[tuple[str | None, Problem | InvalidProblem]],
    sandbox: Sandbox,
    limits: Limits,
    *,
    stop_early: bool,
    deadline_s: float | None = None,
    isolation: Isolation = "split",
) -> list[Verdict]:
    """A verdict for each (program, problem); None for a completion without a program is wrong.

    ``score`` is the fraction of tests passed; ``correct`` is whether all passed. ``stop_early`` ends a program at its
    first failed test: its fraction is then 0, as the rest is not known. What our side could not do is undecided:
    ``timeout`` (deadline, no CPU), ``infra_error``, ``invalid_gold`` (no tests), ``abstain`` (a language that has no
    toolchain here, a job that the back-end cannot carry). SandboxUnavailable is raised: nothing can be isolated.
    """
    sandbox.report()  # refuses before anything runs
    if sandbox.name == "local":  # others may cost money or minutes; `veritune doctor` looks at this machine's
        prove(sandbox, functools.partial(_judge, sandbox=sandbox, limits=_PROOF_LIMITS))
    return _judge(
        programs, sandbox=sandbox, limits=limits, stop_early=stop_early, deadline_s=deadline_s, isolation=isolation
    )


_PROOF_LIMITS = Limits(cpu_s=10, wall_s=30)


def proven(sandbox: Sandbox) -> Sandbox:
    """The same sandbox, once a right and a wrong program got their verdicts in it; SandboxUnavailable says why not."""
    prove(sandbox, functools.partial(_judge, sandbox=sandbox, limits=_PROOF_LIMITS))
    return sandbox


def _judge(
    programs: Sequence[tuple[str | None, Problem | InvalidProblem]],
    *,
    sandbox: Sandbox,
    limits: Limits,
    stop_early: bool = False,
    deadline_s: float | None = None,
    isolation: Isolation = "split",
) -> list[Verdict]:
    tasks = [_task(code, problem, limits, stop_early, isolation, sandbox.can_link) for code, problem in programs]
    findings = sandbox.run_tasks(tasks, deadline_s=deadline_s)
    return [_verdict(finding, code, problem) for finding, (code, problem) in zip(findings, programs, strict=True)]


def _task(
    code: str | None,
    problem: Problem | InvalidProblem,
    limits: Limits,
    stop_early: bool,
    isolation: Isolation,
    can_link: bool,
) -> Task:
    if isinstance(problem, InvalidProblem):
        return Verdict.undecided(Cause.INVALID_GOLD, str(problem))
    unknown = unsupported(problem.language)
    if unknown is not None:
        return Verdict.undecided(Cause.ABSTAIN, unknown)
    if code is None:
        return Verdict.wrong(f"no {problem.language} program in the completion")
    source, limits = assembled(code, problem), problem.limits(limits)
    large = too_large(source, limits)
    if large is not None:
        return Verdict.wrong(large, extracted=code[:10_000])
    try:
        if isinstance(problem.tests, StdioTests):
            return (yield from stdio_task(source, problem.language, problem.tests, limits, stop_early))
        if canonical(problem.language) != "python":
            raise InvalidProblem(f"function-call and test-code problems are judged in Python, not {problem.language}")
        if isolation == "pytest" and isinstance(problem.tests, ScriptTests):
            return (yield from pytest_task(source, problem.tests, limits, stop_early))
        if isolation != "same-process" and not can_link:
            if not isinstance(problem.tests, CallTests):
                return Verdict.undecided(Cause.ABSTAIN, _NO_LINKS, extracted=code)
            return (yield from lifted_task(source, problem.tests, limits, stop_early))
        return (yield from split_task(source, problem.tests, limits, stop_early, isolation == "same-process"))
    except InvalidProblem as error:
        return Verdict.undecided(Cause.INVALID_GOLD, str(error))


def unsupported(language: str) -> str | None:
    """Why no program in this language can be judged, whatever is installed; None where it can."""
    if canonical(language) in LANGUAGES:
        return None
    return f"programs in {language[:40]!r} cannot be run; the languages are {', '.join(LANGUAGES)}"


def too_large(source: str, limits: Limits) -> str | None:
    """A program may be as large as any file of its own, and no larger."""
    size = len(source.encode("utf-8", "surrogatepass"))
    most = min(limits.file_mb, limits.scratch_mb / 2)
    return None if size <= most * (1 << 20) else f"the program has {size} bytes, more than {most:g} MiB"


def settled(error: SandboxError) -> tuple[Cause, str]:
    """The cause of what a failure of ours leaves undecided. Raises it where nothing can be isolated at all."""
    if isinstance(error, LanguageUnavailable | JobRefused):
        return Cause.ABSTAIN, str(error)
    if isinstance(error, SandboxUnavailable | SandboxClosed):
        raise error
    return (Cause.TIMEOUT if isinstance(error, DeadlineExceeded) else Cause.INFRA_ERROR), str(error)


def assembled(code: str, problem: Problem) -> str:
    """The program with what goes in front of it: a prompt that it continues, whose imports and helpers it may use."""
    if not problem.before:
        return code
    entry = re.escape(problem.entry_hint or "")
    whole = re.search(rf"^(?:(?:async\s+)?def\s+{entry}\b|{entry}\s*=|class\s+Solution\b)", code, re.MULTILINE)
    if whole and "from __future__" in code:
        return code
    return f"{problem.before.rstrip()}\n    pass\n\n\n{code}" if whole else problem.before + code


def _verdict(finding: Verdict | Judged | SandboxError, code: str | None, problem: Problem | InvalidProblem) -> Verdict:
    if isinstance(finding, Verdict):
        return finding
    if isinstance(finding, SandboxError):
        cause, reason = settled(finding)
        return Verdict.undecided(cause, reason, extracted=code)
    assert isinstance(problem, Problem)
    return _decided(finding, code, problem)


def _decided(judged: Judged, code: str | None, problem: Problem) -> Verdict:
    evidence = evidence_of(judged, problem.form)
    fields: dict[str, Any] = {"extracted": code, "evidence": evidence}
    if judged.starved:
        return Verdict.undecided(Cause.TIMEOUT, "the program waited for a CPU until its wall limit passed", **fields)
    if judged.abstain is not None:
        return Verdict.undecided(Cause.ABSTAIN, judged.abstain, **fields)
    if judged.invalid is not None:
        return Verdict.undecided(Cause.INVALID_GOLD, judged.invalid, **fields)
    total = max(judged.total, len(judged.results))
    if total == 0:
        return Verdict.undecided(Cause.INVALID_GOLD, "the test code ran no test", **fields)
    evidence["total"] = total
    passed = judged.passed
    if passed == total:
        return Verdict.right(f"all {total} tests passed", **fields)
    first = next((i for i, result in enumerate(judged.results) if not result.passed), None)
    why = f"test {first + 1} of {total}: {judged.results[first].reason}" if first is not None else "tests are missing"
    known = judged.judge != "stdio" or not judged.stopped
    score = min(1.0, sum(result.score for result in judged.results) / total)
    reason = f"{passed} of {total} tests passed; {why}" if known else why
    return Verdict.wrong(" ".join(reason.split())[:280] + _advice(reason), score=score, **fields)


def _advice(reason: str) -> str:
    """Where a program imports what the sandbox does not show it."""
    missing = _NO_MODULE.search(reason)
    if missing is None or missing[1] in sys.stdlib_module_names:
        return ""
    option = f"{{name: local, packages: [numpy, {missing[1]}]}}"
    return f" (programs see the standard library, numpy, and what sandbox: {option} names)"


def evidence_of(judged: Judged, form: str) -> dict[str, Any]:
    """What a verdict tells of its run: isolation, each test, limits met, whether the program could tamper with it."""
    return {
        "judge": judged.judge,
        "tamperable": judged.judge in ("same process", "pytest") or judged.asked > 0,
        "isolation": judged.isolation.as_evidence() if judged.isolation is not None else None,
        "form": form,
        "tests": [{"passed": r.passed, "score": r.score, "reason": r.reason, "limit": r.limit} for r in judged.results],
        "total": judged.total,
        "stopped_early": judged.stopped,
        "limit": judged.limit,
        "compile_error": judged.compile_error,
        "cpu_s": round(judged.cpu_s, 4),
    }
