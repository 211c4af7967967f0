"""Finds the tests in test code that was executed: as pytest and unittest do, and as data sets write them."""

from __future__ import annotations

import ast
import functools
import inspect
import types
import unittest
from collections.abc import Callable, Iterable
from typing import Any

from _veritune_assertions import Facts, last_name, live  # type: ignore[import-not-found]
from _veritune_fixtures import Fixtures, required  # type: ignore[import-not-found]

_SETUP = ("setup", "setup_method", "setup_class", "setUp", "teardown", "teardown_method", "teardown_class", "tearDown")
_VERBS = ("check", "verify", "validate", "assert", "should", "run", "main", "it_", "spec", "ensure", "expect")


class Test:
    """One test: what runs it, and whether its code can assert anything."""

    __test__ = False

    def __init__(self, name: str, run: Callable[[], Any], capable: bool = True, case: Any = None) -> None:
        self.name, self.run, self.capable, self.case = name, run, capable, case


class Found:
    """The tests of one source, and which of its functions they are."""

    def __init__(self) -> None:
        self.tests: list[Test] = []
        self.names: set[str] = set()


def guards(tree: ast.Module) -> list[ast.stmt]:
    """The statements under ``if __name__ == "__main__"``, taken out of the tree."""
    found = [node for node in tree.body if isinstance(node, ast.If) and _about_name(node.test)]
    tree.body = [node for node in tree.body if node not in found] or [ast.Pass(lineno=1, col_offset=0)]
    return list(found)


def _about_name(test: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(test))


def drop_calls(body: list[ast.stmt], functions: Iterable[str]) -> list[ast.stmt]:
    """Statements without plain calls of functions that are run as tests anyway."""
    names = set(functions)
    kept = [node for node in body if _plain_call(node) not in names]
    return kept or [ast.Pass(lineno=1, col_offset=0)]


def _plain_call(node: ast.stmt) -> str:
    call = node.value if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not call.args and not call.keywords:
        return call.func.id
    return ""


def test_functions(tree: ast.Module) -> list[str]:
    """Functions ``test…`` at the top that need no argument."""
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test")
        and not node.decorator_list
        and len(node.args.posonlyargs) + len(node.args.args) == len(node.args.defaults)
    ]


def _is_mark(decorator: ast.AST) -> bool:
    """``pytest.mark.…``, or a mark under another name."""
    parts = [node for node in ast.walk(decorator) if isinstance(node, ast.Name | ast.Attribute)]
    return any(last_name(part) in ("pytest", "mark", "parametrize", "fixture") for part in parts)


class Collector:
    """Collects from the names that a source defined."""

    def __init__(
        self, module: types.ModuleType, facts: Facts, mentioned: set[str], candidates: Callable[[], list[Any]],
        settle: Callable[[Any], Any], counter: Any,
    ) -> None:  # fmt: skip
        """``mentioned``: names that the test code uses. ``candidates``: what ``check(candidate)`` may be about.

        ``settle`` ends what a test returns, ``counter`` counts its assertions.
        """
        self.counter = counter
        self.module, self.facts, self.mentioned = module, facts, mentioned
        self.candidates, self.settle = candidates, settle
        self.shared: dict[str, Any] = {}

    def collect(self, new: dict[str, Any]) -> Found:
        """Tests among ``new``, in the order in which they were defined."""
        found = Found()
        cases = self._cases(new)
        for name, value in new.items():
            if self._own(value) and name.startswith("test"):
                self._add(found, name, value)
            elif isinstance(value, type) and self._is_test_class(name, value):
                self._add_class(found, name, value)
        pytest_like = bool(found.tests or cases)
        for name, value in new.items():
            if self._own(value) and not name.startswith(("test", "_")) and self._is_check(name, pytest_like):
                self._add(found, name, value)
        if not found.tests and not cases:
            for name, value in new.items():
                if isinstance(value, type) and name not in self.mentioned and value.__module__ == self.module.__name__:
                    self._add_class(found, name, value, anything=True)
        self._around(found)
        for case in cases:
            found.tests.append(Test(case.id(), lambda: None, self._capable(case._testMethodName), case))
        return found

    def _own(self, value: Any) -> bool:
        """A function of the tests' own, not one that they import."""
        if isinstance(value, functools.partial):
            value = value.func
        inner = inspect.unwrap(value) if inspect.isfunction(value) else None
        return inner is not None and inner.__code__.co_filename in ("tests.py", "<string>")

    def _capable(self, name: str) -> bool:
        return name in self.facts.capable or name not in self.facts.functions

    def _is_check(self, name: str, others: bool) -> bool:
        """A function that asserts and that nobody calls: it is meant to be called by who runs the tests."""
        if name not in self.facts.capable or name in self.mentioned or name.startswith(("setup", "teardown", "setUp")):
            return False
        if any(not _is_mark(one) for made in self.facts.functions.get(name, ()) for one in made.decorator_list):
            return False  # handed to its decorator, which may be the program's
        return not others or name.startswith(_VERBS)

    def _is_test_class(self, name: str, kind: type) -> bool:
        if issubclass(kind, unittest.TestCase) or kind.__module__ != self.module.__name__:
            return False
        methods = [n for n in dir(kind) if n.startswith(("test", "Test"))]
        return bool(methods) and not required(kind) and (name.startswith("Test") or name not in self.mentioned)

    def _cases(self, new: dict[str, Any]) -> list[unittest.TestCase]:
        load = new.get("load_tests")
        loader = unittest.TestLoader()
        kinds = [
            v for v in new.values()
            if isinstance(v, type) and issubclass(v, unittest.TestCase) and v.__module__ == self.module.__name__
        ]  # fmt: skip
        suite = unittest.TestSuite(loader.loadTestsFromTestCase(kind) for kind in kinds)
        if callable(load):
            suite = load(loader, suite, None)
        return list(_flat(suite))

    def _add(self, found: Found, name: str, function: Any, owner: Callable[[], Any] | None = None,
             kind: type | None = None) -> None:  # fmt: skip
        """One test, or one for each of its parameters."""
        asked = required(function)
        bare = function.func if isinstance(function, functools.partial) else function
        marks, cases = self._marks(self.module, kind, bare)
        holders = [vars(self.module), *(vars(k) for k in reversed(kind.__mro__ if kind is not None else ()))]
        fixtures = Fixtures(holders, owner, self.shared, self.counter.share)
        fixtures.always += [n for mark in marks if mark.name == "usefixtures" for n in mark.args]
        free = [n for n in asked if n not in (cases[0][0] if cases else ()) and not fixtures.knows(n)]
        if free and (short_name(name) in self.mentioned or (len(free) > 1 and not short_name(name).startswith("test"))):
            return  # a helper that the tests call themselves
        if len(free) == 1 and free[0] not in self.facts.handed.get(short_name(name), ()):
            if not short_name(name).startswith("test"):
                return
            free = []  # a fixture that is defined elsewhere
        found.names.add(short_name(name))
        capable = self._capable(short_name(name))
        for given, label, more in cases:
            for params in fixtures.variants(asked):
                run = functools.partial(self._run, fixtures, function, asked, given, params, name, free)
                test = Test(f"{name}[{label}]" if label else name, run, capable)
                found.tests.append(_with_marks(test, [*marks, *more]))

    def _marks(self, *holders: Any) -> tuple[list[Any], list[Any]]:
        if not any(getattr(holder, "pytestmark", ()) for holder in holders):
            return [], [({}, "", [])]
        from _veritune_pytest_stand_in import cases, marks  # type: ignore[import-not-found]

        found = marks(*(holder for holder in holders if holder is not None))
        return found, cases(found)

    def _run(self, fixtures: Fixtures, function: Any, asked: list[str], given: dict[str, Any], params: dict[str, Any],
             name: str, free: list[str]) -> None:  # fmt: skip
        """Run it; a single parameter that nobody gives is the candidate."""
        if len(free) != 1:
            fixtures.call(function, asked, given, params, name, self.settle)
            return
        candidates = self.candidates()
        if not candidates:
            raise AssertionError("the program defines no function")
        for index, candidate in enumerate(candidates):
            try:
                fixtures.call(function, asked, {**given, free[0]: candidate}, params, name, self.settle)
                return
            except Exception:
                if index == len(candidates) - 1:
                    raise
                self.counter.again()

    def _add_class(self, found: Found, name: str, kind: type, anything: bool = False) -> None:
        names = list(dict.fromkeys(n for k in reversed(kind.__mro__) for n in vars(k)))
        group = _Group(kind, self.settle, self.counter.share)
        first = len(found.tests)
        for method in names:
            value = inspect.getattr_static(kind, method)
            if inspect.isclass(value) and method.startswith("Test"):
                self._add_class(found, f"{name}.{method}", value)
            is_test = method.startswith("test") or (anything and self._is_check(method, True))
            if (
                not is_test
                or method in _SETUP
                or not isinstance(value, types.FunctionType | staticmethod | classmethod)
            ):
                continue
            start = len(found.tests)
            self._add_method(found, f"{name}.{method}", kind, method, group)
            for test in found.tests[start:]:
                test.run = functools.partial(group.run, test.run, method)
        if len(found.tests) > first:
            found.names.add(name)
            found.tests[-1].run = functools.partial(group.run_last, found.tests[-1].run)

    def _add_method(self, found: Found, name: str, kind: type, method: str, group: _Group) -> None:
        plain = inspect.getattr_static(kind, method)
        bare = getattr(plain, "__func__", plain)

        def call(**values: Any) -> Any:
            return getattr(group.instance(), method)(**values)

        names = required(bare)
        skipped = 0 if isinstance(plain, staticmethod) else 1
        call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY) for n in names[skipped:]]
        )
        call.pytestmark = getattr(bare, "pytestmark", [])  # type: ignore[attr-defined]
        self._add(found, name, call, group.instance, kind)

    def _around(self, found: Found) -> None:
        """``setup_module``, ``setup_function`` and their ends."""
        hooks = vars(self.module)
        before, after = hooks.get("setup_module"), hooks.get("teardown_module")
        each, undo = hooks.get("setup_function"), hooks.get("teardown_function")
        if not found.tests or not any(map(callable, (before, after, each, undo))):
            return
        state = {"set up": False}

        def around(run: Callable[[], Any], function: bool, last: bool) -> None:
            if callable(before) and not state["set up"]:
                state["set up"] = True
                self.counter.share(functools.partial(_hook, before, self.module))
            if callable(each) and function:
                _hook(each, run)
            try:
                run()
            finally:
                if callable(undo) and function:
                    _hook(undo, run)
                if callable(after) and last:
                    _hook(after, self.module)

        for test in found.tests:
            test.run = functools.partial(around, test.run, "." not in test.name, test is found.tests[-1])


class _Group:
    """The methods of one class: an instance for each, the class set up once."""

    def __init__(self, kind: type, settle: Callable[[Any], Any], share: Callable[[Callable[[], Any]], Any]) -> None:
        self.kind, self.settle, self.share = kind, settle, share
        self.ready = False
        self.current: Any = None

    def instance(self) -> Any:
        return self.current

    def run(self, test: Callable[[], Any], method: str) -> None:
        self._set_up()
        self.current = self.kind()
        bound = getattr(self.current, method)
        for name in ("setup_method", "setup", "setUp"):
            self._hook(self.current, name, bound)
        try:
            test()
        finally:
            for name in ("teardown_method", "teardown", "tearDown"):
                self._hook(self.current, name, bound)

    def run_last(self, test: Callable[[], Any]) -> None:
        try:
            test()
        finally:
            self._hook(self.kind, "teardown_class", self.kind)

    def _set_up(self) -> None:
        if not self.ready:
            self.ready = True
            self.share(functools.partial(self._hook, self.kind, "setup_class", self.kind))

    def _hook(self, owner: Any, name: str, argument: Any) -> None:
        hook = getattr(owner, name, None)
        if callable(hook) and type(hook).__name__ != "Fixture":
            self.settle(_hook(hook, argument))


def _hook(function: Callable[..., Any], argument: Any) -> Any:
    return function(argument) if required(function) else function()


def short_name(name: str) -> str:
    """The last part of ``Class.method``."""
    return name.rpartition(".")[2]


def _flat(suite: Any) -> Iterable[unittest.TestCase]:
    if isinstance(suite, unittest.TestCase):
        yield suite
        return
    for one in suite:
        yield from _flat(one)


def _with_marks(test: Test, marks: list[Any]) -> Test:
    """Skipped tests are skipped, expected failures prove nothing."""
    for mark in marks:
        condition = (
            mark.args[0] if mark.name in ("skipif", "xfail") and mark.args else mark.kwargs.get("condition", True)
        )
        if isinstance(condition, str):
            continue
        reason = mark.kwargs.get("reason") or (mark.args[0] if mark.name == "skip" and mark.args else "")
        if mark.name in ("skip", "skipif", "xfail") and condition:
            test.run = functools.partial(_skip, f"{'known to fail' if mark.name == 'xfail' else ''} {reason}".strip())
            test.capable = False
    return test


def _skip(reason: str) -> None:
    raise unittest.SkipTest(reason)


def reaches_assertion(body: list[ast.stmt], facts: Facts, run: set[str]) -> bool:
    """Would these statements execute an assertion outside the functions in ``run``, which are run anyway?"""
    pending, seen = [body], set(run)
    while pending:
        for node in live(pending.pop()):
            if facts.asserting(node):
                return True
            name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            if name and name not in seen:
                seen.add(name)
                pending += [list(one.body) for one in facts.functions.get(name, ())]
    return False
