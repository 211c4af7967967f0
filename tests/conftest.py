"""Shared by all tests: where the real data lives, and a path without the repository's root on it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
# The root's kernels/ and verifiers/ would shadow packages of the same name (Hugging Face's kernels among them).
sys.path[:] = [p for p in sys.path if os.path.realpath(p or os.getcwd()) != str(ROOT)]

SHARED = ROOT.parent / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no worker is alone with one at the end.

    Tests marked ``gpu`` are skipped, with the reason, where there is no CUDA device.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in slow)
    marked = [item for item in items if item.get_closest_marker("gpu") is not None]
    if not marked:
        return
    try:
        import torch

        missing = None if torch.cuda.is_available() else "needs a CUDA device"
    except ImportError:
        missing = "needs torch and a CUDA device"
    if missing is not None:
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=missing))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data; the test is skipped where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"needs the data folder {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def shared_rows(shared: Path) -> Callable[[str], list[dict[str, Any]]]:
    """Rows of a JSONL file under shared/data."""

    def read(name: str) -> list[dict[str, Any]]:
        path = shared / "data" / name
        if not path.is_file():
            pytest.skip(f"needs {path}")
        with path.open(encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    return read
