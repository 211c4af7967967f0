"""`make demo` with a Python that is too old says so, and leaves nothing that would spoil the next try."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

OLD = """#!/bin/sh
exec {python} -c "
import sys
sys.version_info = ({version}, 0)
exec(open('$1').read())
"
"""


def make(folder: Path, version: str) -> subprocess.CompletedProcess[str]:
    """``make demo`` with a Python that says it is this version, and does nothing but that."""
    if shutil.which("make") is None:
        pytest.skip("needs make")
    python = folder / "python"
    python.write_text(OLD.format(python=sys.executable, version=version.replace(".", ", ")))
    python.chmod(0o755)
    command = ["make", "demo", f"VENV={folder / 'env'}", f"PYTHON={python}"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize("version", ["3.9", "2.7", "3.14"])
def test_another_python_is_refused_before_anything_is_made(tmp_path: Path, version: str) -> None:
    done = make(tmp_path, version)
    assert done.returncode != 0
    assert f"is Python {version}. Nothing was made or changed." in done.stderr
    assert "make PYTHON=python3.12 demo" in done.stderr
    assert not (tmp_path / "env").exists()


def test_the_environment_is_made_anew_where_an_attempt_failed() -> None:
    text = (ROOT / "Makefile").read_text()
    assert re.search(r"-m venv --clear \$\(VENV\)", text), "else an old interpreter would stay in it"


def test_the_bounds_are_those_of_the_package() -> None:
    bounds = (ROOT / ".ci" / "python_version.py").read_text()
    project = (ROOT / "pyproject.toml").read_text()
    said = [int(minor) for minor in re.findall(r"Python :: 3\.(\d+)", project)]
    assert f"OLDEST, NEWEST = (3, {min(said)}), (3, {max(said)})" in bounds
