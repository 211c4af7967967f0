"""The plugin package under examples/ installs, is found by name, and its own tests pass."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("setuptools", minversion="77")
    folder = tmp_path_factory.mktemp("plugin")
    source = shutil.copytree(EXAMPLE, folder / "source", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    target = folder / "site"
    done = subprocess.run(
        [*pip, "--no-build-isolation", "--no-index", "--target", str(target), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    if "No module named pip" in done.stderr:
        pytest.skip("needs pip")
    assert done.returncode == 0, done.stderr
    return target


def run(installed: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    source = EXAMPLE.parents[1] / "src"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), str(source)]), **environment}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment, cwd=installed
    )


def test_the_installed_reward_is_found_by_name_in_a_fresh_interpreter(installed: Path) -> None:
    code = "import veritune; print(veritune.get_reward('politeness', most=2)(completions=['please', 'no', '']))"
    done = run(installed, "-c", code)
    assert done.stdout.strip() == "[1.0, 0.0, None]", done.stderr


def test_the_switch_turns_it_off(installed: Path) -> None:
    done = run(installed, "-c", "import veritune; veritune.get_reward('politeness')", VERITUNE_PLUGINS="none")
    assert "unknown reward 'politeness'" in done.stderr


def test_its_own_tests_pass(installed: Path) -> None:
    plugins = ["-p", "no:cacheprovider", "-p", "veritune.testing.plugin"]
    done = run(installed, "-m", "pytest", "-q", *plugins, str(EXAMPLE / "tests"))
    assert "9 passed" in done.stdout, done.stdout + done.stderr
