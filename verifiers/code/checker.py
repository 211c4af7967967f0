"""Checkers and interactors: programs of the dataset that say whether an output, or a conversation, is right.

Their exit status and what they print have to agree; text of the program that a checker repeats is no verdict.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import signal
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from veritune.sandbox.interface import Job, Limits, Linked, Outcome, Program
from veritune.sandbox.language_names import canonical
from veritune.verifiers.code.problem import Examiner, InputOutput, InvalidProblem, TestResult

_LIMITS = Limits(cpu_s=10, wall_s=30, compile_cpu_s=30, compile_wall_s=90)
_SILENCE_S = 4.0
"""Where neither of the two does anything for so long, each waits for the other."""
_SCORE = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)", re.ASCII)
_YES = frozenset({"true", "ok", "yes", "accepted", "ac", "correct", "right", "pass", "passed"})
_NO = frozenset({"false", "no", "wrong", "wa", "incorrect", "rejected", "fail", "failed", "wrong answer"})
_WRONG, _JUDGES_FAULT, _POINTS, _PARTIALLY = (1, 2, 4, 8), 3, 7, 16
_POINTS_SAID = re.compile(r"^points\s+(\S+)", re.MULTILINE)
_RAISED = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|StopIteration)(?::|$)")
"""The last line of what Python says when a program ends by an exception."""
_BLAMELESS = ("EOFError", "ValueError", "IndexError", "BrokenPipeError", "UnicodeDecodeError")
"""What a Python interactor ends with when it meets a program that is silent, gone or talks nonsense."""


@dataclass(frozen=True)
class Finding:
    """What a checker said."""

    score: float | None
    """In [0, 1]; None where it said nothing that counts."""
    said: str = ""
    doubtful: bool = False
    """Its first and last line contradict each other."""


def check(examiner: Examiner, output: str, test: InputOutput) -> Generator[Job, Any, TestResult]:
    """Ask the checker; where it breaks, ask it about the expected output too, to know whose fault that is.

    InvalidProblem where the checker is to blame: it does not compile, fails on the expected output, or says so
    itself (exit status 3).
    """
    found = yield from _ask(examiner, output, test)
    if found.score is None or found.doubtful:
        gold = yield from _ask(examiner, test.expected, test)
        if gold.score is None or gold.score <= 0:
            raise InvalidProblem(f"the checker fails on the expected output: {gold.said or found.said}")
        if found.score is None:
            return TestResult(False, f"the checker fails on this output: {found.said}")
    score = found.score or 0.0
    reason = "" if score >= 1 else f"the checker gives {score:g}{': ' + found.said if found.said else ''}"
    return TestResult(score >= 1, reason, score=score)


def _ask(examiner: Examiner, output: str, test: InputOutput) -> Generator[Job, Any, Finding]:
    contents = {"input.txt": test.stdin, "answer.txt": test.expected, "output.txt": output}
    inputs = {name: text.encode("utf-8", "surrogateescape") for name, text in contents.items()}
    order = ("input.txt", "answer.txt", "output.txt")
    if canonical(examiner.language) != "python":
        order = ("input.txt", "output.txt", "answer.txt")
    outcome: Outcome = yield Job(program_of(examiner, order), b"", inputs, _room_for(inputs))
    _require_compiled(outcome, "checker")
    return verdict_of(outcome)


def program_of(examiner: Examiner, arguments: tuple[str, ...]) -> Program:
    """The program to run; what is written for testlib finds a header of that name."""
    units = {name: text for name, text in examiner.files.items() if name.endswith((".h", ".hpp"))}
    if canonical(examiner.language) == "cpp" and "testlib.h" in examiner.source and "testlib.h" not in units:
        units["testlib.h"] = _testlib()
    return Program(examiner.language, examiner.source, arguments, units=units)


@functools.cache
def _testlib() -> str:
    return files("veritune.verifiers.code").joinpath("data/testlib.h").read_text(encoding="utf-8")


def _room_for(inputs: Mapping[str, bytes]) -> Limits:
    size, largest = sum(map(len, inputs.values())) >> 20, max(map(len, inputs.values()))
    return dataclasses.replace(_LIMITS, scratch_mb=max(32, 2 * size + 8), file_mb=max(16, largest >> 19))


def _require_compiled(outcome: Outcome, what: str) -> None:
    if outcome.compile_failed:
        assert outcome.compiled is not None
        messages = outcome.compiled.messages.decode("utf-8", "replace")
        error = next((line for line in messages.splitlines() if "error" in line), messages[:200])
        raise InvalidProblem(f"the {what} does not compile: {outcome.compiled.limit_hit or error[:200]}")


def verdict_of(outcome: Outcome) -> Finding:
    """What exit status and output say together. InvalidProblem for status 3: the checker blames the dataset."""
    said = (outcome.stderr_text.strip().splitlines() or [""])[-1][:160]
    status = outcome.exit_code
    if outcome.limit_hit is not None or status is None:
        return Finding(None, outcome.describe())
    if status == _JUDGES_FAULT:
        raise InvalidProblem(f"the checker says that the test itself is at fault (exit status 3): {said}")
    if status == 1 and _RAISED.match(said):
        return Finding(None, said)
    if status in _WRONG:
        return Finding(0.0, said)
    if status == _POINTS:
        return _points(outcome.stderr_text, said)
    if _PARTIALLY <= status < 128:
        return Finding(min(1.0, (status - _PARTIALLY) / 200), said)
    if status != 0:
        return Finding(None, said or outcome.describe())
    return _printed(outcome.stdout_text, said)


def _points(stderr: str, said: str) -> Finding:
    """``points X``: a fraction, or, above 1, a percentage."""
    found = _POINTS_SAID.findall(stderr)
    if not found or _SCORE.fullmatch(found[-1]) is None:
        return Finding(None, said or "points (exit status 7) without a number")
    value = float(found[-1])
    return Finding(min(1.0, max(0.0, value if value <= 1 else value / 100)), said)


def _printed(stdout: str, said: str) -> Finding:
    """Exit status 0 is right, unless a line of its own takes that back or gives part of the points.

    That line is the last one, or the first, where a score may have words behind it. Where both are verdicts and
    differ, one of them may be text of the program: the lower counts.
    """
    lines = [line.strip() for line in stdout.splitlines() if line.strip()]
    if not lines:
        return Finding(1.0, said)
    last, first = _line_score(lines[-1]), _line_score(lines[0])
    if first is None:
        word, _, rest = lines[0].partition(" ")
        first = _line_score(word) if _SCORE.fullmatch(word) else None
        said = rest[:160] or said
    scores = [score for score in (first, last) if score is not None]
    if not scores:
        return Finding(1.0, said)
    return Finding(min(scores), said, doubtful=min(scores) != max(scores))


def _line_score(line: str) -> float | None:
    word = line.casefold().rstrip(".!")
    if _SCORE.fullmatch(line):
        return min(1.0, max(0.0, float(line)))
    return 1.0 if word in _YES else 0.0 if word in _NO else None


# -- interactors -------------------------------------------------------------------------------------------------------


def converse(
    program: Program, interactor: Examiner, test: InputOutput, limits: Limits
) -> Generator[Linked, Any, tuple[TestResult, Outcome]]:
    """Run program and interactor side by side. The interactor's exit status decides, if the program ended well.

    InvalidProblem where the interactor is to blame. The program's outcome is returned too.
    """
    inputs = {"input.txt": test.stdin.encode("utf-8", "surrogateescape")}
    inputs["answer.txt"] = test.expected.encode("utf-8", "surrogateescape")
    order = ("input.txt", "output.txt", "answer.txt")
    room = dataclasses.replace(_room_for(inputs), cpu_s=max(10.0, limits.cpu_s), wall_s=limits.wall_s + 2)
    second = Job(program_of(interactor, order), b"", inputs, room)
    limits = dataclasses.replace(limits, idle_s=min(limits.idle, _SILENCE_S))
    outcome, asked = yield Linked(Job(program, limits=limits), second, by="stdio")
    if not outcome.compile_failed:
        _require_compiled(asked, "interactor")
        return _conversation(outcome, asked), outcome
    return TestResult(False, outcome.describe()), outcome


def _conversation(program: Outcome, interactor: Outcome) -> TestResult:
    own = _own_fault(program)
    if interactor.limit_hit in ("wall", "cpu", "cancelled"):
        return TestResult(False, own or "the program kept the interactor waiting until the time limit", "wall")
    if own is not None and program.limit_hit is not None:
        return TestResult(False, own, program.limit_hit)
    if interactor.signal not in (None, signal.SIGPIPE) or _crashed(interactor):  # the program cannot do that to it
        raise InvalidProblem(f"the interactor fails: {_last_line(interactor) or interactor.describe()}")
    found = Finding(0.0, _last_line(interactor))
    if interactor.exit_code is not None and not _RAISED.match(_last_line(interactor)):
        found = verdict_of(dataclasses.replace(interactor, stdout=b""))
    score = found.score or 0.0
    if score > 0 and own is not None:
        return TestResult(False, own, program.limit_hit)
    reason = "" if score >= 1 else f"the interactor gives {score:g}{': ' + found.said if found.said else ''}"
    if score < 1 and own is not None:
        reason += f" ({own})"
    return TestResult(score >= 1, reason, score=score)


def _own_fault(program: Outcome) -> str | None:
    """What ended the program badly; the end of the interactor did not."""
    if program.ok or program.limit_hit == "cancelled" or program.signal == signal.SIGPIPE:
        return None
    last = _last_line(program)
    if program.limit_hit is None and "BrokenPipeError" in last:
        return None
    return program.describe() + (f": {last}" if last and program.limit_hit is None else "")


def _crashed(interactor: Outcome) -> bool:
    last = _last_line(interactor)
    return interactor.exit_code == 1 and _RAISED.match(last) is not None and not last.startswith(_BLAMELESS)


def _last_line(outcome: Outcome) -> str:
    return (outcome.stderr_text.strip().splitlines() or [""])[-1][:160]
