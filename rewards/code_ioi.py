"""Subtasks of the International Olympiad in Informatics: a C++ submission against a subtask's tests."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from pydantic import PositiveFloat

from veritune.plugins.errors import ParameterError
from veritune.plugins.reward import reward
from veritune.plugins.types import Cause, Sample, Score, Verdict
from veritune.rewards.code_peer import last_message, peer_extract
from veritune.rewards.grader import graded
from veritune.rewards.text import code_text
from veritune.sandbox.errors import SandboxError
from veritune.sandbox.interface import Limits
from veritune.verifiers.code.compare import Comparison
from veritune.verifiers.code.extraction import extract_code
from veritune.verifiers.code.judge import SandboxSpec, evidence_of, settled, shared_sandbox
from veritune.verifiers.code.problem import Examiner, InputOutput, InvalidProblem, StdioTests
from veritune.verifiers.code.split import Judged
from veritune.verifiers.code.stdio import stdio_task

STANDARD_HEADERS = "#include <bits/stdc++.h>\n"
"""Goes before a submission, as at the contest."""


@reward
def ioi_code(
    samples: Sequence[Sample],
    *,
    test_batch_size: int = 1,
    sandbox: SandboxSpec = None,
    deadline: PositiveFloat | None = None,
) -> list[Score]:
    """A subtask's score: ``round(min over its tests, score_precision)``, each test in [0, 1].

    Columns, as in open-r1's dataset: ``id``, ``test_names``, ``test_cases`` (a list in the order of the names, or by
    name: (input, output)), ``score_precision``, ``time_limit``, ``memory_limit``, ``grader_files`` ([name, source]),
    and optionally ``checker`` (Python). Tests run ``test_batch_size`` at a time (−1: all), and stop after a batch with
    a test at 0. No C++ program, or one that does not compile, is 0. Missing tests and failures of ours are undecided.

    ``deadline`` is seconds for the whole call.

    Grader and submission are compiled as units of their own; output counts only where the grader's ``main`` ran to its
    end. They share a process, so verdicts are marked tamperable. Source: open-r1 ``ioi_code_reward``.
    """
    submissions = [_submission(s, extract_code(code_text(s, "auto"), "cpp", no_fence="none")) for s in samples]
    return _score_all(samples, submissions, test_batch_size, sandbox, deadline)


@ioi_code.check
def _check_batch(test_batch_size: int) -> None:
    if test_batch_size < 1 and test_batch_size != -1:
        raise ParameterError(f"ioi_code: test_batch_size must be at least 1, or -1 for all, got {test_batch_size}")


@ioi_code.compat("open-r1")
def _open_r1(
    samples: Sequence[Sample], *, test_batch_size: int = 1, provider_type: str = "piston", sandbox: SandboxSpec = None
) -> list[Score]:
    """open-r1 ``ioi_code_reward``: as above, but −1 runs no test and gives 0, and so does a row that cannot be read.

    As there, a submission may print the output by itself and exit. A failure of our sandbox is None. Time limit of a
    run: twice ``time_limit`` and 3 seconds of wall time.
    """
    submissions = [_submission(s, peer_extract(last_message(s), "cpp") or None) for s in samples]
    if test_batch_size == -1:
        return [Score(0.0, "a batch size of -1 runs no test in the peer") for _ in samples]
    scores = _score_all(samples, submissions, test_batch_size, sandbox, None, seal=False)
    return [
        Score(0.0, f"the peer gives 0 where it fails: {s.reason}") if s.cause == Cause.INVALID_GOLD else s
        for s in scores
    ]


def _submission(sample: Sample, code: str | None) -> str | None:
    """The code with what models forget: the standard headers, the problem's header, ``using namespace std``."""
    if not code:
        return None
    name = str(sample.columns.get("id", ""))
    head = STANDARD_HEADERS
    if f'#include "{name}.h"' not in code:
        head += f'#include "{name}.h"\n'
    if "using namespace std;" not in code and "std::" not in code:
        head += "\nusing namespace std;\n\n"
    return head + code


def _score_all(
    samples: Sequence[Sample],
    submissions: Sequence[str | None],
    batch: int,
    sandbox: SandboxSpec,
    deadline: float | None,
    seal: bool = True,
) -> list[Score]:
    box = shared_sandbox(sandbox)
    report = box.report()
    judged = [Judged(judge="stdio", isolation=report) for _ in samples]
    tasks = [
        _subtask(s.columns, source, batch, whole, seal)
        for s, source, whole in zip(samples, submissions, judged, strict=True)
    ]
    found = [decided(finding) for finding in box.run_tasks(tasks, deadline_s=deadline)]
    return [
        with_verdict(score, whole, source, "ioi")
        for score, whole, source in zip(found, judged, submissions, strict=True)
    ]


def with_verdict(score: Score, judged: Judged, code: str | None, form: str) -> Score:
    """The score with its verdict: what was run, how each test ended, and the isolation in force."""
    fields: dict[str, Any] = {"extracted": code, "evidence": evidence_of(judged, form)}
    if score.value is None:
        verdict = Verdict.undecided(score.cause or Cause.INFRA_ERROR, score.reason, **fields)
    elif judged.total and judged.passed == judged.total:
        verdict = Verdict.right(score.reason, **fields)
    else:
        verdict = Verdict.wrong(score.reason, score=judged.passed / max(judged.total, 1), **fields)
    return Score(score.value, score.reason, verdict)


def decided(finding: Score | SandboxError) -> Score:
    """A task's score; a failure of ours is None with its cause. Raises where nothing can be isolated."""
    if isinstance(finding, SandboxError):
        cause, reason = settled(finding)
        return Score.none(reason, cause)
    return finding


def _subtask(
    row: Mapping[str, Any], source: str | None, batch: int, whole: Judged, seal: bool
) -> Generator[Any, Any, Score]:
    try:
        tests = _tests(row)
        graders = [pair for pair in row.get("grader_files") or () if pair and len(pair) == 2]
        limits = _limits(row)
    except InvalidProblem as error:
        return Score.none(str(error), Cause.INVALID_GOLD)
    if source is None:
        return Score(0.0, "no C++ program in the completion")
    whole.total = len(tests)
    beside = graded(graders, seal)
    whole.asked = len(beside.sources)  # it lives in the grader's process
    precision = int(row.get("score_precision") or 2)
    size = len(tests) if batch == -1 else batch
    scores = [0.0] * len(tests)
    checker = row.get("checker")
    examiner = Examiner.of(checker) if isinstance(checker, str) and checker.strip() else None
    for start in range(0, len(tests), size):
        chunk = tests[start : start + size]
        suite = StdioTests(chunk, Comparison("tokens"), examiner)
        try:
            judged = yield from stdio_task(
                source, "cpp", suite, limits, False, units=beside.units, options=beside.options, sealed=beside.sealed
            )
        except InvalidProblem as error:
            return Score.none(str(error), Cause.INVALID_GOLD)
        whole.add(judged)
        if judged.starved:
            return Score.none("the program waited for a CPU until its wall limit passed", Cause.TIMEOUT)
        if judged.compile_error is not None:
            fault = beside.to_blame(judged.compile_error)
            if fault is not None:
                return Score.none(f"the grader does not compile: {fault}", Cause.INVALID_GOLD)
            return Score(0.0, "the submission does not compile")
        for index, result in enumerate(judged.results):
            scores[start + index] = result.score
        if any(score == 0 for score in scores[start : start + len(chunk)]):
            whole.stopped = len(whole.results) < len(tests)
            break
    worst = min(range(len(scores)), key=scores.__getitem__)
    names = list(row.get("test_names") or range(len(tests)))
    value = round(min(scores), precision)
    return Score(value, f"lowest of {len(tests)} tests: {names[worst]!s:.40} with {scores[worst]:g}")


def _tests(row: Mapping[str, Any]) -> list[InputOutput]:
    names, cases = row.get("test_names"), row.get("test_cases")
    if not cases:
        raise InvalidProblem("the row has no test_cases: join the tests of the subtask to it by id and year")
    try:
        if isinstance(cases, Mapping):
            pairs = [cases[name] for name in names or cases]
        else:
            pairs = list(cases)
        return [_pair(pair) for pair in pairs]
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidProblem(f"test_cases cannot be read: {type(error).__name__}: {error}") from None


def _pair(pair: Any) -> InputOutput:
    if isinstance(pair, Mapping):
        return InputOutput(str(pair["input"]), str(pair["output"]))
    given, expected = pair
    return InputOutput(str(given), str(expected))


def _limits(row: Mapping[str, Any]) -> Limits:
    seconds, memory = row.get("time_limit"), row.get("memory_limit")
    cpu = float(seconds) if isinstance(seconds, int | float) and seconds > 0 else 10.0
    megabytes = int(memory) if isinstance(memory, int | float) and memory > 0 else 512
    if megabytes > 1 << 16:  # some rows give bytes
        megabytes >>= 20
    return Limits(cpu_s=cpu, wall_s=2 * cpu + 3, memory_mb=max(megabytes, 16))
