"""What in test code asserts something, read from its syntax: on the host and in the tests' sandbox.

An assertion is what can fail the test by its own doing: ``assert``, a conditional ``raise`` or exit, a call named
``assert…`` or ``fail``, an exception that must come. Its value must be able to differ: ``assert (x, "text")`` does not
count, nor does what only looks at constants of the test.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

EXITS = frozenset({"exit", "quit", "_exit"})
RAISES = frozenset({"raises", "warns", "deprecated_call"})
_SKIPS = frozenset({"SkipTest", "Skipped"})
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_TELLING = frozenset({"input", "eval", "exec", "compile", "globals", "locals", "vars", "getattr", "open", "__import__"})
"""Built-ins whose result may tell of the program, whatever they are given."""
_REFLEXIVE = (ast.Eq, ast.Is, ast.LtE, ast.GtE)
_BUILTINS = frozenset(dir(builtins))

Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"
Kinds: TypeAlias = "dict[type[ast.AST], list[Any]]"
"""A tree's nodes by their type."""


def last_name(node: ast.AST) -> str:
    """The last part of a dotted name; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def constant(node: ast.expr) -> bool | None:
    """The truth of an expression that is always true or always false; None where it may be either."""
    if isinstance(node, ast.Constant):
        return bool(node.value)
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return None if any(isinstance(item, ast.Starred) for item in node.elts) else bool(node.elts)
    if isinstance(node, ast.Dict):
        return None if None in node.keys else bool(node.keys)
    if isinstance(node, ast.Lambda | ast.GeneratorExp):
        return True
    if isinstance(node, ast.JoinedStr):
        return True if any(isinstance(part, ast.Constant) and part.value for part in node.values) else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner = constant(node.operand)
        return None if inner is None else not inner
    if isinstance(node, ast.BoolOp):
        decisive = isinstance(node.op, ast.Or)
        parts = [constant(value) for value in node.values]
        if decisive in parts:
            return decisive
        return None if None in parts else not decisive
    if (
        isinstance(node, ast.Compare)
        and len(node.ops) == 1
        and isinstance(node.ops[0], ast.Eq | ast.Is | ast.LtE | ast.GtE)
    ):
        return True if same_code(node.left, node.comparators[0]) and not _calls(node) else None
    return None


def same_code(one: Any, other: Any) -> bool:
    """Are two expressions written the same?"""
    if type(one) is not type(other):
        return False
    if isinstance(one, ast.AST):
        return all(same_code(getattr(one, name, None), getattr(other, name, None)) for name in one._fields)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same_code, one, other))
    return bool(one == other)


def _calls(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Call | ast.Await | ast.Yield) for inner in ast.walk(node))


def live(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Every node that runs where these statements run: not what inner functions hold, nor what is never reached."""
    for node in body:
        yield node
        if isinstance(node, _SCOPES):
            decorators: list[ast.expr] = getattr(node, "decorator_list", [])
            yield from live(decorators)
            if isinstance(node, ast.Lambda):
                yield from live([node.body])
            elif isinstance(node, ast.ClassDef):
                yield from live([inner for inner in node.body if not isinstance(inner, _SCOPES)])
            continue
        always = constant(node.test) if isinstance(node, ast.If | ast.While) else None
        for name, value in ast.iter_fields(node):
            if (name == "body" and always is False) or (
                name == "orelse" and always is True and isinstance(node, ast.If)
            ):
                continue
            if isinstance(value, list):
                yield from live([item for item in value if isinstance(item, ast.AST)])
            elif isinstance(value, ast.AST):
                yield from live([value])
        if isinstance(node, _ENDS):
            return


class Facts:
    """What the test code as a whole says of its parts."""

    def __init__(self, trees: Sequence[ast.AST], program: Iterable[str] = ()) -> None:
        """``program``: names that are the program's, whatever else has them."""
        self.program = frozenset(program)
        self.functions: dict[str, list[Function]] = {}
        self._known: dict[int, bool] = {}
        nodes = [node for tree in trees for node in ast.walk(tree)]
        kinds: Kinds = {}
        for node in nodes:
            kinds.setdefault(type(node), []).append(node)
        for node in _of(kinds, ast.FunctionDef, ast.AsyncFunctionDef):
            self.functions.setdefault(node.name, []).append(node)
        self.called = {node.func.id for node in _of(kinds, ast.Call) if isinstance(node.func, ast.Name)}
        for node in _of(kinds, ast.Assign):
            if isinstance(node.value, ast.Lambda):
                for target in node.targets:
                    self.functions.setdefault(last_name(target), [])
        self.handed = {name: {n for one in made for n in _handed(one)} for name, made in self.functions.items()}
        """Function → names that it calls, or hands to what it calls."""
        self.renamed = _renamed(_of(kinds, ast.ImportFrom))
        self.assigned = {n.id for n in _of(kinds, ast.Name) if isinstance(n.ctx, ast.Store)}
        self.assigned |= {n.arg for n in _of(kinds, ast.arg)}
        imports = _of(kinds, ast.Import, ast.ImportFrom)
        self.imported = {alias.asname or alias.name for node in imports for alias in node.names}
        self.constants = _constants(kinds)
        self.deciding: set[int] = set()
        self.failing = {name for name, made in self.functions.items() if any(_ends_badly(one) for one in made)}
        blocks = [node for kind, made in kinds.items() if "body" in kind._fields for node in made]
        self.deciding = {id(one) for node in blocks for one in self._deciding(node)}
        self.capable = self._capable()
        self.read: dict[str, set[int]] = {}
        if any("handlers" in kind._fields for kind in kinds):
            self.read = self._read(nodes)

    def _deciding(self, node: ast.AST) -> Iterator[ast.AST]:
        """``if got == want: return``, or ``except ValueError: return``, before what fails the test."""
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            fails = False
            for one in reversed(block if isinstance(block, list) else []):
                branches = [one.body] if isinstance(one, ast.If) else [h.body for h in getattr(one, "handlers", ())]
                if fails and any(isinstance(branch[-1], _ENDS) for branch in branches):
                    yield one
                fails = fails or self.fails(one)
        if isinstance(node, ast.For | ast.While) and any(self.fails(one) for one in node.orelse):
            yield from (one for one in node.body if isinstance(one, ast.If) and isinstance(one.body[-1], ast.Break))

    def _capable(self) -> set[str]:
        """Names of functions that assert, themselves or through one that they mention."""
        found: set[str] = {n for n, made in self.functions.items() if any(self.asserts(one.body) for one in made)}
        mentions = {name: {m for one in made for m in _mentioned(one.body)} for name, made in self.functions.items()}
        while True:
            more = {name for name, seen in mentions.items() if name not in found and seen & found}
            if not more:
                return found
            found |= more

    def _read(self, nodes: Sequence[ast.AST]) -> dict[str, set[int]]:
        """Names that assertions look at → the nodes of those assertions."""
        found: dict[str, set[int]] = {}
        for node in nodes:
            for part in self._looked_at(node):
                for inner in ast.walk(part):
                    if isinstance(inner, ast.Name):
                        found.setdefault(inner.id, set()).add(id(node))
                    elif isinstance(inner, ast.Attribute):
                        found.setdefault(inner.attr, set()).add(id(node))
        return found

    def _looked_at(self, node: ast.AST) -> list[ast.AST]:
        if isinstance(node, ast.Assert):
            return [node.test]
        if isinstance(node, ast.If | ast.IfExp) and self.asserting(node):
            return [node.test]
        if isinstance(node, ast.For | ast.While) and any(self.fails(one) for one in node.orelse):
            return [node]
        if isinstance(node, ast.Call) and self.asserting(node):
            return [*node.args]
        return []

    def asserts(self, body: Sequence[ast.AST]) -> bool:
        """Do these statements hold an assertion, or use a function that does?"""
        capable: set[str] = getattr(self, "capable", set())
        for node in live(body):
            if self.asserting(node) or (isinstance(node, ast.Name | ast.Attribute) and last_name(node) in capable):
                return True
        return False

    def any_assertion(self, tree: ast.AST) -> bool:
        """Does the module's body assert, or a function or method of it? Inner functions count where they are used."""
        body: list[ast.AST] = list(ast.iter_child_nodes(tree))
        if self.asserts([node for node in body if not isinstance(node, _SCOPES)]):
            return True
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if self.asserts(node.body):
                    return True
            elif isinstance(node, ast.ClassDef | ast.If | ast.Try | ast.With | ast.For) and self.any_assertion(node):
                return True
        return False

    def asserting(self, node: ast.AST) -> bool:
        """Is this node an assertion?"""
        if isinstance(node, ast.Assert):
            return not self.hollow(node.test) and constant(node.test) is not False
        if isinstance(node, ast.If):
            return id(node) in self.deciding or self.branch_fails(node.body) or self.branch_fails(node.orelse)
        if isinstance(node, ast.Match):
            return any(self.branch_fails(case.body) for case in node.cases)
        if isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
            return self.must_raise(node)
        if isinstance(node, ast.BoolOp):
            return any(self.fails(value) for value in node.values[1:])
        if isinstance(node, ast.IfExp):
            return self.fails(node.body) or self.fails(node.orelse)
        if isinstance(node, ast.Assign):
            return last_name(node.value).startswith("assert")
        return isinstance(node, ast.Call) and self.asserting_call(node)

    def asserting_call(self, node: ast.Call) -> bool:
        """A library's ``assert…`` with something to look at, ``raises``, an exit with a computed status, ``exec``."""
        name = self.renamed.get(last_name(node.func), last_name(node.func))
        if name in EXITS or name == "SystemExit":
            return any(not isinstance(arg, ast.Constant) for arg in node.args) and not self._text(node)
        if name == "exec":
            return isinstance(node.func, ast.Name)
        if any(last_name(arg).startswith("assert") for arg in node.args):
            return True
        return self.library_assertion(node) and not self.looks_at_nothing(node)

    def library_assertion(self, node: ast.Call) -> bool:
        """A call of an ``assert…`` or ``raises`` that the tests did not define themselves."""
        name = self.renamed.get(last_name(node.func), last_name(node.func))
        return name not in self.functions and (name.startswith(("assert", "failUnless", "failIf")) or name in RAISES)

    def looks_at_nothing(self, node: ast.Call) -> bool:
        """``assertTrue(True)``, ``assertEqual(6, 6)``, ``assertTrue((x == 6, "text"))``."""
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
        name = last_name(node.func)
        if not values or (name in RAISES or "Raises" in name or "Warns" in name):
            return False
        if all(self._pure(value) for value in values):
            return True
        if name in ("assertTrue", "assert_", "assertIsNotNone"):
            return self.hollow(values[0])
        pair = name in ("assertEqual", "assertIs", "assertAlmostEqual", "assertEquals") and len(values) > 1
        return pair and same_code(values[0], values[1]) and not _calls(values[0])

    def hollow(self, test: ast.expr) -> bool:
        """Always true, or true of the tests' own constants only."""
        known = self._known.get(id(test))
        if known is None:
            known = self._known[id(test)] = self._hollow(test)
        return known

    def _hollow(self, test: ast.expr) -> bool:
        if constant(test) is True:
            return True
        if isinstance(test, ast.Name) and test.id not in self.assigned:
            return test.id in self.called or test.id in self.functions
        return constant(test) is None and self._pure(test)

    def _pure(self, node: ast.expr) -> bool:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and inner.id not in self.constants and not self._builtin(inner.id):
                return False
            if isinstance(inner, ast.Attribute | ast.Await | ast.Yield | ast.NamedExpr | ast.Lambda):
                return False
        return "exec" not in self.called and not isinstance(node, ast.Starred)

    def _builtin(self, name: str) -> bool:
        ours = self.assigned | self.imported | self.program | set(self.functions)
        return name in _BUILTINS and name not in ours and name not in _TELLING

    def branch_fails(self, body: Sequence[ast.stmt]) -> bool:
        """A branch of an ``if`` that fails the test; of ``elif``, any branch."""
        if len(body) == 1 and isinstance(body[0], ast.If):
            inner = body[0]
            return self.branch_fails(inner.body) or self.branch_fails(inner.orelse)
        return any(self.fails(one) for one in body)

    def fails(self, node: ast.AST) -> bool:
        """Does this statement or expression, once reached, fail the test?"""
        if isinstance(node, ast.Raise):
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = last_name(raised) if raised is not None else ""
            if name in _SKIPS or name == "StopIteration":
                return False
            return not (name == "SystemExit" and (not isinstance(node.exc, ast.Call) or not self._exit_fails(node.exc)))
        if isinstance(node, ast.Assert):
            return constant(node.test) is False
        if isinstance(node, ast.Expr | ast.Return | ast.Await):
            return node.value is not None and self.fails(node.value)
        if isinstance(node, ast.With | ast.AsyncWith):
            return any(self.fails(one) for one in node.body)
        if not isinstance(node, ast.Call):
            return False
        name = last_name(node.func)
        if name in EXITS:
            return self._exit_fails(node)
        return name in self.failing or (name == "fail" and name not in self.functions)

    def _exit_fails(self, node: ast.Call) -> bool:
        if not node.args:
            return False
        status = node.args[0]
        return not isinstance(status, ast.Constant) or (status.value is not None and status.value != 0)

    def _text(self, node: ast.Call) -> bool:
        """``sys.exit(f"wrong: {x}")`` is a failure, not a verdict that is computed."""
        return any(isinstance(arg, ast.JoinedStr) for arg in node.args)

    def must_raise(self, node: Any) -> bool:
        """``try: f(x); assert False`` and ``try: f(x) … else: raise AssertionError``: an exception must come."""
        if id(node) in self.deciding:
            return True
        return bool(node.handlers) and any(self.fails(one) for one in [*node.body, *node.orelse])


def _handed(function: Function) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            yield from (last_name(one) for one in [node.func, *node.args])


def _ends_badly(function: Function) -> bool:
    """A helper that does nothing but raise, as ``def fail(text): raise AssertionError(text)``."""
    return any(isinstance(one, ast.Raise) for one in function.body)


def _mentioned(body: Sequence[ast.AST]) -> Iterator[str]:
    for node in live(body):
        if isinstance(node, ast.Name | ast.Attribute):
            yield last_name(node)


def _of(kinds: Kinds, *wanted: type[ast.AST]) -> list[Any]:
    return [node for kind in wanted for node in kinds.get(kind, ())]


def _renamed(imported: Sequence[ast.ImportFrom]) -> dict[str, str]:
    """``from numpy.testing import assert_equal as same``: same → assert_equal."""
    return {alias.asname: alias.name for node in imported for alias in node.names if alias.asname}


def _constants(kinds: Kinds) -> set[str]:
    """Names that only ever stand for one literal of the test, and are handed to nobody.

    What is set in a handler or a branch says how the test went.
    """
    values: dict[str, list[ast.expr]] = {}
    spoiled: set[str] = {node.arg for node in _of(kinds, ast.arg)}
    places: list[ast.AST] = []
    for node in _of(kinds, ast.Assign, ast.AnnAssign):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name) and node.value is not None:
                values.setdefault(target.id, []).append(node.value)
            else:
                places.append(target)
    if not values:
        return set()
    branches = _of(kinds, ast.If, ast.Try, ast.For, ast.While, ast.With, ast.match_case, ast.ExceptHandler)
    names = (n for one in branches for n in ast.walk(one) if isinstance(n, ast.Name))
    inside = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    targets = (ast.For, ast.AsyncFor, ast.comprehension, ast.AugAssign, ast.NamedExpr)
    places += [node.target for node in _of(kinds, *targets)]
    places += [node.optional_vars for node in _of(kinds, ast.withitem) if node.optional_vars is not None]
    for node in _of(kinds, ast.Call):
        if last_name(node.func) not in _BUILTINS:
            places += [*node.args, *(keyword.value for keyword in node.keywords)]
    spoiled |= inside
    spoiled |= {n.id for place in places for n in ast.walk(place) if isinstance(n, ast.Name)}
    spoiled |= {name for node in _of(kinds, ast.Global, ast.Nonlocal) for name in node.names}
    spoiled |= {n.value.id for n in _of(kinds, ast.Attribute, ast.Subscript) if isinstance(n.value, ast.Name)}
    found = {name for name, given in values.items() if all(same_code(one, given[0]) for one in given)}
    while spoiled:  # what a handed name holds is handed with it
        held = {n for name in spoiled for value in values.get(name, ()) for n in ast.walk(value)}
        found -= spoiled
        spoiled = {n.id for n in held if isinstance(n, ast.Name)} & found
    while True:
        kept = {name for name in found if all(_literal(value, found) for value in values[name])}
        if kept == found:
            return found
        found = kept


def _literal(node: ast.expr, names: set[str]) -> bool:
    allowed = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.Name, ast.Load,
               ast.operator, ast.unaryop)  # fmt: skip
    return all(
        isinstance(inner, allowed) and (not isinstance(inner, ast.Name) or inner.id in names)
        for inner in ast.walk(node)
    )


def has_output(docstring: str) -> bool:
    """Does an example in this docstring say what must come?"""
    example = False
    for line in docstring.splitlines():
        text = line.strip()
        if text.startswith(">>>"):
            example = True
        elif example and text and not text.startswith("..."):
            return True
        elif not text:
            example = False
    return False


def why_hollow(trees: Sequence[ast.Module]) -> str:
    """One sentence on test code that asserts nothing."""
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Assert) and isinstance(node.test, ast.Tuple):
                return "the test code asserts a tuple, which is always true"
            if isinstance(node, ast.Assert) and constant(node.test) is True:
                return "the test code asserts what is always true"
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Compare):
                return "the test code returns a comparison, which asserts nothing"
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Compare):
                return "the test code holds a bare comparison, which asserts nothing"
            if isinstance(node, ast.Call) and last_name(node.func) == "print" and any(map(_compares, node.args)):
                return "the test code prints a comparison, which asserts nothing"
    return "the test code asserts nothing"


def _compares(node: ast.expr) -> bool:
    return any(isinstance(inner, ast.Compare) for inner in ast.walk(node))
