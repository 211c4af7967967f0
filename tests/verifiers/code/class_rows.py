"""Class-level problems as rows in several styles of test code: data/classes.txt, read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent / "data" / "classes.txt"
STYLES = ("script", "functions", "unittest")


@dataclass(frozen=True)
class ClassProblem:
    """A right program, a wrong one, and tests as plain statements."""

    name: str
    right: str
    wrong: str
    tests: str

    def row(self, style: str) -> dict[str, str]:
        """A row with the tests as one script, as functions ``test_…`` or as a ``unittest`` case."""
        if style == "script":
            # A test script may end itself, as those of some data sets do.
            return {"test_code": self.tests + ("sys.exit(0)\n" if "import sys" in self.tests else "")}
        names = ", ".join(sorted(self._used()))
        body = self.tests if style == "functions" else _with_methods(self.tests)
        lines = "".join(f"    {line}\n" if line else "\n" for line in body.splitlines())
        if style == "functions":
            return {"test_code": f"from solution import {names}\n\n\ndef test_it():\n{lines}"}
        inner = "".join(f"    {line}\n" if line else "\n" for line in lines.splitlines())
        head = f"import unittest\nfrom solution import {names}\n\n\nclass TestIt(unittest.TestCase):\n"
        return {"test_code": f"{head}    def test_it(self):\n{inner}"}

    def _used(self) -> set[str]:
        defined = set()
        for node in ast.parse(self.right).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                defined.add(node.name)
            elif isinstance(node, ast.Assign):
                defined.update(t.id for t in node.targets if isinstance(t, ast.Name))
        return defined & {node.id for node in ast.walk(ast.parse(self.tests)) if isinstance(node, ast.Name)}


class _Methods(ast.NodeTransformer):
    """``assert a == b`` as ``self.assertEqual(a, b)``, and so on."""

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        test, negative = node.test, False
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test, negative = test.operand, True
        names = {
            ast.Eq: "assertEqual", ast.NotEq: "assertNotEqual", ast.Is: "assertIs", ast.IsNot: "assertIsNot",
            ast.In: "assertIn", ast.NotIn: "assertNotIn", ast.Lt: "assertLess", ast.Gt: "assertGreater",
            ast.LtE: "assertLessEqual", ast.GtE: "assertGreaterEqual",
        }  # fmt: skip
        if isinstance(test, ast.Constant):
            return ast.Expr(_call("fail", []))
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and not negative:
            return ast.Expr(_call(names[type(test.ops[0])], [test.left, test.comparators[0]]))
        called = test.func.id if isinstance(test, ast.Call) and isinstance(test.func, ast.Name) else ""
        if called == "isinstance" and not negative and isinstance(test, ast.Call):
            return ast.Expr(_call("assertIsInstance", test.args))
        return ast.Expr(_call("assertFalse" if negative else "assertTrue", [test]))


def _call(name: str, arguments: list[ast.expr]) -> ast.Call:
    return ast.Call(ast.Attribute(ast.Name("self", ast.Load()), name, ast.Load()), arguments, [])


def _with_methods(tests: str) -> str:
    return ast.unparse(ast.fix_missing_locations(_Methods().visit(ast.parse(tests))))


def problems() -> Iterator[ClassProblem]:
    """Every problem of the file."""
    for section in FILE.read_text(encoding="utf-8").split("\n### ")[1:]:
        name, _, rest = section.partition("\n")
        right, _, rest = rest.partition("--- tests\n")
        tests, _, changes = rest.partition("--- wrong\n")
        wrong = right
        for change in changes.strip().splitlines():
            old, _, new = (part.replace("⏎", "\n") for part in change.partition(" => "))
            if old not in wrong:
                raise ValueError(f"{name}: {old!r} is not in the program")
            wrong = wrong.replace(old, new)
        yield ClassProblem(name.strip(), right, wrong, tests)
