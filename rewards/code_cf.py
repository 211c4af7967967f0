"""Codeforces problems: a program in the language that was asked for, against official and generated tests."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Literal

from pydantic import PositiveFloat

from veritune.plugins.errors import ConfigError, MissingExtraError, ParameterError
from veritune.plugins.reward import reward
from veritune.plugins.types import Cause, Sample, Score
from veritune.rewards.code_ioi import decided, with_verdict
from veritune.rewards.code_peer import last_message, peer_extract
from veritune.rewards.text import code_text
from veritune.sandbox.interface import Limits
from veritune.sandbox.language_names import canonical
from veritune.sandbox.languages import LANGUAGES
from veritune.verifiers.code.compare import Comparison
from veritune.verifiers.code.extraction import extract_code
from veritune.verifiers.code.judge import SandboxSpec, shared_sandbox, too_large, unsupported
from veritune.verifiers.code.problem import Examiner, InputOutput, InvalidProblem, StdioTests
from veritune.verifiers.code.split import Judged
from veritune.verifiers.code.stdio import stdio_task

Mode = Literal["pass_fail", "partial", "weighted_sum"]
NO_CODE, NO_COMPILE = -1.0, -0.1


@reward
def cf_code(
    samples: Sequence[Sample],
    *,
    scoring_mode: Mode = "weighted_sum",
    test_batch_size: int = 1,
    patch_code: bool = False,
    no_code: float = NO_CODE,
    no_compile: float = NO_COMPILE,
    sandbox: SandboxSpec = None,
    deadline: PositiveFloat | None = None,
) -> list[Score]:
    """``pass_fail``: 1 for all tests, else 0. ``partial``: passed / tests. ``weighted_sum``: that + 0.1 × this.

    ``no_code`` without a program in the row's ``language`` (cpp where it names none), ``no_compile`` where it does not
    compile. Columns, as in open-r1's dataset: ``official_tests`` ([{input, output}]), ``generated_tests`` (a list, or
    their number, with the files in the folder CF_TESTS_FOLDER), ``generated_checker``, ``time_limit``,
    ``memory_limit``, ``language``. ``pass_fail`` stops after a batch of ``test_batch_size`` with a failure. No tests,
    an unknown language and failures of ours are undecided. ``patch_code`` adds what models forget: headers, imports.
    ``deadline`` is seconds for the whole call.

    Source: open-r1 ``cf_code_reward``.
    """
    tasks, judged, codes = [], [], []
    for sample in samples:
        language = _language(sample)
        code = extract_code(code_text(sample, "auto"), language or "cpp", no_fence="none")
        judged.append(Judged(judge="stdio"))
        codes.append(code)
        tasks.append(_score(judged[-1], sample.columns, code, language, scoring_mode, test_batch_size, patch_code,
                            (no_code, no_compile), 0.0, need_folder=False))  # fmt: skip
    return _run(tasks, judged, codes, sandbox, deadline)


@cf_code.check
def _check(test_batch_size: int) -> None:
    if test_batch_size < 1 and test_batch_size != -1:
        raise ParameterError(f"cf_code: test_batch_size must be at least 1, or -1 for all, got {test_batch_size}")


@cf_code.compat("open-r1")
def _open_r1(
    samples: Sequence[Sample],
    *,
    test_batch_size: int = 1,
    patch_code: bool = False,
    scoring_mode: Mode = "weighted_sum",
    sandbox: SandboxSpec = None,
) -> list[Score]:
    """open-r1 ``cf_code_reward``: the block tagged with exactly the row's language, ten seconds beyond ``time_limit``.

    Generated tests (``generated_tests`` > 0) are read from the folder CF_TESTS_FOLDER, which must then be set.
    """
    tasks, judged, codes = [], [], []
    for sample in samples:
        language = sample.columns.get("language")
        code = peer_extract(last_message(sample), language if isinstance(language, str) else None) or None
        known = language if language in ("python", "cpp") else None
        judged.append(Judged(judge="stdio"))
        codes.append(code)
        tasks.append(_score(judged[-1], sample.columns, code, known, scoring_mode, test_batch_size, patch_code,
                            (NO_CODE, NO_COMPILE), 10.0, need_folder=True))  # fmt: skip
    return _run(tasks, judged, codes, sandbox, None)


def _language(sample: Sample) -> str | None:
    language = sample.columns.get("language")
    if not isinstance(language, str) or not language:
        return "cpp"
    return language if canonical(language) in LANGUAGES else None


def _run(
    tasks: Sequence[Generator[Any, Any, Score]],
    judged: Sequence[Judged],
    codes: Sequence[str | None],
    sandbox: SandboxSpec,
    deadline: float | None,
) -> list[Score]:
    box = shared_sandbox(sandbox)
    report = box.report()
    for whole in judged:
        whole.isolation = report
    scores = [decided(finding) for finding in box.run_tasks(list(tasks), deadline_s=deadline)]
    return [
        with_verdict(score, whole, code, "codeforces") for score, whole, code in zip(scores, judged, codes, strict=True)
    ]


def _score(
    whole: Judged,
    row: Mapping[str, Any],
    code: str | None,
    language: str | None,
    mode: Mode,
    batch: int,
    patch: bool,
    penalties: tuple[float, float],
    extra_s: float,
    need_folder: bool,
) -> Generator[Any, Any, Score]:
    try:
        tests = _tests(row, need_folder)
    except InvalidProblem as error:
        return Score.none(str(error), Cause.INVALID_GOLD)
    if language is None:
        return Score.none(unsupported(str(row.get("language"))) or "no language", Cause.ABSTAIN)
    if code is None:
        return Score(penalties[0], f"no {language} program in the completion")
    source = patched(code, canonical(language)) if patch else code
    large = too_large(source, _limits(row, extra_s))
    if large is not None:
        return Score(penalties[1], large)
    limits, checker = _limits(row, extra_s), row.get("generated_checker")
    examiner = Examiner.of(checker) if isinstance(checker, str) and checker.strip() else None
    suite = StdioTests((), Comparison("tokens"), examiner)
    size = batch if batch >= 1 else len(tests)
    passed, whole.total = 0, len(tests)
    for start in range(0, len(tests), size):
        chunk = StdioTests(tests[start : start + size], suite.comparison, suite.checker)
        try:
            judged = yield from stdio_task(source, language, chunk, limits, False)
        except InvalidProblem as error:
            return Score.none(str(error), Cause.INVALID_GOLD)
        whole.add(judged)
        if judged.starved:
            return Score.none("the program waited for a CPU until its wall limit passed", Cause.TIMEOUT)
        if judged.compile_error is not None:
            return Score(penalties[1], "the program does not compile")
        if mode == "pass_fail" and judged.passed < len(chunk):
            whole.stopped = len(whole.results) < len(tests)
            break
        passed += judged.passed
    everything, share = float(passed == len(tests)), passed / len(tests)
    value = {"pass_fail": everything, "partial": share, "weighted_sum": everything + 0.1 * share}[mode]
    known = f"{passed} of {len(tests)} tests passed" if mode != "pass_fail" or everything else "a test failed"
    return Score(value, known)


def _tests(row: Mapping[str, Any], need_folder: bool) -> list[InputOutput]:
    generated = row.get("generated_tests")
    cases = [*(row.get("official_tests") or ())]
    if isinstance(generated, list | tuple):
        cases += generated
    elif isinstance(generated, int) and generated > 0:
        folder = os.environ.get("CF_TESTS_FOLDER")
        if folder:
            cases += _generated(folder, row)
        elif need_folder:
            raise ConfigError("cf_code: generated tests are needed; set CF_TESTS_FOLDER to the folder of their files")
    if not cases:
        raise InvalidProblem("the row has no tests")
    try:
        return [InputOutput(str(case["input"]), str(case["output"])) for case in cases]
    except (KeyError, TypeError) as error:
        raise InvalidProblem(f"the tests cannot be read: {type(error).__name__}: {error}") from None


def _generated(folder: str, row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingExtraError("pyarrow", "parquet", "reading generated Codeforces tests") from None
    path = os.path.join(folder, f"test_cases_{int(row['contest_id']):04d}.parquet")
    if not os.path.exists(path):
        raise InvalidProblem(f"there are no generated tests for contest {row['contest_id']}")
    table = parquet.read_table(path).to_pylist()
    mine = [case for case in table if case["problem_id"] == row["id"]]
    return sorted(mine, key=lambda case: int(case.get("test_case_i", 0)))


def _limits(row: Mapping[str, Any], extra_s: float) -> Limits:
    seconds, memory = row.get("time_limit"), row.get("memory_limit")
    cpu = (float(seconds) if isinstance(seconds, int | float) and seconds > 0 else 2.0) + extra_s
    megabytes = int(memory) if isinstance(memory, int | float) and memory > 0 else 256
    return Limits(cpu_s=cpu, wall_s=2 * cpu + 3, memory_mb=megabytes, compile_cpu_s=20, compile_wall_s=60)


def patched(code: str, language: str) -> str:
    """The program with what models forget: C++ headers and ``using namespace std``, imports that Python 3 moved."""
    if language == "cpp":
        head = "" if "bits/stdc++.h" in code else "#include <bits/stdc++.h>\n"
        if "using namespace std;" not in code and "std::" not in code:
            head += "using namespace std;\n"
        return head + code
    code = re.sub(r"^from fractions import gcd\b", "from math import gcd", code, flags=re.MULTILINE)
    return re.sub(r"\bxrange\(", "range(", code)
