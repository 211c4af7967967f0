"""Does the program pass its tests? In the sandbox, with tests and answers out of the program's reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import PositiveFloat

from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score, Verdict
from veritune.rewards.code_peer import peer_scores
from veritune.rewards.text import Opened, code_text
from veritune.verifiers.code.compare import Comparison
from veritune.verifiers.code.extraction import NoFence
from veritune.verifiers.code.judge import Isolation, SandboxSpec
from veritune.verifiers.code.problem import Examiner, InvalidProblem, Problem, StdioTests
from veritune.verifiers.code.rows import loaded
from veritune.verifiers.code.verifier import CodeVerifier, make_limits


@reward
def code(
    samples: Sequence[Sample],
    tests: Sequence[Any] | None = None,
    *,
    language: str = "auto",
    sandbox: SandboxSpec = None,
    limits: Mapping[str, Any] | None = None,
    deadline: PositiveFloat | None = None,
    isolation: Isolation = "split",
    no_fence: NoFence = "run",
    thinking: bool = False,
    prefilled: Opened = "auto",
) -> list[Score]:
    """The fraction of its tests that the completion's program passes, in [0, 1]; 0 without a program.

    Rows of HumanEval, MBPP, LiveCodeBench, APPS (verl), Codeforces and open-r1 (``verification_info``) are read as
    they are; ``columns: {tests: COLUMN}`` names another column of tests. ``language: auto`` is the row's, else Python.
    ``limits`` are those of one run (``cpu_s``, ``memory_mb``, …), ``deadline`` is seconds for the whole call.
    ``sandbox`` names a back-end, or is ``{name: …, option: …}``. ``isolation: same-process`` is for tests that patch
    or subclass the program, ``pytest`` runs test code with the real pytest; their verdicts are marked tamperable.
    ``prefilled`` is what the prompt already wrote of the answer: ``<think>`` or an opening fence, seen by itself where
    the prompt ends in it.

    No tests, a broken sandbox, an exhausted deadline: undecided. SandboxUnavailable where nothing can be isolated.
    Source: open-r1 ``code_reward``; DeepSeek-R1, section 2.2.
    """
    verifier = CodeVerifier(
        language=language, sandbox=sandbox, limits=limits, isolation=isolation, deadline_s=deadline,
        no_fence=no_fence, thinking=thinking,
    )  # fmt: skip
    return [fraction(verdict) for verdict in verdicts(verifier, samples, tests, prefilled)]


@code.compat("open-r1")
def _open_r1(
    samples: Sequence[Sample],
    verification_info: Sequence[Any],
    *,
    num_parallel: int = 2,
    provider_type: str = "e2b",
    enforce_same_language: bool = False,
    sandbox: SandboxSpec = None,
) -> list[Score]:
    """open-r1 ``code_reward``: tests passed / tests, where a test passes if its lines agree as far as both go.

    One test over five seconds, no tests, or more than thirty seconds in all is 0 for the sample. A failure of our
    sandbox is None (the peer's router mode). ``num_parallel`` and ``provider_type`` are taken and mean nothing here.
    """
    return peer_scores(samples, verification_info, enforce_same_language, sandbox)


@reward
def binary_code(
    samples: Sequence[Sample],
    tests: Sequence[Any] | None = None,
    *,
    language: str = "auto",
    sandbox: SandboxSpec = None,
    limits: Mapping[str, Any] | None = None,
    deadline: PositiveFloat | None = None,
    isolation: Isolation = "split",
    no_fence: NoFence = "run",
    thinking: bool = False,
    prefilled: Opened = "auto",
    right: float = 1.0,
    wrong: float = 0.0,
) -> list[Score]:
    """``right`` where the completion's program passes every test, else ``wrong``; stops at the first failure.

    Rows and the other parameters are those of ``code``. Source: open-r1 ``binary_code_reward``.
    """
    verifier = CodeVerifier(
        language=language, sandbox=sandbox, limits=limits, isolation=isolation, deadline_s=deadline,
        no_fence=no_fence, thinking=thinking, all_tests=False,
    )  # fmt: skip
    return [Score.of(verdict, right, wrong) for verdict in verdicts(verifier, samples, tests, prefilled)]


@binary_code.compat("open-r1")
def _binary_open_r1(
    samples: Sequence[Sample],
    verification_info: Sequence[Any],
    *,
    num_parallel: int = 2,
    provider_type: str = "e2b",
    enforce_same_language: bool = False,
    sandbox: SandboxSpec = None,
) -> list[Score]:
    """open-r1 ``binary_code_reward``: 1 where its ``code_reward`` is over 0.99, else 0; None stays None."""
    scores = peer_scores(samples, verification_info, enforce_same_language, sandbox)
    return [s if s.value is None else Score(1.0 if s.value > 0.99 else 0.0, s.reason) for s in scores]


@reward
def code_stdio(
    samples: Sequence[Sample],
    tests: Sequence[Any] | None = None,
    *,
    compare: str = "auto",
    checker: str | None = None,
    language: str = "auto",
    partial: bool = True,
    sandbox: SandboxSpec = None,
    limits: Mapping[str, Any] | None = None,
    deadline: PositiveFloat | None = None,
    no_fence: NoFence = "run",
    thinking: bool = False,
    prefilled: Opened = "auto",
) -> list[Score]:
    """The fraction of stdin/stdout tests passed (``partial: false``: 1 for all, else 0).

    ``compare`` is ``exact``, ``lines``, ``tokens`` or ``float_tolerance 1e-6``; ``auto`` takes the row's, else lines.
    ``checker`` is the source of a program that judges instead, in Python or, with testlib, in C++; a row's ``checker``
    and ``interactor`` count by themselves (docs/code.md). The other parameters are those of ``code``.
    """
    verifier = CodeVerifier(
        language=language, sandbox=sandbox, limits=limits, deadline_s=deadline, no_fence=no_fence,
        thinking=thinking, all_tests=partial,
    )  # fmt: skip
    comparison = None if compare == "auto" else Comparison.parse(compare)
    problems = [_stdio(verifier.problem(row), comparison, checker) for row in rows(samples, tests)]
    found = verifier.verify_batch([(code_text(s, prefilled), p) for s, p in zip(samples, problems, strict=True)])
    return [fraction(verdict) if partial else Score.of(verdict) for verdict in found]


def _stdio(
    problem: Problem | InvalidProblem, comparison: Comparison | None, checker: str | None
) -> Problem | InvalidProblem:
    import dataclasses

    if isinstance(problem, InvalidProblem):
        return problem
    if not isinstance(problem.tests, StdioTests):
        return InvalidProblem(f"the row ({problem.form}) has no stdin/stdout tests; use the reward 'code'")
    changed = dataclasses.replace(
        problem.tests,
        comparison=comparison or problem.tests.comparison,
        checker=Examiner.of(checker) if checker else problem.tests.checker,
    )
    return dataclasses.replace(problem, tests=changed)


for each in (code, binary_code, code_stdio):
    each.reads("language")


@code.check
@binary_code.check
@code_stdio.check
def check_limits(limits: Mapping[str, Any] | None) -> None:
    """Unknown names of limits are refused before anything runs."""
    make_limits(limits)


@code_stdio.check
def _check_compare(compare: str) -> None:
    if compare != "auto":
        Comparison.parse(compare)


def rows(samples: Sequence[Sample], tests: Sequence[Any] | None) -> list[Any]:
    """Each sample's columns, with the named column of tests in front of them."""

    found: list[Any] = []
    for index, sample in enumerate(samples):
        given = loaded(tests[index]) if tests is not None else None
        columns = dict(sample.columns)
        if isinstance(given, Mapping):
            found.append({**columns, **given})
        elif given is not None:
            found.append({**columns, "tests": given})
        else:
            found.append(columns)
    return found


def verdicts(
    verifier: CodeVerifier, samples: Sequence[Sample], tests: Sequence[Any] | None, prefilled: Opened = "auto"
) -> list[Verdict]:
    """The verdict on each sample's program."""
    texts = [code_text(sample, prefilled) for sample in samples]
    return verifier.verify_batch(list(zip(texts, rows(samples, tests), strict=True)))


def fraction(verdict: Verdict) -> Score:
    """A verdict's fraction of tests passed, or None with its cause."""
    if verdict.correct is None:
        return Score.of(verdict)
    return Score(verdict.score, verdict.reason, verdict)
