"""Counts the assertions that a test executed, by rewriting the test's syntax tree; the program's is never touched.

Also finds an assertion's failure that the test code swallows: it went on as if nothing had been wrong.
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Callable, Iterable
from typing import Any

from _veritune_assertions import EXITS, RAISES, Facts, constant, last_name, live  # type: ignore[import-not-found]

NAME = "__veritune__"
_BROAD = frozenset({"Exception", "BaseException", "AssertionError"})
_CLOSE = frozenset({"allclose", "array_equal", "array_equiv"})
_STOPS = frozenset({"StopIteration", "StopAsyncIteration"})


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


def rewritten(tree: ast.Module, facts: Facts) -> ast.Module:
    """The tree with its assertions counted. Changed in place."""
    return _Rewriter(facts).visit(tree)  # type: ignore[no-any-return]


def _call(method: str, *args: ast.expr, at: ast.AST | None = None) -> ast.Call:
    """``__veritune__.method(args)``, where the first argument, or ``at``, stands."""
    place = at or args[0]
    name = ast.copy_location(ast.Name(NAME, ast.Load()), place)
    function = ast.copy_location(ast.Attribute(name, method, ast.Load()), place)
    return ast.copy_location(ast.Call(function, list(args), []), place)


class _Rewriter(ast.NodeTransformer):
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.in_try = 0
        self.in_with = 0

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        hollow = self.facts.hollow(node.test)
        self.generic_visit(node)
        if not hollow:
            node.test = self._condition(node.test)
        return node

    def _condition(self, test: ast.expr) -> ast.expr:
        items = _over(test, "all")
        if items is not None:
            return _call("every", items)
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            items = _over(test.operand, "any")
            if items is not None:
                return _call("none", items)
        whole = isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and test.func.attr == "all"
        if whole and not test.args and not test.keywords:  # type: ignore[attr-defined]
            test = _call("whole", test.func.value)  # type: ignore[attr-defined]
        return _call("check", test)

    def visit_If(self, node: ast.If) -> ast.AST:
        decides = self.facts.asserting(node)
        self.generic_visit(node)
        if decides:
            node.test = _call("decide", node.test)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        return self.visit_If(node)  # type: ignore[arg-type]

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        decides = self.facts.asserting(node)
        self.generic_visit(node)
        if decides:
            node.values[0] = _call("decide", node.values[0])
        return node

    def visit_Match(self, node: ast.Match) -> ast.AST:
        decides = self.facts.asserting(node)
        self.generic_visit(node)
        if decides:
            node.subject = _call("decide", node.subject)
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        fails = self.facts.fails(node)
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        name = last_name(raised) if raised is not None else ""
        self.generic_visit(node)
        # What is raised inside a ``with`` is for the context manager to see, not a failure of the test.
        inside = self.in_try and not self.in_with
        if node.exc is not None and fails and name != "SystemExit" and (inside or name == "AssertionError"):
            node.exc = _call("failing", node.exc)
        return node

    def visit_Try(self, node: Any) -> ast.AST:
        must_raise = self.facts.must_raise(node)
        holds = any(self._asserts(one) for one in [*node.body, *node.orelse])
        notes = [self._notes(node, handler, must_raise, holds) for handler in node.handlers]
        self.in_try += 1
        self.generic_visit(node)
        self.in_try -= 1
        for handler, note in zip(node.handlers, notes, strict=True):
            if note is not None:
                handler.body.insert(0, ast.copy_location(ast.Expr(note), handler))
        return node  # type: ignore[no-any-return]

    visit_TryStar = visit_Try

    def _asserts(self, node: ast.AST) -> bool:
        return not self.facts.fails(node) and bool(self.facts.asserts([node]))

    def _notes(self, node: Any, handler: ast.ExceptHandler, must_raise: bool, holds: bool) -> ast.Call | None:
        handler.type = _with_stop(handler.type) if handler.type is not None else None
        if not (must_raise or holds):
            return None
        excuse = ""
        if self._decides(handler) or self._asserted_elsewhere(node, handler):
            excuse = "later"
        elif all(isinstance(one, ast.Pass | ast.Continue | ast.Return) or _is_text(one) for one in handler.body):
            excuse = "quiet"
        constants = (_broad(handler.type), must_raise, holds, excuse)
        given = (ast.copy_location(ast.Constant(value), handler) for value in constants)
        return _call("caught", *given, at=handler)

    def _decides(self, handler: ast.ExceptHandler) -> bool:
        """The handler fails the test, or asserts something else, by itself."""
        return any(self.facts.fails(one) or self.facts.asserting(one) for one in live(handler.body)) or bool(
            self.facts.asserts(handler.body)
        )

    def _asserted_elsewhere(self, node: Any, handler: ast.ExceptHandler) -> bool:
        """What the ``try`` notes down (a flag, a count, a list of failures) is looked at by an assertion outside."""
        own = {id(inner) for inner in ast.walk(node)}
        after = [*node.body[self._first_assertion(node.body) :], *node.orelse, *handler.body]
        for inner in live(after):
            names: set[str] = set()
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                names.add(inner.id)
            elif isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
                names.add(inner.attr)
            elif isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
                names.add(last_name(inner.func.value))
            elif isinstance(inner, ast.Break) or (isinstance(inner, ast.Return) and inner.value is not None):
                return True  # a loop's ``else``, a function's result: a later assertion has to have held
            if any(self.facts.read.get(name, set()) - own for name in names):
                return True
        return False

    def _first_assertion(self, body: list[ast.stmt]) -> int:
        found = (index for index, one in enumerate(body) if self.facts.asserts([one]))
        return next(found, len(body))

    def visit_With(self, node: Any) -> ast.AST:
        for index, item in enumerate(node.items):
            call = item.context_expr
            if isinstance(call, ast.Call) and last_name(call.func) == "suppress" and isinstance(node, ast.With):
                return self.visit(self._suppressed(node, index, call))  # type: ignore[no-any-return]
        self.in_with += 1
        self.generic_visit(node)
        self.in_with -= 1
        return node  # type: ignore[no-any-return]

    def _suppressed(self, node: ast.With, index: int, call: ast.Call) -> ast.stmt:
        """``with suppress(A, B): …`` as ``try: … except (A, B): pass``."""
        body: list[ast.stmt] = node.body
        if node.items[index + 1 :]:
            body = [ast.copy_location(ast.With(node.items[index + 1 :], body), node)]
        kinds = ast.Tuple(list(call.args), ast.Load())
        tried = ast.copy_location(ast.Try(body, [ast.ExceptHandler(kinds, None, [ast.Pass()])], [], []), node)
        outer = ast.copy_location(ast.With(node.items[:index], [tried]), node) if index else tried
        return ast.fix_missing_locations(outer)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        facts, name = self.facts, last_name(node.func)
        library, exits = facts.library_assertion(node), name in EXITS or name == "SystemExit"
        computed = exits and facts.asserting(node)
        nothing = library and facts.looks_at_nothing(node)
        if name in RAISES or "Raises" in name:
            node.args = [_with_stop(arg) for arg in node.args]
        self.generic_visit(node)
        if computed:
            node.args[0] = _call("decide", node.args[0])
        elif library:
            node.func = ast.copy_location(_call("quiet" if nothing else "wrap", node.func), node.func)
        elif name in _CLOSE and name not in facts.functions:
            node.func = _call("close", node.func)
        elif name == "compile" and isinstance(node.func, ast.Name) and name not in facts.functions:
            node.func = _call("compiled", at=node.func).func
        elif name == "exec" and isinstance(node.func, ast.Name) and name not in facts.assigned | set(facts.functions):
            if len(node.args) == 1:
                names = (ast.Name(scope, ast.Load()) for scope in ("globals", "locals"))
                node.args += [ast.fix_missing_locations(ast.copy_location(ast.Call(n, [], []), node)) for n in names]
            node.func = _call("execute", at=node.func).func
        return node

    def visit_FunctionDef(self, node: Any) -> Any:
        outer, self.in_try = self.in_try, 0
        self.generic_visit(node)
        self.in_try = outer
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        """``from .solution import f``: there is no package here."""
        if not node.level:
            return node
        node.level = 0
        if node.module:
            return node
        aliases = [ast.alias(one.name, one.asname) for one in node.names]
        return ast.fix_missing_locations(ast.copy_location(ast.Import(aliases), node))


def _over(test: ast.expr, name: str) -> ast.expr | None:
    """The items of ``all(items)``."""
    if isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id == name and not test.keywords:
        return test.args[0] if len(test.args) == 1 and not isinstance(test.args[0], ast.Starred) else None
    return None


def _broad(kind: ast.expr | None) -> bool:
    """Would this ``except`` catch an assertion's failure?"""
    if kind is None:
        return True
    parts = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(last_name(part) in _BROAD for part in parts)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and constant(node.value) is not None


def _with_stop(kind: ast.expr) -> ast.expr:
    """A test that waits for StopIteration also gets what stands for the program's."""
    if not any(isinstance(part, ast.Name) and part.id in _STOPS for part in ast.walk(kind)):
        return kind
    parts = list(kind.elts) if isinstance(kind, ast.Tuple) else [kind]
    stop = ast.Attribute(ast.Name(NAME, ast.Load()), "stop", ast.Load())
    return ast.fix_missing_locations(ast.copy_location(ast.Tuple([*parts, stop], ast.Load()), kind))
