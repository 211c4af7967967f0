"""The README runs as written: its Python sessions as doctests, its files written, its commands executed in order."""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

BLOCK = re.compile(r"^(<!-- (?P<note>.*?) -->\n)?```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"\A# file: (\S+)\n")


@dataclass
class Block:
    """One fenced block: its language, its text, and the note in a comment above it."""

    kind: str
    body: str
    note: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(m["kind"], m["body"], m["note"] or "") for m in BLOCK.finditer(text)]


@pytest.mark.slow
def test_the_readme_tour_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    tour = blocks(ROOT / "README.md")
    ran = {"pycon": 0, "sh": 0}
    names: dict[str, object] = {}
    for block in tour:
        if block.note.startswith("not run"):
            continue
        if found := FILE.match(block.body):
            (tmp_path / found[1]).write_text(block.body, encoding="utf-8")
        elif block.kind == "pycon":
            _doctest(block.body, names)
            ran["pycon"] += 1
        elif block.kind == "sh":
            _shell(block.body, tmp_path)
            ran["sh"] += 1
    assert ran["pycon"] >= 2
    assert ran["sh"] >= 2


def _doctest(body: str, names: dict[str, object]) -> None:
    test = doctest.DocTestParser().get_doctest(body, names, "README.md", "README.md", 0)
    output: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).run(
        test, out=output.append, clear_globs=False
    )
    names.update(test.globs)
    assert result.failed == 0, "".join(output)


def _shell(body: str, folder: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", body],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, f"{body}\n{done.stdout}\n{done.stderr}"


def test_every_readme_block_says_what_it_is() -> None:
    kinds = {block.kind for block in blocks(ROOT / "README.md")}
    assert kinds <= {"pycon", "sh", "python", "yaml", "text", "toml"}
