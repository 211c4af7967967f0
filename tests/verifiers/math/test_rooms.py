"""The rooms of verifiers/math: imports point down, and a file holds one idea."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[3] / "verifiers" / "math"
PREFIX = "veritune.verifiers.math"
BELOW: dict[str, set[str]] = {
    "text": set(),
    "syntax": {"text"},
    "values": {"text", "syntax"},
    "equality": {"text", "syntax", "values"},
    "extraction": {"text", "syntax"},
    "engine": {"text", "syntax", "values", "equality", "extraction"},
}
"""What each room may import beside itself. The engine is every file that lies in no room."""
LONGEST = 400


def room_of(path: Path) -> str:
    parts = path.relative_to(HOME).parts
    return parts[0] if len(parts) > 1 else "engine"


def wrong_imports(source: str, room: str) -> list[str]:
    """Imports of another room that lies beside or above `room`. The options are everybody's."""
    wrong = []
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if not name.startswith(PREFIX) or name.startswith(f"{PREFIX}.options."):
                continue
            there = name.removeprefix(PREFIX).strip(".").split(".")[0]
            there = there if there in BELOW else "engine"
            if there != room and there not in BELOW[room]:
                wrong.append(name)
    return wrong


@pytest.mark.parametrize("path", sorted(HOME.rglob("*.py")), ids=lambda p: str(p.relative_to(HOME)))
def test_imports_point_down_and_files_are_short(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not wrong_imports(source, room_of(path))
    assert source.count("\n") <= LONGEST


def test_an_import_that_points_up_is_seen() -> None:
    assert wrong_imports(f"from {PREFIX}.equality.compare import Comparison", "values")
    assert wrong_imports(f"from {PREFIX}.cascade import decide", "extraction")
    assert wrong_imports(f"from {PREFIX} import symbolic", "equality")
    assert not wrong_imports(f"from {PREFIX}.options import MathOptions", "values")


def test_every_folder_is_a_room_with_its_rank() -> None:
    assert {p.name for p in HOME.iterdir() if (p / "__init__.py").is_file()} == set(BELOW) - {"engine"}
