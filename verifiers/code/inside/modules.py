"""What the tests import: the library's modules, a stand-in for pytest, and the program under the name they give it."""

from __future__ import annotations

import ast
import importlib
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from _veritune_stubs import Unsendable  # type: ignore[import-not-found]

_MISSING = object()


class Solution(types.ModuleType):
    """The program as a module. What it gives is the program's, whatever the tests have under the same name."""

    def __init__(self, name: str, find: Callable[[str], Any]) -> None:
        super().__init__(name)
        self.__dict__["_find"] = find
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        value = _MISSING if name.startswith("__") else self.__dict__["_find"](name)
        if value is _MISSING:
            raise AttributeError(f"the program does not define {name}")
        return value


def publish(names: list[str], find: Callable[[str, Any], Any]) -> None:
    """Let ``import name`` and ``from name import …`` give what the program defines. ``find(name, missing)``."""
    for name in names:
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            path = ".".join(parts[:depth])
            known = sys.modules.get(path)
            if not isinstance(known, Solution):
                known = sys.modules[path] = Solution(path, lambda wanted: find(wanted, _MISSING))
            if depth > 1:
                setattr(sys.modules[".".join(parts[: depth - 1])], parts[depth - 1], known)


class Imports:
    """Decides for each module that test code imports whose it is."""

    def __init__(self, task: dict[str, Any], find: Callable[[str, Any], Any]) -> None:
        self.find = find
        self.task = task
        publish(["solution", "main", "candidate_solution", "__main__"], find)

    def prepare(self, tree: ast.AST) -> None:
        """Make what ``tree`` imports importable. Raises Unsendable for a module that is not here and not the program.

        A module that the tests import in a ``try`` is theirs to miss.
        """
        unknown: dict[str, set[str]] = {}
        for module, wanted, guarded in imported(tree):
            if isinstance(sys.modules.get(module), Solution):
                continue
            if module.partition(".")[0] == "pytest":
                self._stand_in()
            elif not _importable(module, wanted):
                if self.task.get("may_import") or module in self.task.get("modules", ()):
                    unknown.setdefault(module, set()).update(wanted)
                elif not guarded:
                    raise _not_here(module)
        if unknown:
            self._the_programs(unknown)

    def _the_programs(self, unknown: dict[str, set[str]]) -> None:
        """Unknown modules are the program; but where it has the names of one, the others are somebody else's."""
        certain = set(self.task.get("modules", ()))
        has = {module for module, wanted in unknown.items() if any(self._defines(name) for name in wanted)}
        for module in unknown:
            if has and module not in has | certain:
                raise _not_here(module)
        publish(list(unknown), self.find)

    def _defines(self, name: str) -> bool:
        return self.find(name, _MISSING) is not _MISSING

    def _stand_in(self) -> None:
        if "pytest" not in sys.modules:
            from _veritune_pytest_stand_in import module  # type: ignore[import-not-found]

            sys.modules["pytest"] = module()


def _not_here(module: str) -> Unsendable:
    return Unsendable(f"the tests import {module}, which is not in the sandbox")


def _importable(module: str, wanted: set[str]) -> bool:
    """Is there a module of that name in the library, with any of these names?"""
    try:
        found = importlib.import_module(module)
    except (ImportError, OSError):
        return False
    if not wanted or any(hasattr(found, name) for name in wanted):
        return True
    return any(_importable(f"{module}.{name}", set()) for name in wanted) if hasattr(found, "__path__") else False


def imported(tree: ast.AST, guarded: bool = False) -> Iterator[tuple[str, set[str], bool]]:
    """Modules that are imported, the names wanted of each, and whether the import stands in a ``try``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, _attributes(tree, alias), guarded
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names} - {"*"}
            if node.level and not node.module:
                yield from ((name, set(), guarded) for name in names)
            elif node.module:
                yield node.module, names, guarded
        else:
            inside = guarded or (isinstance(node, ast.Try) and bool(node.handlers))
            yield from imported(node, inside)


def _attributes(tree: ast.AST, alias: ast.alias) -> set[str]:
    """``import module as m``: the names that are used as ``m.name``."""
    base = alias.asname or (alias.name if "." not in alias.name else "")
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == base
    }
