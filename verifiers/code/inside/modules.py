"""What the tests import: the library's modules, a stand-in for pytest, and the program under the name they give it."""

from __future__ import annotations

import ast
import importlib
import sys
import types
from collections.abc import Callable
from typing import Any

from _veritune_imports import imported  # type: ignore[import-not-found]
from _veritune_stubs import Unsendable  # type: ignore[import-not-found]

_MISSING = object()
_NAMES = ("solution", "main", "candidate_solution", "__main__")


class Solution(types.ModuleType):
    """The program as a module. What it gives is the program's, whatever the tests have under the same name."""

    def __init__(self, name: str, find: Callable[[str], Any], patch: Callable[..., None] | None = None) -> None:
        super().__init__(name)
        self.__dict__["_find"] = find
        self.__dict__["_patch"] = patch
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        value = _MISSING if name.startswith("__") else self.__dict__["_find"](name)
        if value is _MISSING:
            raise AttributeError(f"the program does not define {name}")
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        """Tests may patch what the program defines; see ``Link.patch``."""
        patch = self.__dict__.get("_patch")
        if patch is not None and not name.startswith("__") and not isinstance(value, types.ModuleType):
            patch(name, value)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        if self.__dict__["_patch"] is not None:
            self.__dict__["_patch"](name)


def publish(
    names: list[str], find: Callable[[str, Any], Any], patch: Callable[..., None] | None = None,
    program: types.ModuleType | None = None,
) -> None:  # fmt: skip
    """Let ``import name`` and ``from name import …`` give what the program defines. ``find(name, missing)``.

    ``program``: the module itself, where it is in this process.
    """
    for name in names:
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            path = ".".join(parts[:depth])
            known = sys.modules.get(path)
            if program is not None and depth == len(parts):
                known = sys.modules[path] = program
            elif not isinstance(known, Solution):
                known = sys.modules[path] = Solution(path, lambda wanted: find(wanted, _MISSING), patch)
            if depth > 1:
                setattr(sys.modules[".".join(parts[: depth - 1])], parts[depth - 1], known)


class Imports:
    """Decides for each module that test code imports whose it is."""

    def __init__(
        self, task: dict[str, Any], find: Callable[[str, Any], Any], patch: Callable[..., None] | None = None,
        program: types.ModuleType | None = None,
    ) -> None:  # fmt: skip
        self.find, self.patch, self.program = find, patch, program
        self.task = task
        publish(list(_NAMES), find, patch, program)

    def prepare(self, tree: ast.AST) -> None:
        """Make what ``tree`` imports importable. Raises Unsendable for a module that is not here and not the program.

        A module that the tests import in a ``try`` is theirs to miss.
        """
        for module, wanted, guarded, relative in imported(tree):
            if isinstance(sys.modules.get(module), Solution) or module in _NAMES:
                continue
            if module.partition(".")[0] == "pytest":
                self._stand_in()
            elif relative or not _importable(module, wanted):
                inner = [f"{module}.{name}" for name in wanted if name in _NAMES]
                if (
                    relative
                    or inner
                    or module.rpartition(".")[2] in _NAMES
                    or module in self.task.get("modules", ())
                    or self._fits(module, wanted)
                ):
                    publish([module, *inner], self.find, self.patch, self.program)
                elif not guarded:
                    raise Unsendable(f"the tests import {module}, which is not in the sandbox")

    def _fits(self, module: str, wanted: set[str]) -> bool:
        """A module that the library has, without what is wanted of it, where nothing else says what is tested."""
        return (
            bool(self.task.get("may_import")) and module.partition(".")[0] in sys.stdlib_module_names and bool(wanted)
        )

    def _stand_in(self) -> None:
        if "pytest" not in sys.modules:
            from _veritune_pytest_stand_in import module  # type: ignore[import-not-found]

            sys.modules["pytest"] = module()


def _importable(module: str, wanted: set[str]) -> bool:
    """Is there a module of that name in the library, with any of these names?"""
    try:
        found = importlib.import_module(module)
    except (ImportError, OSError):
        return False
    if not wanted or any(hasattr(found, name) for name in wanted):
        return True
    return any(_importable(f"{module}.{name}", set()) for name in wanted) if hasattr(found, "__path__") else False
