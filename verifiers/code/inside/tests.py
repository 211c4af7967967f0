"""Runs the tests, in a sandbox that the program cannot reach. The answers are here and never leave.

Reads its task from stdin; the last line of stdout is the task's token and the findings as JSON.
"""

from __future__ import annotations

import ast
import importlib
import json
import math
import os
import sys
import traceback
import types
import unittest
from collections.abc import Callable
from typing import Any

from _veritune_codec import Channel, Handles, Refused, decode  # type: ignore[import-not-found]
from _veritune_stubs import Function, Gone, Link, Unsendable, export  # type: ignore[import-not-found]


class _Run:
    """One task and its findings: a line for every test that was run."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.task = task
        self.found: list[list[Any]] = []
        self.abstain: str | None = None
        self.broken: str | None = None
        self.gone: str | None = None
        self.planned = 0
        self.link: Link | None = None

    def record(self, problem: BaseException | str | None) -> bool:
        """Add a test's finding. False where there is no going on."""
        if isinstance(problem, Gone):
            self.gone = str(problem)
            return False
        if isinstance(problem, Unsendable):
            self.abstain = str(problem)
            return False
        self.found.append([problem is None, "" if problem is None else _said(problem)])
        return problem is None or not self.task["stop_early"]

    def leave(self) -> None:
        findings = {
            "found": self.found,
            "gone": self.gone,
            "abstain": self.abstain,
            "broken": self.broken,
            "asked": self.link.asked if self.link is not None else 0,
            "planned": self.planned,
        }
        line = f"\n{self.task['token']} {json.dumps(findings)}\n"
        data = line.encode("utf-8", "backslashreplace")
        while data:
            data = data[os.write(1, data) :]
        os._exit(0)


def _said(problem: BaseException | str) -> str:
    if isinstance(problem, str):
        return problem[:300]
    text = " ".join(traceback.format_exception_only(type(problem), problem)[-1].split())
    frames = [f for f in traceback.extract_tb(problem.__traceback__) if f.filename == "tests.py"]
    where = f" in {frames[-1].line!r}" if frames and frames[-1].line else ""
    return f"{text[:200]}{where[:120]}"


def main() -> None:
    """Run the task on stdin against the program on the channel. Never returns."""
    task = json.loads(sys.stdin.buffer.read())
    run = _Run(task)
    sys.stdin = open(os.devnull)  # noqa: SIM115
    try:
        names = _same_process(run) if task.get("program") is not None else _connect(run)
        if names is not None:
            _KINDS[task["kind"]](run, names)
    except Gone as problem:
        run.gone = str(problem)
    except Unsendable as problem:
        run.abstain = str(problem)
    except Refused as problem:
        run.gone = f"the program's message cannot be read: {problem}"
    run.leave()


def _connect(run: _Run) -> dict[str, Any] | None:
    """The names that the tests see: trusted helpers, then the program's. None where it did not load."""
    task = run.task
    run.link = link = Link(Channel(3), task["rich"])
    try:
        loaded = link.channel.receive()
    except EOFError:
        run.gone = "the program ended while it was loaded"
        return None
    if loaded.get("loaded") is not None:
        error = loaded["loaded"] if type(loaded["loaded"]) is dict else {}
        run.broken = f"the program does not load: {error.get('name')}: {str(error.get('text'))[:200]}"
        return None
    names: dict[str, Any] = {"__name__": "tests"}
    entry = task.get("entry")
    names.update(export(link, set(task["names"])))
    for name, (module, attribute) in task["imports"].items():
        try:
            found = importlib.import_module(module)
        except ImportError:
            continue
        names[name] = getattr(found, attribute) if attribute else found
    _execute(task.get("prelude"), names)
    for name in task["subjects"]:
        names[name] = Function(link, name)
    if entry:
        names[entry] = names["candidate"] = Function(link, entry)
    _publish(names, lambda name: export(link, {name}).get(name))
    return names


def _same_process(run: _Run) -> dict[str, Any] | None:
    """The program's own names: nothing is kept from it, and the verdict says so."""
    names: dict[str, Any] = {"__name__": "solution"}
    try:
        _execute(run.task.get("prelude"), names)
        exec(compile(run.task["program"], "solution.py", "exec", dont_inherit=True), names)
    except BaseException as problem:
        run.broken = f"the program does not load: {_said(problem)}"
        return None
    entry = run.task.get("entry")
    if entry:
        names["candidate"] = names.get(entry) or getattr(names.get("Solution", object)(), entry, None)
    _publish(names, lambda name: None)
    return names


def _publish(names: dict[str, Any], find: Callable[[str], Any]) -> None:
    """Tests may ``from solution import …``."""

    class Solution(types.ModuleType):
        def __getattr__(self, name: str) -> Any:
            value = names[name] if name in names else None if name.startswith("__") else find(name)
            if value is None:
                raise AttributeError(name)
            return value

    for name in ("solution", "main", "candidate_solution"):
        sys.modules[name] = Solution(name)


def _execute(source: str | None, names: dict[str, Any]) -> None:
    if source:
        exec(compile(source, "prelude.py", "exec", dont_inherit=True), names)


def _load(run: _Run, source: str, names: dict[str, Any]) -> None:
    import linecache

    _require_imports(source)
    linecache.cache["tests.py"] = (len(source), None, source.splitlines(keepends=True), "tests.py")
    unittest.main = lambda *a, **k: None  # type: ignore[assignment]
    exec(compile(source, "tests.py", "exec", dont_inherit=True), names)


def _require_imports(source: str) -> None:
    """A module that only the tests ask for and that is not here is no fault of the program's."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            modules = [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
        for module in modules:
            try:
                importlib.import_module(module)
            except (ImportError, OSError):
                raise Unsendable(f"the tests import {module}, which is not in the sandbox") from None


def _attempt(run: _Run, test: Callable[[], Any]) -> bool:
    try:
        test()
    except (KeyboardInterrupt, MemoryError) as problem:
        return run.record(f"{type(problem).__name__} in the test")
    except BaseException as problem:
        return run.record(problem)
    if run.link is not None and run.link.gone is not None:  # a test that catches everything
        return run.record(Gone(run.link.gone))
    return run.record(None)


def _script(run: _Run, names: dict[str, Any]) -> None:
    """Statements one by one; with ``call_check``, one script and then ``check(candidate)``."""
    task = run.task
    try:
        _execute(task.get("setup"), names)
    except BaseException as problem:
        if run.record(problem):
            run.abstain = None
        return
    for source in task["tests"][task["start"] :]:

        def test(source: str = source) -> None:
            _load(run, source, names)
            if task["call_check"]:
                names["check"](names["candidate"])

        if not _attempt(run, test):
            return


def _functions(run: _Run, names: dict[str, Any]) -> None:
    """Every function ``test_…`` is a test, as for pytest."""
    try:
        _load(run, run.task["tests"][0], names)
    except BaseException as problem:
        run.record(problem)
        return
    tests = [v for n, v in names.items() if n.startswith("test") and isinstance(v, types.FunctionType)]
    run.planned = len(tests)
    for test in tests[run.task["start"] :]:
        if not _attempt(run, test):
            return


def _unittest(run: _Run, names: dict[str, Any]) -> None:
    try:
        _load(run, run.task["tests"][0], names)
    except BaseException as problem:
        run.record(problem)
        return
    loader = unittest.TestLoader()
    classes = [v for v in names.values() if isinstance(v, type) and issubclass(v, unittest.TestCase)]
    suite = unittest.TestSuite(loader.loadTestsFromTestCase(c) for c in classes if c is not unittest.TestCase)
    run.planned = suite.countTestCases()
    result = _Result(run)
    try:
        suite.run(result)
    except BaseException as problem:
        run.found = [[False, _said(problem)] for _ in run.found]
    if result.failed_outside:
        run.found.append([False, result.failed_outside])


class _Result(unittest.TestResult):
    """Records each test once; a skipped test proves nothing and fails."""

    def __init__(self, run: _Run) -> None:
        super().__init__()
        self.task_run = run
        self.failed_outside = ""
        self.problem: str | None = None

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.problem = None

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        link = self.task_run.link
        if link is not None and link.gone is not None:
            self.problem = link.gone
        if not self.task_run.record(self.problem):
            self.stop()

    def _note(self, test: Any, error: Any) -> None:
        text = _said(error[1])
        if isinstance(error[1], Unsendable):
            self.task_run.abstain = str(error[1])
        if isinstance(test, unittest.TestCase):
            self.problem = self.problem or text
        else:
            self.failed_outside = text

    def addError(self, test: Any, err: Any) -> None:
        self._note(test, err)

    def addFailure(self, test: Any, err: Any) -> None:
        self._note(test, err)

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        if err is not None:
            self._note(test, err)

    def addSkip(self, test: Any, reason: str) -> None:
        self.problem = f"skipped: {reason}"

    def addUnexpectedSuccess(self, test: Any) -> None:
        self.problem = "unexpected success"


def _calls(run: _Run, names: dict[str, Any]) -> None:
    """``entry(*args)`` against the expected value, with the values' own equality, tuples being lists."""
    function, task = names["candidate"], run.task
    for args, expected in decode(task["tests"], Handles())[task["start"] :]:

        def test(args: list[Any] = args, expected: Any = expected) -> None:
            value = function(*args)
            if not same(value, expected, task["tolerance"]):
                raise AssertionError(f"{_shown(value)} instead of {_shown(expected)}")

        if not _attempt(run, test):
            return


def _shown(value: Any) -> str:
    try:
        return repr(value)[:80]
    except ValueError:
        return "a very long number"


def same(value: Any, expected: Any, tolerance: float) -> bool:
    """Equal, where a JSON row has lists for tuples, strings for keys, and floats are equal within ``tolerance``."""
    if isinstance(expected, dict) and isinstance(value, dict):
        if value.keys() != expected.keys():
            value = {k if isinstance(k, str) else str(k): v for k, v in value.items()}
        return value.keys() == expected.keys() and all(same(value[k], v, tolerance) for k, v in expected.items())
    if isinstance(value, list | tuple) and isinstance(expected, list | tuple):
        pairs = zip(value, expected, strict=False)
        return len(value) == len(expected) and all(same(v, e, tolerance) for v, e in pairs)
    if (isinstance(value, float) and isinstance(expected, int | float)) or isinstance(expected, float):
        number = isinstance(value, int | float)
        try:
            return number and math.isclose(value, expected, rel_tol=tolerance, abs_tol=tolerance)
        except OverflowError:
            return False
    if hasattr(value, "tolist") and isinstance(expected, list | int | float):
        return same(value.tolist(), expected, tolerance)
    return type(value).__name__ != "Remote" and bool(value == expected)


_KINDS = {"calls": _calls, "script": _script, "functions": _functions, "unittest": _unittest}
