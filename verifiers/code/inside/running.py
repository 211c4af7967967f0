"""Runs test code: executes it, collects its tests, runs each, and says of each whether it asserted anything."""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import os
import sys
import types
import unittest
from collections.abc import Callable
from typing import Any

import _veritune_cases as cases  # type: ignore[import-not-found]
from _veritune_assertions import Facts  # type: ignore[import-not-found]
from _veritune_collect import (  # type: ignore[import-not-found]
    Collector,
    Found,
    Test,
    drop_calls,
    guards,
    reaches_assertion,
    test_functions,
)
from _veritune_counting import Counter, count_unittest  # type: ignore[import-not-found]
from _veritune_rewriting import NAME, rewritten  # type: ignore[import-not-found]
from _veritune_stubs import Gone, Unsendable  # type: ignore[import-not-found]

FILE = "tests.py"

PASSED, FAILED, SILENT, UNREACHED = "passed", "failed", "silent", "unreached"
"""What came of a test. *Silent*: it asserted nothing about the program. *Unreached*: it could have, and asked the
program, but no assertion was executed."""

Finding = tuple[str, "BaseException | str | None"]


class Code:
    """The sources of one task, executed in one module."""

    def __init__(
        self, run: Any, module: types.ModuleType, counter: Counter, prepare: Callable[[ast.AST], None]
    ) -> None:
        self.run, self.module, self.counter, self.prepare = run, module, counter, prepare
        self.names = vars(module)
        self.names[NAME] = counter
        self.names.setdefault("__file__", FILE)
        self.names.update({name: sys.exit for name in ("exit", "quit") if not hasattr(builtins, name)})
        task = run.task
        self.setup = ast.parse(task.get("setup") or "")
        self.trees = [ast.parse(source) for source in task["tests"]]
        program = [*task["names"], *task["subjects"], task.get("entry") or ""]
        self.facts = Facts([self.setup, *self.trees], program)
        self.mentioned = _mentioned([self.setup, *self.trees])
        self.several = len(self.trees) > 1
        self._prepare_library()

    def _prepare_library(self) -> None:
        import importlib

        os._exit = sys.exit  # type: ignore[assignment]
        source = "\n".join([self.run.task.get("setup") or "", *self.run.task["tests"]])
        if "unittest" in source:
            count_unittest(self.counter)
            cases.settle_methods(settle)
            cases.replace_runners(lambda case: vars(self.module).get(type(case).__name__) is type(case))
        if "doctest" in source:
            importlib.import_module("_veritune_doctests").replace()

    def run_all(self) -> None:
        """Run the tests from ``start`` on."""
        run, task = self.run, self.run.task
        sys.modules[self.module.__name__] = self.module
        if self.setup.body:
            finding = self._attempt(lambda: self._execute(self.setup))
            if finding[0] == FAILED:
                run.record(*finding)
                return
        self.counter.always = self.counter.always or self.counter.asked() > 0
        if self.several:
            self._list()
            return
        run.planned = max(1, task["start"])
        _cache_lines(task["tests"][0])
        _Source(self, self.trees[0]).run(task["start"], run.record)

    def _list(self) -> None:
        """Each text is one test, whatever it defines."""
        self.run.planned = len(self.trees)
        for index, tree in enumerate(self.trees):
            _cache_lines(self.run.task["tests"][index])
            if index < self.run.task["start"]:
                if not self.facts.asserts([tree]):
                    self._attempt(functools.partial(self._execute, tree))
                continue
            findings: list[Finding] = []

            def keep(state: str, problem: Any, findings: list[Finding] = findings) -> bool:
                findings.append((state, problem))
                return state != FAILED

            _Source(self, tree).run(0, keep)
            if not self.run.record(*_together(findings)):
                return

    def _attempt(self, test: Callable[[], Any], capable: bool = True) -> Finding:
        """Run one test. Raises Gone and Unsendable."""
        self.counter.begin()
        problem: BaseException | str | None = None
        skipped = ""
        try:
            test()
        except (Gone, Unsendable):
            raise
        except unittest.SkipTest as error:
            skipped = str(error) if type(error).__name__ == "XFailed" else f"skipped: {error}"
        except SystemExit as error:
            if self.counter.from_program(error) or error.code not in (None, 0, False):
                problem = error
        except (KeyboardInterrupt, MemoryError) as error:
            problem = f"{type(error).__name__} in the test"
        except BaseException as error:
            problem = error
        return self.judge(problem, skipped, capable)

    def judge(self, problem: BaseException | str | None, skipped: str, capable: bool) -> Finding:
        """What a test that has ended says. Raises Gone and Unsendable that the test's code swallowed."""
        counter = self.counter
        counter.end()
        self.run.check_link()
        if problem is None and skipped:
            known = skipped.startswith("known to fail") or not counter.asked_now
            return (SILENT if known else FAILED), skipped
        problem = problem or self.run.absent() or counter.swallowed()
        if problem is not None:
            return FAILED, problem
        if counter.executed:
            return PASSED, None
        return (UNREACHED if capable and counter.asked_now else SILENT), "no assertion about the program was executed"

    def _execute(self, tree: ast.Module) -> None:
        self.prepare(tree)
        exec(compile(rewritten(tree, self.facts), FILE, "exec", dont_inherit=True), self.names)


class _Source:
    """One source: its body, the tests that it defines, its main guard."""

    def __init__(self, code: Code, tree: ast.Module) -> None:
        self.code, self.tree = code, tree
        self.guards = guards(tree)
        self.capable = code.facts.asserts(tree.body)

    def run(self, start: int, record: Callable[..., bool]) -> None:
        """Run what is from ``start`` on: 0 is the body, then come the tests in order."""
        code = self.code
        before = dict(code.names)
        plain = test_functions(self.tree)
        docs = self._documented()
        self.tree.body = drop_calls(self.tree.body, plain)
        finding = code._attempt(lambda: code._execute(self.tree), self.capable)
        if start == 0 and not record(*finding):
            return
        if finding[0] == FAILED or str(finding[1]).startswith("skipped"):
            return
        code.counter.always = code.counter.always or code.counter.asked_now
        new = {n: v for n, v in code.names.items() if n != "__builtins__" and before.get(n, self) is not v}
        found = self._collect(new, docs, finding[0] == PASSED)
        tests = [test for test in found.tests if test.case is None]
        cases = [test for test in found.tests if test.case is not None]
        code.run.planned = max(code.run.planned, 1 + len(found.tests)) if not code.several else code.run.planned
        for index, test in enumerate(tests, start=1):
            if index >= start and not record(*code._attempt(test.run, test.capable)):
                return
        self._cases(cases[max(0, start - 1 - len(tests)) :], record)

    def _documented(self) -> list[tuple[str, str]]:
        source = ast.dump(self.tree) if ">>>" in "".join(self.code.run.task["tests"]) else ""
        if not source:
            return []
        from _veritune_doctests import examples  # type: ignore[import-not-found]

        return list(examples(self.tree))

    def _collect(self, new: dict[str, Any], docs: list[tuple[str, str]], asserted: bool) -> Found:
        code = self.code
        collector = Collector(code.module, code.facts, code.mentioned, code.run.candidates, settle, code.counter)
        found = collector.collect(new)
        guard = [node for one in self.guards for node in one.body] if self.guards else []
        guard = drop_calls(guard, found.names)
        ran = found.names | {n for n, v in new.items() if isinstance(v, type) and issubclass(v, unittest.TestCase)}
        if reaches_assertion(guard, code.facts, ran):
            found.tests.insert(len([t for t in found.tests if t.case is None]), Test("the main guard", self._run_guard))
        if docs and ("doctest" in code.mentioned or not (found.tests or asserted)):
            from _veritune_doctests import run as run_examples

            for name, text in docs:
                found.tests.insert(0, Test(name, lambda n=name, t=text: run_examples(n, t, code.names, code.counter)))
        return found

    def _run_guard(self) -> None:
        names = self.code.names
        kept = names["__name__"]
        tree = ast.Module(list(self.guards), [])
        for node in tree.body:
            node.body = drop_calls(node.body, test_functions(self.tree)) if isinstance(node, ast.If) else []  # type: ignore[attr-defined]
        names["__name__"] = "__main__"
        try:
            self.code._execute(tree)
        finally:
            names["__name__"] = kept

    def _cases(self, tests: list[Test], record: Callable[..., bool]) -> None:
        if not tests:
            return
        code, capable = self.code, {id(test.case): test.capable for test in tests}

        def end(case: Any, problem: Any, skipped: str) -> bool:
            if isinstance(problem, SystemExit) and not code.counter.from_program(problem) and not problem.code:
                problem = None
            return record(*code.judge(problem, skipped, capable.get(id(case), True)))

        outside = cases.run_cases([test.case for test in tests], code.counter.begin, end)
        if outside:
            record(FAILED, outside)


def settle(result: Any) -> Any:
    """Run what a test returned to its end: a coroutine, a generator and the checks that it yields."""
    if not inspect.isgenerator(result) and inspect.isawaitable(result):
        import asyncio

        async def whole() -> Any:
            return await result

        return settle(asyncio.run(whole()))
    if inspect.isgenerator(result):
        for given in result:
            check = given[0] if isinstance(given, tuple) and given and callable(given[0]) else given
            if callable(check):
                settle(check(*given[1:]) if isinstance(given, tuple) else check())
    elif inspect.isasyncgen(result):
        import asyncio

        async def exhaust() -> None:
            async for _ in result:
                pass

        asyncio.run(exhaust())
    return None


def _together(findings: list[Finding]) -> Finding:
    """One finding of a text that held several tests."""
    for wanted in (FAILED, PASSED, UNREACHED):
        for finding in findings:
            if finding[0] == wanted:
                return finding
    return findings[0] if findings else (SILENT, "")


def _mentioned(trees: list[ast.Module]) -> set[str]:
    """Names that the code uses, other than in functions of that name, and in main guards that only list tests."""
    found: set[str] = set()

    def visit(node: ast.AST, inside: frozenset[str]) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside |= {node.name}
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.update(alias.name for alias in node.names)
            found.add(getattr(node, "module", None) or "")
        if name and name not in inside and not isinstance(getattr(node, "ctx", None), ast.Store):
            found.add(name)
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    for tree in trees:
        visit(tree, frozenset())
    return found


def _cache_lines(source: str) -> None:
    import linecache

    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
