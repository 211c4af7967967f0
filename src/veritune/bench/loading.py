"""From a grader's name to a timed function of its module, in the process where it is asked.

A worker pool calls functions by ``module:name``. The names here carry what is to be loaded: a module of
:mod:`veritune.bench.graders`, folders to import its peer from, and an argument.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

Finding: TypeAlias = tuple[bool | None, str]
"""Right, wrong or undecided, and the cause or stage."""
Grade: TypeAlias = Callable[[str, str, str], Finding]
"""From a completion, a gold and a prompt to a finding."""
Timed: TypeAlias = Callable[[str, str, str], tuple[Finding, float]]
"""The same with the seconds that it took."""

_PREFIX = "grade_"


def function_of(module: str, folders: Sequence[str] = (), argument: str = "") -> str:
    """The name under which a worker pool finds the grader."""
    asked = json.dumps([module, list(folders), argument])
    return f"{__name__}:{_PREFIX}{asked.encode().hex()}"


def __getattr__(name: str) -> Timed:
    if not name.startswith(_PREFIX):
        raise AttributeError(name)
    module, folders, argument = json.loads(bytes.fromhex(name.removeprefix(_PREFIX)))
    return timed(load(module, folders, argument))


def load(module: str, folders: Sequence[str] = (), argument: str = "") -> Grade:
    """The grader of a module: its ``grade``, or with an argument what its ``make`` gives back."""
    sys.path[:0] = folders
    loaded: Any = importlib.import_module(module)
    found: Grade = loaded.make(argument) if argument else loaded.grade
    return found


def timed(grade: Grade) -> Timed:
    """`grade` with the seconds of wall clock that it takes, measured where it runs."""

    def ask(completion: str, gold: str, prompt: str) -> tuple[Finding, float]:
        start = time.perf_counter()
        found, said = grade(completion, gold, prompt)
        return (found, said), time.perf_counter() - start

    return ask
