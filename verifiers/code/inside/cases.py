"""Runs ``unittest`` cases, each a finding of its own."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from typing import Any

from _veritune_stubs import Absent, Gone, Unsendable  # type: ignore[import-not-found]


def run_cases(
    cases: list[unittest.TestCase],
    begin: Callable[[], None],
    end: Callable[[unittest.TestCase, BaseException | str | None, str], bool],
) -> str | None:
    """Run the cases with their classes' set-up. What failed outside of any of them.

    ``begin()`` before each, ``end(case, problem, skipped)`` after it; False stops.
    """
    result = _Result(begin, end)
    unittest.TestSuite(cases).run(result)
    if result.fatal is not None:
        raise result.fatal
    return result.outside


def settle_methods(settle: Callable[[Any], Any]) -> None:
    """Have what a plain ``TestCase``'s test method returns awaited or exhausted: asynchronous ones, generators."""
    kind: Any = unittest.TestCase
    original = kind._callTestMethod

    def call(self: unittest.TestCase, method: Callable[[], Any]) -> None:
        if isinstance(self, unittest.IsolatedAsyncioTestCase):
            original(self, method)
        else:
            settle(method())

    kind._callTestMethod = call


def replace_runners(collected: Callable[[unittest.TestCase], bool]) -> None:
    """``unittest.main()`` does nothing, nor does a runner with cases that the judge runs itself."""
    unittest.main = lambda *args, **kwargs: None  # type: ignore[assignment]
    original = unittest.TextTestRunner.run

    def run(self: unittest.TextTestRunner, test: Any) -> unittest.TestResult:
        cases = list(_flat(test))
        if all(map(collected, cases)):
            result = unittest.TestResult()
            result.testsRun = len(cases)
            return result
        return original(self, test)

    unittest.TextTestRunner.run = run  # type: ignore[assignment]


def _flat(suite: Any) -> list[Any]:
    return [suite] if isinstance(suite, unittest.TestCase) else [one for part in suite for one in _flat(part)]


class _Result(unittest.TestResult):
    def __init__(self, begin: Callable[[], None], end: Callable[..., bool]) -> None:
        super().__init__()
        self._begin, self._end = begin, end
        self.outside: str | None = None
        self.fatal: BaseException | None = None
        self.problem: BaseException | str | None = None
        self.skipped_for = ""

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.problem, self.skipped_for = None, ""
        self._begin()

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        if self.fatal is not None:
            self.stop()
            return
        try:
            if not self._end(test, self.problem, self.skipped_for):
                self.stop()
        except (Gone, Unsendable) as problem:
            self.fatal = problem
            self.stop()

    def _note(self, test: Any, problem: BaseException) -> None:
        if isinstance(problem, Gone | Unsendable):
            self.fatal = self.fatal or problem
        elif isinstance(test, unittest.TestCase):
            self.problem = self.problem or problem
        else:
            self.outside = f"{type(problem).__name__}: {problem}"[:200]

    def addError(self, test: Any, err: Any) -> None:
        self._note(test, err[1])

    def addFailure(self, test: Any, err: Any) -> None:
        self._note(test, err[1])

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        if err is not None:
            self._note(test, err[1])

    def addSkip(self, test: Any, reason: str) -> None:
        self.skipped_for = f"skipped: {reason}"

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        if isinstance(err[1], Absent | Gone | Unsendable):
            self._note(test, err[1])
        self.skipped_for = "known to fail"

    def addUnexpectedSuccess(self, test: Any) -> None:
        self.problem = "unexpected success"
