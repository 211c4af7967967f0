"""A right and a wrong program through the whole judge, before its verdicts are believed on this machine."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable

from veritune.plugins.types import Cause, Verdict
from veritune.sandbox.errors import SandboxUnavailable
from veritune.sandbox.interface import Sandbox
from veritune.verifiers.code.problem import CallTests, InputOutput, InvalidProblem, Problem, ScriptTests, StdioTests

_UNITTEST = """
import fractions, statistics, unittest
class Halves(unittest.TestCase):
    def test_half(self):
        self.assertEqual(half(8), statistics.mean([4, 4]))
        self.assertEqual(half(1), fractions.Fraction(1, 2))
"""
_RIGHT, _WRONG = "def half(x):\n    return x / 2\n", "def half(x):\n    return x\n"
_PRINTS = "import decimal\nprint(decimal.Decimal(input()) / 2)\n"
_ECHOES = "print(input())\n"
_STDIO = Problem(StdioTests([InputOutput("8\n", "4\n")]))
_SPLIT = (
    Problem(CallTests("half", [([8], 4), ([1], 0.5)])),
    Problem(ScriptTests([_UNITTEST], entry="half")),
)

Judge = Callable[[list[tuple[str | None, Problem | InvalidProblem]]], list[Verdict]]
_proven: weakref.WeakSet[Sandbox] = weakref.WeakSet()
_lock = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: globals().update(_lock=threading.Lock()))


def prove(sandbox: Sandbox, judge: Judge) -> None:
    """Once a sandbox. SandboxUnavailable where a right program does not pass here, or a wrong one does.

    The reason is always on our side then: a library that the programs' user cannot read, say.
    """
    with _lock:
        if sandbox in _proven:
            return
        cases = [(_PRINTS, _STDIO, True), (_ECHOES, _STDIO, False)]
        if sandbox.can_link:
            cases += [(code, problem, code is _RIGHT) for problem in _SPLIT for code in (_RIGHT, _WRONG)]
        verdicts = judge([(code, problem) for code, problem, _ in cases])
        for (_, problem, right), verdict in zip(cases, verdicts, strict=True):
            if verdict.correct is not right and verdict.cause != Cause.TIMEOUT:
                raise SandboxUnavailable(
                    f"code cannot be judged in the sandbox {sandbox.name!r} here: a {'right' if right else 'wrong'} "
                    f"program of ours ({type(problem.tests).__name__}) gets {verdict.correct} in the tier "
                    f"{sandbox.report().tier!r}: {verdict.reason}. `veritune doctor` says what works on this machine"
                )
        _proven.add(sandbox)
