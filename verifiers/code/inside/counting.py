"""Counts the assertions that a test executed: what the rewritten code of the tests calls, see ``rewriting``.

Also finds an assertion's failure that the test code swallows: it went on as if nothing had been wrong.
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Callable, Iterable
from typing import Any

from _veritune_assertions import Facts  # type: ignore[import-not-found]
from _veritune_rewriting import rewritten  # type: ignore[import-not-found]


class Counter:
    """Assertions that were executed since ``begin``, and failures that nobody has answered for."""

    def __init__(
        self,
        asked: Callable[[], int],
        from_program: Callable[[BaseException | None], bool],
        stop: type[BaseException] = StopIteration,
    ) -> None:
        """``asked``: how often the program was asked so far. ``from_program``: did the program raise this?

        ``stop``: what stands for a StopIteration that the program raised out of a call.
        """
        self.asked = asked
        self.from_program = from_program
        self.stop = stop
        self.always = False
        """The program was asked for what all tests share."""
        self.ended = self.asked()
        self.begin()

    def begin(self) -> None:
        """Start a test."""
        self.executed = 0
        self.empty = False
        self.before = self.asked()
        self.always = self.always or self.before > self.ended
        self.ended = self.before
        self.failures: list[BaseException | None] = []
        self.excused: list[BaseException | None] = []
        self._quiet = 0

    @property
    def asked_now(self) -> bool:
        """Was the program asked since the test began?"""
        return self.asked() > self.before

    def end(self) -> None:
        """End a test: what the program is asked for until the next one begins is for several tests."""
        self.ended = self.asked()

    def again(self) -> None:
        """The same test with another candidate."""
        self.failures.clear()
        self.excused.clear()

    def share(self, make: Callable[[], Any]) -> Any:
        """Make what several tests use: a fixture of a wider scope, the set-up of a class."""
        before = self.asked()
        made = make()
        self.always = self.always or self.asked() > before
        return made

    def swallowed(self) -> str | None:
        """Why the test failed though it raised nothing; None where it did not."""
        left = [*self.failures, *self.excused]
        if not left:
            return None
        problem = next((one for one in left if one is not None), None)
        said = f": {type(problem).__name__}: {problem}"[:120] if problem is not None else ""
        return f"an assertion failed, and the test code caught it and went on{said}"

    def count(self) -> None:
        if not self._quiet and (self.always or self.asked_now):
            self.executed += 1
        self.excused.clear()

    # -- what the rewritten code calls -------------------------------------------------------------------------------

    def check(self, value: Any) -> bool:
        """The condition of an ``assert``."""
        holds = bool(value)
        if not (self.empty and holds):
            self.count()
        self.empty = False
        if not holds:
            self.failures.append(None)
        return holds

    def decide(self, value: Any) -> Any:
        """The condition of an ``if`` that fails the test in a branch, a computed exit status."""
        self.count()
        return value

    def every(self, items: Iterable[Any]) -> bool:
        """``assert all(…)``; of no items it says nothing."""
        return self._over(items, stop=False)

    def none(self, items: Iterable[Any]) -> bool:
        """``assert not any(…)``; of no items it says nothing."""
        return self._over(items, stop=True)

    def _over(self, items: Iterable[Any], stop: bool) -> bool:
        seen = False
        for item in items:
            seen = True
            if bool(item) is stop:
                return self.check(False)
        return self.check(True) if seen else True

    def whole(self, items: Any) -> bool:
        """``assert items.all()``; of no items it says nothing."""
        self.empty = getattr(items, "size", 1) == 0
        return bool(items.all())

    def close(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``np.allclose`` and its kin, for which nothing is close to everything."""

        def compared(*args: Any, **kwargs: Any) -> Any:
            args = _arrays(args)
            return not _one_is_empty(args) and function(*args, **kwargs)

        return compared

    def copied(self, value: Any) -> Any:
        """An argument that the same assertion needs once more: a copy for the program, which may change it."""
        kind = type(value)
        if kind in (list, tuple):
            return kind(map(self.copied, value))
        if kind is dict:
            return {key: self.copied(item) for key, item in value.items()}
        return kind(value) if kind in (set, bytearray) else value

    def failing(self, problem: Any) -> Any:
        """What a ``raise`` of the test raises."""
        if isinstance(problem, type):
            problem = problem()
        self.failures.append(problem)
        return problem

    def wrap(self, function: Any) -> Any:
        """A library's assertion, counted."""
        if not callable(function):
            return function

        @functools.wraps(function, updated=())
        def counted(*args: Any, **kwargs: Any) -> Any:
            try:
                if _of_arrays(function):
                    args = _arrays(args)
                result = function(*args, **kwargs)
                if _of_arrays(function) and _one_is_empty(args):
                    raise AssertionError("one side is empty, so that nothing is compared")
            except AssertionError as problem:
                self._note(problem)
                raise
            if hasattr(type(result), "__exit__"):
                return result if type(result) is Expectation else Expectation(self, result)
            self.count()
            return result

        return counted

    def quiet(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """An assertion that looks at nothing of the program's, not counted."""

        def uncounted(*args: Any, **kwargs: Any) -> Any:
            self._quiet += 1
            try:
                return function(*args, **kwargs)
            finally:
                self._quiet -= 1

        return uncounted

    def _note(self, problem: BaseException) -> None:
        if not self.from_program(problem) and not (self.failures and self.failures[-1] is problem):
            self.failures.append(problem)

    def caught(self, broad: bool, must_raise: bool, holds_assertion: bool, excuse: str) -> None:
        """The start of an ``except`` whose ``try`` holds an assertion, or where an exception must come.

        ``excuse``: ``quiet`` (nothing is done), ``later`` (what it notes is asserted elsewhere), or none.
        """
        problem = sys.exc_info()[1]
        mine = self._take(problem)
        if mine is not None:
            (self.excused if excuse == "later" else self.failures).extend(mine)
        elif must_raise:
            self.count()
        elif holds_assertion and excuse == "later":
            self.excused.append(problem)
        elif holds_assertion and excuse == "quiet" and not broad:
            self.count()
        elif holds_assertion:
            self.failures.append(problem)

    def _take(self, problem: BaseException | None) -> list[BaseException | None] | None:
        """The failure that this exception is, taken off the list; None where it is no failure of the test's own."""
        for index in range(len(self.failures) - 1, -1, -1):
            if self.failures[index] is problem and problem is not None:
                return [self.failures.pop(index)]
        if not isinstance(problem, AssertionError) or self.from_program(problem):
            return None
        if self.failures and self.failures[-1] is None:
            self.failures.pop()
        return [problem]

    def forget(self, mark: int, problem: BaseException | None) -> None:
        """What failed since ``mark`` was meant to."""
        del self.failures[mark:]

    def execute(self, source: Any, *scopes: Any) -> None:
        """``exec`` of a text that holds tests."""
        exec(self.compiled(source) if isinstance(source, str) else source, *scopes)

    def compiled(self, source: Any, name: str = "tests.py", mode: str = "exec", *more: Any, **options: Any) -> Any:
        """``compile`` of a text that holds tests."""
        if isinstance(source, str) and mode == "exec":
            tree = ast.parse(source)
            source = rewritten(tree, Facts([tree]))
        return compile(source, name, mode, *more, **options)


def _of_arrays(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).partition(".")[0] == "numpy"


def _arrays(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments with the program's own objects read once."""
    import numpy

    return tuple(numpy.asarray(arg) if type(arg).__name__ == "Remote" else arg for arg in args)


def _one_is_empty(args: tuple[Any, ...]) -> bool:
    """Of two things that are compared, exactly one holds nothing."""
    import numpy

    sizes = [numpy.asarray(arg).size for arg in args[:2]]
    return len(sizes) == 2 and (sizes[0] == 0) is not (sizes[1] == 0)


class Expectation:
    """``with pytest.raises(…)`` and its kin: left without complaint, it was an assertion that held."""

    def __init__(self, counter: Counter, inner: Any) -> None:
        self._counter, self._inner = counter, inner

    def __enter__(self) -> Any:
        self._mark = len(self._counter.failures)
        return self._inner.__enter__()

    def __exit__(self, kind: Any, problem: Any, trace: Any) -> Any:
        try:
            swallows = self._inner.__exit__(kind, problem, trace)
        except AssertionError as failed:
            self._counter._note(failed)
            raise
        if swallows:
            self._counter.forget(self._mark, problem)
        if swallows or problem is None:
            self._counter.count()
        return swallows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def count_unittest(counter: Counter) -> None:
    """Have the assertions of ``unittest.TestCase`` counted, under whatever name they are called."""
    import unittest

    for name in dir(unittest.TestCase):
        if name.startswith(("assert", "fail")) and name != "failureException":
            setattr(unittest.TestCase, name, counter.wrap(getattr(unittest.TestCase, name)))
