"""Examples in docstrings of the tests: each docstring is a test, each expected output an assertion."""

from __future__ import annotations

import ast
import doctest
from collections.abc import Iterator
from typing import Any

from _veritune_assertions import has_output  # type: ignore[import-not-found]
from _veritune_stubs import Absent, Gone, Unsendable  # type: ignore[import-not-found]


def examples(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names and texts of docstrings that hold examples with an output."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            text = ast.get_docstring(node) or ""
            if has_output(text):
                yield getattr(node, "name", "the module"), text


def run(name: str, text: str, names: dict[str, Any], counter: Any) -> None:
    """Run one docstring's examples. Raises AssertionError at the first that differs."""
    test = doctest.DocTestParser().get_doctest(text, names, name, "tests.py", 0)
    _Runner(counter).run(test, out=lambda text: None, clear_globs=False)


def replace() -> None:
    """``doctest.testmod()`` and its kin in the tests do nothing: the judge runs the examples itself."""
    for name in ("testmod", "testfile", "run_docstring_examples"):
        setattr(doctest, name, lambda *args, **kwargs: doctest.TestResults(0, 0))


class _Runner(doctest.DocTestRunner):
    def __init__(self, counter: Any) -> None:
        super().__init__(verbose=False)
        self.counter = counter

    def report_start(self, out: Any, test: Any, example: Any) -> None:
        pass

    def report_success(self, out: Any, test: Any, example: Any, got: str) -> None:
        if example.want.strip():
            self.counter.count()

    def report_failure(self, out: Any, test: Any, example: Any, got: str) -> None:
        raise AssertionError(
            f"{example.source.strip()[:100]} gives {got.strip()[:60]!r}, not {example.want.strip()[:60]!r}"
        )

    def report_unexpected_exception(self, out: Any, test: Any, example: Any, exc_info: Any) -> None:
        if isinstance(exc_info[1], Gone | Unsendable | Absent):
            raise exc_info[1]
        raise AssertionError(f"{example.source.strip()[:100]} raises {type(exc_info[1]).__name__}: {exc_info[1]}"[:200])
