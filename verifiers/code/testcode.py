"""What test code needs, read from its syntax: which names the program must supply, and whether it can assert."""

from __future__ import annotations

import ast
import builtins
import functools
import re
import symtable
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from veritune.verifiers.code.inside.assertions import Facts, has_output, last_name, why_hollow
from veritune.verifiers.code.inside.imports import Import, imported
from veritune.verifiers.code.problem import InvalidProblem, ScriptTests

HELPERS: dict[str, str] = {
    **dict.fromkeys(("isclose", "isnan", "isinf", "isfinite", "fabs", "floor", "ceil", "sqrt", "pi", "inf"), "math"),
    **dict.fromkeys(("deepcopy",), "copy"),
    **dict.fromkeys(("Counter", "defaultdict", "OrderedDict", "deque", "namedtuple"), "collections"),
    "Decimal": "decimal",
    "Fraction": "fractions",
    **dict.fromkeys(("reduce", "partial"), "functools"),
    "TestCase": "unittest",
}
"""Names that tests use as if imported. A program does not get to define them, unless they are what is tested."""

PROGRAM_MODULES = ("solution", "main", "candidate_solution", "__main__")
"""Under these names test code imports the program, whatever else has them."""

_FENCE = re.compile(r"^```\w*\s*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_EXAMPLE = re.compile(r"^\s*>>> (.*)$", re.MULTILINE)
_WRAPPERS = frozenset({"set", "list", "tuple", "sorted", "str", "len", "abs", "round", "dict", "int", "float", "all"})
_MODULES = {"np": "numpy", "pd": "pandas", "numpy": "numpy", "pandas": "pandas"}
_PACKAGES = frozenset(
    """
    PIL aiohttp assertpy attr boto3 bs4 cryptography cv2 dateutil ddt django faker fastapi flask
    freezegun gym hypothesis jax jinja2 jsonschema levenshtein lxml matplotlib mock more_itertools
    networkx nltk nose numba numpy openpyxl pandas parameterized plotly psutil psycopg2 pydantic pymongo
    pytest pytz redis regex requests scipy seaborn shapely six sklearn sortedcontainers spacy sqlalchemy
    statsmodels sympy tensorflow testfixtures toolz torch tqdm transformers yaml
    """.split()  # noqa: SIM905
)
"""Packages that tests use and that may be absent: a test that needs one is undecided, whatever the program does."""
_BUILTINS = frozenset(dir(builtins))
_IMPLICIT = frozenset({"candidate", "__name__", "__file__", "__doc__", "__builtins__", "__debug__", "exit", "quit"})


@dataclass
class TestCode:
    """What the judge tells the tests' sandbox."""

    __test__ = False

    sources: list[str]
    names: list[str] = field(default_factory=list)
    """Asked of the program."""
    subjects: list[str] = field(default_factory=list)
    """The program's functions, whatever else has that name."""
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name → (module, attribute), imported for real."""
    imported: list[str] = field(default_factory=list)
    """Names that are imported from the program, or from a module that may be it."""
    modules: list[str] = field(default_factory=list)
    """Modules that are the program, unless the library has one of that name with what is imported from it."""
    may_import: bool = False
    """Nothing else says what is tested: a module that nobody has is the program."""


def analyse(tests: ScriptTests) -> TestCode:
    """Read test code. InvalidProblem where it is no Python, or asserts nothing."""
    given = (tuple(tests.tests), tests.entry, tests.prelude, tests.setup, tests.reference)
    found = _analyse(*given)
    if isinstance(found, InvalidProblem):
        raise InvalidProblem(str(found))
    return found


@functools.lru_cache(maxsize=512)
def _analyse(
    texts: tuple[str, ...], entry: str | None, prelude: str, setup: str, reference: str
) -> TestCode | InvalidProblem:
    """The same for every completion of a problem."""
    try:
        sources = [_python(source) for source in texts if source.strip()]
        trees = [parsed(source) for source in sources]
        extra = [parsed(setup)] if setup else []
        if not trees:
            raise InvalidProblem("there are no tests")
        every = [*trees, *extra]
        code = _named(TestCode(sources), every, [*sources, setup], list(_hidden(every)), entry, prelude, reference)
        _require_assertions(every, trees, {*code.names, *code.subjects})
        return code
    except InvalidProblem as error:
        return error


def _named(
    code: TestCode, trees: Sequence[ast.Module], sources: Sequence[str], hidden: Sequence[str], entry: str | None,
    prelude: str, reference: str,
) -> TestCode:  # fmt: skip
    """Decide whose each name is. ``hidden``: code in texts, that uses names as well."""
    used, bound = _scopes(sources)
    used |= _scopes(hidden)[0]
    known = _scopes([prelude])[1] | bound
    free = used - known - _IMPLICIT
    bases = _module_bases(trees)
    right = _scopes([reference], imports=False)[1] if reference else set()
    imports = [one for tree in trees for one in imported(tree)]
    certain = {one.module for one in imports if _is_program(one, right | {entry or ""})}
    if reference:
        subjects = (free & right) | ({entry} if entry else set())
    elif entry:
        subjects = {entry}
    elif certain or any(unknown_module(one.module) for one in imports):
        subjects = set()
    else:
        subjects = _subjects(free - bases, trees)
    for name in sorted(free - subjects):
        if name in bases:
            code.imports[name] = (_MODULES.get(name, name), "")
        elif name in HELPERS:
            code.imports[name] = (HELPERS[name], name)
        elif name not in _BUILTINS:
            code.names.append(name)
    code.modules = sorted(certain - set(PROGRAM_MODULES))
    code.may_import = not (entry or certain or subjects or code.names)
    if code.may_import:
        code.modules = sorted({one.module for one in imports if unknown_module(one.module)} | set(code.modules))
    code.subjects = sorted({n for n in subjects if n in _BUILTINS or n in HELPERS} | ({entry} if entry else set()))
    code.names.extend(sorted(subjects - set(code.subjects)))
    code.imported = sorted(
        {n for one in imports if one.module in certain or unknown_module(one.module) for n in one.names}
    )
    return code


def _hidden(trees: Sequence[ast.Module]) -> Iterator[str]:
    """Code that stands in texts: examples of docstrings, and what ``exec`` may be given."""
    for text in _docstrings(trees):
        yield from _EXAMPLE.findall(text)
    nodes = [node for tree in trees for node in ast.walk(tree)]
    if any(isinstance(node, ast.Call) and last_name(node.func) in ("exec", "eval") for node in nodes):
        yield from (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def _require_assertions(every: Sequence[ast.Module], trees: Sequence[ast.Module], program: set[str]) -> None:
    """InvalidProblem where nothing in the code can fail a test but the program's own errors."""
    facts = Facts(every, program)
    if any(map(has_output, _docstrings(trees))):
        return
    if any(facts.any_assertion(tree) for tree in every):
        return
    raise InvalidProblem(why_hollow(trees))


def _docstrings(trees: Sequence[ast.Module]) -> Iterator[str]:
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield ast.get_docstring(node) or ""


def _python(source: str) -> str:
    """The source, dedented and out of its code fence if need be; a text of ``>>>`` examples as a docstring."""
    import textwrap

    source = source.removeprefix("\ufeff")
    try:
        parsed(source)
    except InvalidProblem:
        fenced = _FENCE.search(source)
        if fenced is not None:
            return _python(fenced[1])
        if source.lstrip().startswith(">>>") or "\n>>>" in source:
            return repr(source)
        dedented = textwrap.dedent(source).strip("\n")
        parsed(dedented)
        return dedented
    return source


def parsed(source: str) -> ast.Module:
    """A source's syntax tree. Raises InvalidProblem where it is no Python."""
    try:
        with warnings.catch_warnings():  # the dataset's escapes are not ours to warn about
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidProblem(f"the test code is no Python: {error}") from None


def _scopes(sources: Sequence[str], imports: bool = True) -> tuple[set[str], set[str]]:
    """Names that code uses as globals, and those that it defines (or imports) at the top or declares global."""
    used: set[str] = set()
    bound: set[str] = set()
    for source in sources:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                table = symtable.symtable(source, "tests.py", "exec")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for symbol in table.get_symbols():
            if (symbol.is_assigned() or symbol.is_namespace()) if not symbol.is_imported() else imports:
                bound.add(symbol.get_name())
        _globals(table, used, bound)
    return used, bound


def _globals(table: symtable.SymbolTable, used: set[str], bound: set[str]) -> None:
    top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (top or symbol.is_global()):
            used.add(symbol.get_name())
        if not top and symbol.is_declared_global() and symbol.is_assigned():
            bound.add(symbol.get_name())
    for child in table.get_children():
        _globals(child, used, bound)


def _is_program(one: Import, names: set[str]) -> bool:
    return one.relative or one.module.rpartition(".")[2] in PROGRAM_MODULES or bool(one.names & names)


def unknown_module(module: str) -> bool:
    """Neither of the standard library nor a well-known package: it may be the program."""
    root = module.partition(".")[0]
    return root not in sys.stdlib_module_names and root not in _PACKAGES


def _module_bases(trees: Sequence[ast.Module]) -> set[str]:
    """Names that are only used as ``name.attribute`` and are modules of the standard library, or numpy and pandas."""
    attributes: set[str] = set()
    other: set[str] = set()
    for tree in trees:
        inside = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                (attributes if id(node) in inside else other).add(node.id)
    return {n for n in attributes - other if n in sys.stdlib_module_names or n in (*_MODULES, "pytest")}


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
