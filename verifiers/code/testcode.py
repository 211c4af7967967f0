"""What a piece of test code needs, read from its syntax: which names the program must supply, and what kind it is."""

from __future__ import annotations

import ast
import builtins
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from veritune.verifiers.code.problem import InvalidProblem, ScriptTests

Kind: TypeAlias = Literal["script", "functions", "unittest"]

HELPERS: dict[str, str] = {
    **dict.fromkeys(("isclose", "isnan", "isinf", "isfinite", "fabs", "floor", "ceil", "sqrt", "pi", "inf"), "math"),
    **dict.fromkeys(("deepcopy",), "copy"),
    **dict.fromkeys(("Counter", "defaultdict", "OrderedDict", "deque", "namedtuple"), "collections"),
    "Decimal": "decimal",
    "Fraction": "fractions",
    **dict.fromkeys(("reduce", "partial"), "functools"),
}
"""Names that tests use as if imported. A program does not get to define them, unless they are what is tested."""

_WRAPPERS = frozenset({"set", "list", "tuple", "sorted", "str", "len", "abs", "round", "dict", "int", "float", "all"})
_MODULES = {"np": "numpy", "pd": "pandas", "numpy": "numpy", "pandas": "pandas"}
_BUILTINS = frozenset(dir(builtins))


@dataclass
class TestCode:
    """What the judge tells the tests' sandbox."""

    __test__ = False

    kind: Kind
    call_check: bool = False
    names: list[str] = field(default_factory=list)
    """Asked of the program."""
    subjects: list[str] = field(default_factory=list)
    """The program's functions, whatever else has that name."""
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name → (module, attribute), imported for real."""
    rich: bool = False
    """The tests use classes of the program."""


def analyse(tests: ScriptTests) -> TestCode:
    """Read test code. InvalidProblem where it is no Python, or holds no test."""
    trees = [_parsed(source) for source in tests.tests if source.strip()]
    if not trees:
        raise InvalidProblem("there are no tests")
    kind, call_check = _kind(tests, trees)
    extra = [_parsed(tests.setup)] if tests.setup else []
    prelude = _bound([_parsed_leniently(tests.prelude)])
    bound = _bound([*trees, *extra])
    used = {node.id for tree in (*trees, *extra) for node in ast.walk(tree) if isinstance(node, ast.Name)}
    free = used - bound - prelude - ({"candidate"} if tests.entry else set())
    code = TestCode(kind, call_check)
    bases = _module_bases([*trees, *extra])
    reference = _bound([_parsed_leniently(tests.reference)], imports=False) if tests.reference else None
    if reference is not None:
        subjects = (free & reference) | ({tests.entry} if tests.entry else set())
    else:
        subjects = {tests.entry} if tests.entry else _subjects(free - bases, trees)
    for name in sorted(free - subjects):
        if name in bases:
            code.imports[name] = (_MODULES.get(name, name), "")
        elif name in HELPERS:
            code.imports[name] = (HELPERS[name], name)
        elif name not in _BUILTINS:
            code.names.append(name)
    code.subjects = sorted(subjects & (_BUILTINS | HELPERS.keys())) + ([tests.entry] if tests.entry else [])
    code.names.extend(sorted(subjects - set(code.subjects)))
    code.rich = any(name[:1].isupper() for name in code.names)
    return code


def _parsed(source: str) -> ast.Module:
    try:
        with warnings.catch_warnings():  # the dataset's escapes are not ours to warn about
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidProblem(f"the test code is no Python: {error}") from None


def _parsed_leniently(source: str) -> ast.Module:
    try:
        return _parsed(source)
    except InvalidProblem:
        return ast.Module([], [])


def _kind(tests: ScriptTests, trees: Sequence[ast.Module]) -> tuple[Kind, bool]:
    if len(trees) > 1:
        return "script", False
    tree = trees[0]
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    if any(isinstance(node, ast.ClassDef) and _is_test_case(node) for node in tree.body):
        return "unittest", False
    if "check" in defined and tests.entry:
        called = any(
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _name(node.value.func) == "check"
            for node in tree.body
        )
        return "script", not called
    if any(name.startswith("test") for name in defined):
        return "functions", False
    if not any(isinstance(node, ast.Assert | ast.Raise) for node in ast.walk(tree)) and not _calls_anything(tree):
        raise InvalidProblem("the test code has no assert, check(candidate), unittest case or test function")
    return "script", False


def _calls_anything(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.Call) for node in ast.walk(tree))


def _is_test_case(node: ast.ClassDef) -> bool:
    return any(_name(base).endswith("TestCase") for base in node.bases)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _bound(trees: Sequence[ast.Module], imports: bool = True) -> set[str]:
    """Names that the code itself defines, imports or assigns, at any level."""
    names: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.arg):
                names.add(node.arg)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, ast.ExceptHandler) and node.name:
                names.add(node.name)
            elif imports and isinstance(node, ast.Import | ast.ImportFrom):
                names.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    return names


def _module_bases(trees: Sequence[ast.Module]) -> set[str]:
    """Names that are only used as ``name.attribute`` and are modules of the standard library, or numpy and pandas."""
    attributes: set[str] = set()
    other: set[str] = set()
    for tree in trees:
        inside = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                (attributes if id(node) in inside else other).add(node.id)
    return {n for n in attributes - other if n in sys.stdlib_module_names or n in _MODULES}


def _subjects(free: set[str], trees: Sequence[ast.Module]) -> set[str]:
    """What tests without a named entry are about: a program may define what is a built-in only if nothing else is."""
    if free - _BUILTINS - HELPERS.keys():
        return set()
    helpers = free & HELPERS.keys()
    if helpers:
        return helpers
    called = [
        {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
        for tree in trees
    ]
    everywhere = set.intersection(*called) & free if called else set()
    return (everywhere - _WRAPPERS) or everywhere
