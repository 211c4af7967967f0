"""The rooms of the trainer: imports point down, no circle anywhere, no file too long to read."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("run", "stages", "rollout", "observe", "policy", "data", "config", "objective")
"""Each may import those behind it."""
LONGEST = 400


def module_name(path: Path, root: Path) -> str:
    return ".".join(("veritune", *path.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")


def imports(folder: Path, root: Path) -> dict[str, set[str]]:
    """The modules of a folder and which others of them each imports, at the top or within a function."""
    paths = {module_name(p, root): p for p in folder.rglob("*.py") if "__pycache__" not in p.parts}
    found: dict[str, set[str]] = {}
    for module, path in paths.items():
        found[module] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in _named(node):
                while name and name not in paths:
                    name = name.rpartition(".")[0]
                if name and name != module:
                    found[module].add(name)
    return found


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """A path of imports that comes back to where it began; empty where there is none."""
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        for other in sorted(graph[module]):
            found = walk(other, [*path, module])
            if found:
                return found
        done.add(module)
        return []

    return next((found for module in sorted(graph) if (found := walk(module, []))), [])


def upward(graph: Mapping[str, set[str]]) -> list[str]:
    """Imports of the trainer that point up the rooms."""

    def room(module: str) -> int:
        parts = module.split(".")
        return ROOMS.index(parts[2]) if len(parts) > 2 else -1

    return [f"{a} imports {b}" for a, others in graph.items() for b in others if room(b) < room(a)]


@pytest.mark.parametrize("room", ["plugins", "sandbox", "trainer"])
def test_no_module_imports_itself_through_others(room: str) -> None:
    assert circle(imports(ROOT / room, ROOT)) == []


def test_the_trainers_imports_point_down_its_rooms() -> None:
    graph = imports(ROOT / "trainer", ROOT)
    assert {m.split(".")[2] for m in graph if m.count(".") > 1} == set(ROOMS)
    assert upward(graph) == []


def test_no_file_of_the_trainer_is_too_long_to_read() -> None:
    lengths = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in (ROOT / "trainer").rglob("*.py")}
    assert [str(p.relative_to(ROOT)) for p, length in lengths.items() if length > LONGEST] == []


def test_a_circle_and_an_upward_import_are_found(tmp_path: Path) -> None:
    for name, text in {
        "trainer/data/one.py": "import veritune.trainer.data.two\n",
        "trainer/data/two.py": "def f():\n    from veritune.trainer.data import one\n",
        "trainer/run/three.py": "",
        "trainer/policy/four.py": "from veritune.trainer.run.three import x\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    graph = imports(tmp_path / "trainer", tmp_path)
    two = ["veritune.trainer.data.one", "veritune.trainer.data.two"]
    assert circle(graph) == [*two, two[0]]
    assert upward(graph) == ["veritune.trainer.policy.four imports veritune.trainer.run.three"]
