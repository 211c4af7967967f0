"""Which modules test code imports, and what it wants of each."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple


class Import(NamedTuple):
    """One module that is imported."""

    module: str
    names: set[str]
    """What is taken from it, or used as its attribute."""
    guarded: bool
    """It stands in a ``try``: the code can do without."""
    relative: bool


def imported(tree: ast.AST, guarded: bool = False) -> Iterator[Import]:
    """Every import below ``tree``, inside functions as well."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, _attributes(tree, alias), guarded, False)
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names} - {"*"}
            if node.module:
                yield Import(node.module, names, guarded, bool(node.level))
            else:
                yield from (Import(name, set(), guarded, True) for name in names)
        else:
            yield from imported(node, guarded or (isinstance(node, ast.Try) and bool(node.handlers)))


def _attributes(tree: ast.AST, alias: ast.alias) -> set[str]:
    """``import module as m``: the names that are used as ``m.name``."""
    base = alias.asname or alias.name
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and _dotted(node.value) == base and isinstance(node.ctx, ast.Load)
    }


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return node.id if isinstance(node, ast.Name) else ""
