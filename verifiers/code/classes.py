"""Which names a row's tests use as classes, read from their syntax.

An object of the program may be handed a value of the tests only where a class is what is tested. The program's side
says what a name is there; whether the tests mean a class is decided here, so that a program that makes a class of what
should be a function gains nothing.
"""

from __future__ import annotations

import ast
import builtins
import functools
import sys
import warnings
from collections.abc import Iterator

_METHODS_OF_VALUES = frozenset(
    name for kind in (str, bytes, list, dict, set, tuple, int, float) for name in dir(kind)
)  # fmt: skip
_CLASS_ARGUMENT = frozenset(("isinstance", "issubclass", "assertIsInstance", "assertNotIsInstance"))
_COMPARED = frozenset(("assertEqual", "assertNotEqual", "assertIs", "assertLess", "assertGreater"))
_RAISED = frozenset(("assertRaises", "assertRaisesRegex", "raises"))
_MODULES = frozenset(("solution", "main", "candidate_solution"))
_LIBRARY = sys.stdlib_module_names | {"numpy", "pandas", "pytest"}
_OF_FUNCTIONS = frozenset(("__name__", "__doc__", "__wrapped__", "__module__", "__annotations__", "__defaults__"))


@functools.lru_cache(maxsize=512)
def classes_under_test(sources: tuple[str, ...], reference: str) -> frozenset[str]:
    """The names that the tests use as classes. A reference solution, if known, decides on those that it defines."""
    found: set[str] = set()
    for source in sources:
        tree = _parsed(source)
        if tree is not None:
            reader = _Reader(tree)
            found |= reader.found - reader.stored - reader.modules
    solution = _parsed(reference) if reference else None
    if solution is not None:
        for node in solution.body:
            if isinstance(node, ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.discard(node.name)
    return frozenset(name for name in found if not hasattr(builtins, name))


def _parsed(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Reader:
    """One tree's evidence."""

    def __init__(self, tree: ast.Module) -> None:
        self.found: set[str] = set()
        self.aliases = {
            alias.asname: alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if alias.asname
        }
        self.modules = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
            if alias.name in _MODULES or alias.name.partition(".")[0] not in _LIBRARY
        }
        """Names of modules that may be the program."""
        self.stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.holds: dict[str, set[str]] = {}
        """Variable, or attribute of self → the names whose call it was given."""
        nodes = list(ast.walk(tree))
        for node in nodes:
            self._assigned(node)
        for node in nodes:
            self._read(node)

    def _name(self, node: ast.AST) -> str:
        """``N`` or ``solution.N``."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id, node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in self.modules:
            return node.attr
        return ""

    def _made(self, node: ast.AST) -> set[str]:
        """The names whose call an expression is: ``N(…)``, a variable that was given it, ``self.x`` likewise."""
        if isinstance(node, ast.Call):
            name = self._name(node.func)
            return {name} if name else set()
        if isinstance(node, ast.Name):
            return self.holds.get(node.id, set())
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            return self.holds.get(f"self.{node.attr}", set())
        if isinstance(node, ast.BinOp):
            return self._made(node.left) | self._made(node.right)
        if isinstance(node, ast.UnaryOp):
            return self._made(node.operand)
        return set()

    def _assigned(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._pair(target, node.value)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            self._pair(node.target, node.value)
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                if item.optional_vars is not None:
                    self._pair(item.optional_vars, item.context_expr)

    def _pair(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, other in zip(target.elts, value.elts, strict=False):
                self._pair(one, other)
            return
        if isinstance(target, ast.Name):
            key = target.id
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
            key = f"self.{target.attr}"
        else:
            return
        if isinstance(value, ast.Call):
            name = self._name(value.func)
            if name:
                self.holds.setdefault(key, set()).add(name)

    def _read(self, node: ast.AST) -> None:
        if isinstance(node, ast.Attribute):
            own = self._name(node.value)
            if own and node.attr not in _OF_FUNCTIONS and isinstance(node.value, ast.Name | ast.Attribute):
                self.found.add(own)
            if node.attr not in _METHODS_OF_VALUES:
                self.found |= self._made(node.value)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            if isinstance(node.value.func, ast.Attribute):  # for what it does, not for what it gives
                self.found |= self._made(node.value.func.value)
        elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            self.found |= self._made(node.value)
        elif isinstance(node, ast.Call):
            self._read_call(node)
        elif isinstance(node, ast.ClassDef):
            self.found |= set(filter(None, map(self._name, node.bases)))
        elif isinstance(node, ast.ExceptHandler) and node.type is not None:
            self.found |= self._all(node.type)
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                self.found |= self._made(item.context_expr)
        elif isinstance(node, ast.BinOp):
            if self._made(node.left) and self._made(node.right):
                self.found |= self._made(node)
        elif isinstance(node, ast.Compare):
            self._read_comparison(node)

    def _read_call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else self._name(node.func)
        if name in _CLASS_ARGUMENT and len(node.args) > 1:
            self.found |= self._all(node.args[1])
        elif name in _RAISED and node.args:
            self.found |= self._all(node.args[0])
        elif name in _COMPARED and len(node.args) > 1:
            made = [self._made(argument) for argument in node.args[:2]]
            self.found |= made[0] | made[1] if all(made) else set()

    def _read_comparison(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        made = [self._made(side) for side in sides]
        if all(made):
            self.found |= set().union(*made)
        if any(isinstance(side, ast.Call) and self._name(side.func) == "type" for side in sides):
            self.found |= {name for side in sides for name in self._all(side)}

    def _all(self, node: ast.expr) -> set[str]:
        return set(self._each(node))

    def _each(self, node: ast.expr) -> Iterator[str]:
        for item in node.elts if isinstance(node, ast.Tuple) else [node]:
            name = self._name(item)
            if name:
                yield name
