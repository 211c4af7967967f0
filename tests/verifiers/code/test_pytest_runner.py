"""``isolation: pytest``: test files as pytest runs them, with a verdict that says that nothing was kept apart."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from veritune.plugins import Cause, Verdict
from veritune.verifiers.code import CodeVerifier

SANDBOX = {"name": "local", "packages": ["numpy", "pytest"]}
FILE = """
import os
import pytest
from solution import double

@pytest.fixture
def numbers():
    return [1, 2]

@pytest.mark.parametrize("value", [3, 4])
def test_values(value, numbers, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("NAME", "x")
    print(os.environ["NAME"])
    assert capsys.readouterr().out == "x\\n"
    assert double(value) == value + value
    assert [double(n) for n in numbers] == [2, 4]

class TestErrors:
    def test_raises(self):
        with pytest.raises(TypeError):
            double(None)
"""
RIGHT = "def double(x):\n    return 2 * x\n"
CASES: dict[str, tuple[str, str | list[str], float | Cause]] = {
    "right": (RIGHT, FILE, 1.0),
    "wrong": (RIGHT.replace("2 *", "3 *"), FILE, 1 / 3),
    "raises": ("def double(x):\n    raise TypeError", FILE, 1 / 3),
    "does not load": ("def double(x:", FILE, 0.0),
    "lacks the name": ("def triple(x):\n    return 3 * x\n", FILE, 0.0),
    "leaves while it loads": ("import os\nos._exit(0)", FILE, 0.0),
    "leaves in a call": ("import os\ndef double(x):\n    os._exit(0)", FILE, 0.0),
    "exits": ("def double(x):\n    raise SystemExit(0)", FILE, 0.0),
    "skips": ("import pytest\ndef double(x):\n    pytest.skip('no')", FILE, 0.0),
    "never ends": ("def double(x):\n    while True: pass", FILE, 0.0),
    "bare names": (RIGHT, "def test_a():\n    assert double(2) == 4\n", 1.0),
    "a list of functions": (RIGHT, [f"def test_{n}():\n    assert double({n}) == {2 * n}\n" for n in (1, 2)], 1.0),
    "prints": ("print('{}')\ndef double(x):\n    print(x)\n    return 2 * x\n", FILE, 1.0),
    "no tests": (RIGHT, "def helper():\n    assert double(2) == 4\n", Cause.INVALID_GOLD),
    "tests that do not parse": (RIGHT, "def test_a(:\n    assert double(2) == 4\n", Cause.INVALID_GOLD),
    "tests that need what is not there": (RIGHT, "import no_such_module\ndef test_a(): assert 1\n", Cause.ABSTAIN),
}


def verdict(code: str, tests: str | list[str], sandbox: Any = None) -> Verdict:
    limits = {"cpu_s": 2, "wall_s": 30}
    verifier = CodeVerifier(isolation="pytest", sandbox=sandbox or SANDBOX, limits=limits)
    return verifier.verify(f"```python\n{code}\n```", {"tests": tests} if isinstance(tests, list) else {"test": tests})


@pytest.mark.parametrize("about", CASES)
def test_files_are_run_as_pytest_runs_them(about: str) -> None:
    code, tests, expected = CASES[about]
    found = verdict(code, tests)
    if isinstance(expected, Cause):
        assert (found.correct, found.cause) == (None, expected), found.reason
        return
    assert found.score == pytest.approx(expected), found.reason
    assert found.evidence["tamperable"] is True
    assert found.evidence["judge"] == "pytest"


def test_without_pytest_in_the_sandbox_nothing_is_decided() -> None:
    assert importlib.util.find_spec("pytest") is not None
    found = verdict(RIGHT, FILE, {"name": "local", "packages": []})
    assert found.cause is Cause.ABSTAIN
    assert "packages: [numpy, pytest]" in found.reason
