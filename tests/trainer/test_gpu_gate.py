"""The last run on a GPU is named beside what it ran; where that has changed since, CI says so."""

from __future__ import annotations

import importlib.util
import re
import warnings
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAST = ROOT / "benchmarks" / "results" / "gpu_gate.txt"


@pytest.fixture(scope="module")
def gate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_gate", ROOT / "benchmarks" / "gpu_gate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["gpu_gate"] = module
    spec.loader.exec_module(module)
    return module


def test_the_digest_sees_every_change(gate: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "trainer" / "inner").mkdir(parents=True)
    file = tmp_path / "trainer" / "inner" / "a.py"
    file.write_text("1")
    first = gate.digest("trainer", tmp_path)
    file.write_text("2")
    second = gate.digest("trainer", tmp_path)
    file.rename(file.with_name("b.py"))
    assert len({first, second, gate.digest("trainer", tmp_path)}) == 3


def test_every_test_that_needs_a_gpu_is_in_the_gate(gate: ModuleType) -> None:
    marked = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*.py")
        if re.search(r"mark\.gpu\b", path.read_text(encoding="utf-8"))
    } - {str(Path(__file__).relative_to(ROOT))}
    assert marked == {file for files in gate.TESTS.values() for file in files}


def test_what_ran_on_the_gpu_is_what_is_here(gate: ModuleType) -> None:
    """A difference is no failure: the machine that could mend it is another. It is said in the output."""
    if not LAST.is_file():
        warnings.warn("the GPU gate has not been run yet: make gpu", stacklevel=1)
        pytest.skip("benchmarks/results/gpu_gate.txt is not there: the gate has not been run yet")
    text = LAST.read_text(encoding="utf-8")
    named = dict(re.findall(r"\b(kernels|trainer) ([0-9a-f]{16})\b", text))
    assert set(named) == set(gate.FOLDERS)
    changed = [folder for folder in gate.FOLDERS if named[folder] != gate.digest(folder)]
    if changed:
        commit = re.search(r"^commit +(\S+)", text, re.MULTILINE)
        at = commit[1] if commit else "an unknown commit"
        warnings.warn(
            f"the GPU gate last ran at {at}, and {' and '.join(changed)} changed since: make gpu", stacklevel=1
        )
