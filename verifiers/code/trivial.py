"""Programs that solve nothing, for the names that tests ask for: no test may let one of them pass."""

from __future__ import annotations

from collections.abc import Iterable

from veritune.verifiers.code.problem import CallTests, Problem, StdioTests
from veritune.verifiers.code.testcode import analyse

_TRUE = ("eq", "ne", "lt", "le", "gt", "ge", "contains", "bool", "call")
_ITSELF = ("add", "radd", "sub", "rsub", "mul", "truediv", "abs", "neg", "getitem", "iter", "enter")
_LIAR = (
    "class Liar:\n    __hash__ = object.__hash__\n    def __getattr__(self, name): return lambda *a, **k: True\n"
    + "".join(f"    def __{name}__(self, *a): return True\n" for name in _TRUE)
    + "".join(f"    def __{name}__(self, *a): return self\n" for name in _ITSELF)
    + "    def __next__(self): raise StopIteration\n    def __len__(self): return 0\n\n"
)
_BODIES = {
    "returns None": "return None",
    "raises StopIteration": "raise StopIteration",
    "raises SystemExit": "raise SystemExit(0)",
    "raises ValueError": "raise ValueError('no')",
    "ends the process": "__import__('os')._exit(0)",
    "returns an object that is equal to everything": "return Liar()",
    "returns NaN": "return float('nan')",
    "returns []": "return []",
    "returns 0": "return 0",
    "returns ''": "return ''",
    "returns True": "return True",
    "returns False": "return False",
    "empties its arguments": "[x.clear() for x in a if hasattr(x, 'clear')]\n    return 0",
    "returns its argument": "return a[0]",
}
_STDIO = {"prints nothing": "pass\n", "prints its input": "import sys\nprint(sys.stdin.read(), end='')\n"}


def trivial_programs(problem: Problem) -> dict[str, str]:
    """What each program does → its source. None for a problem in another language than Python."""
    if problem.language not in ("python", "py", "python3"):
        return {}
    if isinstance(problem.tests, StdioTests):
        return dict(_STDIO)
    names = [problem.tests.entry] if isinstance(problem.tests, CallTests) else tested_names(problem)
    return {what: program_that(what, names) for what in ("is empty", *_BODIES)}


def program_that(what: str, names: Iterable[str]) -> str:
    """A program that defines ``names`` and does what a key of :func:`trivial_programs` says in each of them."""
    if what == "is empty":
        return "pass\n"
    body = _BODIES[what]
    head = _LIAR if "Liar" in body else ""
    return head + "".join(f"def {name}(*a, **k):\n    {body}\n" for name in names if name.isidentifier())


def tested_names(problem: Problem) -> list[str]:
    """What test code expects the program to define. Raises InvalidProblem for test code that is none."""
    tests = problem.tests
    if isinstance(tests, StdioTests | CallTests):
        return []
    code = analyse(tests)
    return sorted({*code.names, *code.subjects, *code.imported}) or ["solution"]
