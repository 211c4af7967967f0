"""Imports point down the house, nothing heavy comes in unasked, and the packaging table is the tree."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

ROOT = Path(__file__).resolve().parents[2]
MAY_IMPORT = {
    "plugins": set(),
    "sandbox": {"plugins"},
    "verifiers": {"sandbox", "plugins"},
    "rewards": {"verifiers", "sandbox", "plugins"},
    "trainer": {"rewards", "kernels", "plugins"},
    "kernels": set(),
}
LIGHT = ("plugins", "sandbox", "verifiers", "rewards")
HEAVY = {
    *("torch", "transformers", "trl", "datasets", "pyarrow", "ray", "vllm", "triton", "numpy"),
    *("sympy", "math_verify", "latex2sympy2_extended", "langdetect", "py3langid", "jieba", "httpx"),
}


def modules(room: str) -> list[Path]:
    return sorted(p for p in (ROOT / room).rglob("*.py") if "__pycache__" not in p.parts)


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        names = [f"{node.module}.{alias.name}" for alias in node.names]
        return names if node.module == "veritune" else [node.module or ""]
    return []


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when the module is imported: not the bodies of functions, not what only type checkers read."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from at_import(child)


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_imports_point_down(room: str) -> None:
    wrong = []
    for path in modules(room):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in imported(node):
                parts = name.split(".")
                if parts[0] == "veritune" and (len(parts) < 2 or parts[1] not in MAY_IMPORT[room] | {room}):
                    wrong.append(f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)} imports {name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("room", LIGHT)
def test_nothing_heavy_is_imported_at_the_top(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(room)
        for node in at_import(ast.parse(path.read_text(encoding="utf-8")))
        for name in imported(node)
        if name.split(".")[0] in HEAVY
    ]
    assert not wrong, "\n".join(wrong)


def test_every_light_module_imports_without_anything_heavy() -> None:
    names = [
        "veritune." + ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for room in LIGHT
        for path in modules(room)
        if path.stem != "__main__" and path.parent.name != "inside"  # what is sent into the sandbox runs there alone
    ]
    code = (
        f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
        f"print(sorted({HEAVY!r} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_import_veritune_is_quick_and_brings_nothing() -> None:
    code = (
        "import time; start = time.process_time(); import veritune; took = time.process_time() - start\n"
        "import sys; assert not {'torch', 'pydantic', 'pluggy'} & sys.modules.keys(); print(took)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(3)]
    assert min(float(run.stdout) for run in runs) < 0.15


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    return found


def test_the_packaging_table_is_the_tree(table: dict[str, Any]) -> None:
    packages = {"veritune"} | {
        ".".join(("veritune", *path.parent.relative_to(ROOT / "src/veritune").parts))
        for path in (ROOT / "src/veritune").rglob("__init__.py")
        if path.parent.relative_to(ROOT / "src/veritune").parts[:1]
        and path.parent.relative_to(ROOT / "src/veritune").parts[0] not in MAY_IMPORT
    }
    for room in MAY_IMPORT:
        packages |= {
            ".".join(("veritune", *path.parent.relative_to(ROOT).parts)) for path in (ROOT / room).rglob("__init__.py")
        }
    assert set(table["packages"]) == packages


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_each_room_is_linked_mapped_and_typed(room: str, table: dict[str, Any]) -> None:
    link = ROOT / "src/veritune" / room
    assert link.is_symlink()
    assert link.resolve() == ROOT / room
    assert table["package-dir"][f"veritune.{room}"] == room
    assert (ROOT / room / "py.typed").is_file()
    assert not [p for p in (ROOT / room).rglob("*.py") if not (p.parent / "__init__.py").is_file()]
