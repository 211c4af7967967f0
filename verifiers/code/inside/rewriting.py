"""Rewrites the tests' syntax tree so that their assertions are counted; the program's is never touched."""

from __future__ import annotations

import ast
import builtins
from typing import Any

from _veritune_assertions import EXITS, RAISES, Facts, constant, last_name, live  # type: ignore[import-not-found]

NAME = "__veritune__"
"""Under this name the rewritten code finds its counter."""
_BROAD = frozenset({"Exception", "BaseException", "AssertionError"})
_CLOSE = frozenset({"allclose", "array_equal", "array_equiv"})
_STOPS = frozenset({"StopIteration", "StopAsyncIteration"})


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

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self._unshare([node.left, *node.comparators])
        return self.generic_visit(node)

    def _unshare(self, parts: list[ast.expr]) -> None:
        """``f(xs) == sum(xs)``: what the program does to ``xs`` must not change what it is compared with."""
        for index, part in enumerate(parts):
            others = [n for other in parts[index + 1 :] for n in ast.walk(other) if isinstance(n, ast.Call)]
            if not others:
                return
            names = {n.id for call in others for n in ast.walk(call) if isinstance(n, ast.Name)}
            for call in ast.walk(part):
                if isinstance(call, ast.Call) and self._may_be_asked(call):
                    shared = [isinstance(arg, ast.Name) and arg.id in names for arg in call.args]
                    pairs = zip(call.args, shared, strict=True)
                    call.args = [_call("copied", arg) if one else arg for arg, one in pairs]

    def _may_be_asked(self, call: ast.Call) -> bool:
        name = last_name(call.func)
        return name in self.facts.program or (name not in self.facts.functions and not hasattr(builtins, name))

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
        if library:
            self._unshare(node.args)
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
