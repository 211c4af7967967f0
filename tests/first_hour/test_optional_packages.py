"""Tests skip, and do not fail, where an optional package is absent; any other fault is still one."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.conftest import OPTIONAL, ROOT, what_is_missing
from veritune.plugins import MissingExtraError


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def test_only_an_optional_package_that_is_absent_excuses_a_failure() -> None:
    absent = next(name for name in ("vllm", "e2b", "trackio", "wandb", *OPTIONAL) if what_is_missing(gone(name)))
    assert what_is_missing(gone(f"{absent}.inner")) == absent
    assert what_is_missing(caused(RuntimeError("no"), gone(absent))) == absent
    assert what_is_missing(MissingExtraError(absent, "extra", "this")) == absent
    assert what_is_missing(gone("pytest")) is None, "installed, and no extra"
    assert what_is_missing(gone("veritune.nothing")) is None, "a fault of ours"
    assert what_is_missing(AssertionError(absent)) is None
    assert what_is_missing(None) is None


def gone(name: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(f"No module named {name!r}", name=name)


READ_ALONE = """
import importlib.machinery, json, runpy, sys
absent, found = set(json.loads(sys.argv[1])), importlib.machinery.PathFinder.find_spec
def find(name, path=None, target=None):
    return None if name.partition(".")[0] in absent else found(name, path, target)
importlib.machinery.PathFinder.find_spec = find
for path in sys.argv[2:]:
    runpy.run_path(path)
"""


def test_files_of_fixtures_are_read_without_any_optional_package() -> None:
    """A fault in one of them ends the whole session, where a module of tests is skipped with its reason."""
    files = [str(path) for path in (ROOT / "tests").rglob("conftest.py")]
    command = [sys.executable, "-c", READ_ALONE, json.dumps(sorted(OPTIONAL)), *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
