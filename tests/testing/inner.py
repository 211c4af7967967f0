"""Runs pytest with the plugin on files of a test, in this process."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest


class Record:
    """Every test's outcome and what it said."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        self.said: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.rpartition("::")[2]
        if report.when == "call" or report.failed:
            self.outcomes[name] = report.outcome if report.when == "call" else "error"
            self.said[name] = str(report.longrepr or "")


def run_pytest(folder: Path, files: Mapping[str, str], *arguments: str) -> tuple[int, Record]:
    """Exit status and outcomes of pytest in ``folder`` with these files in it."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n")
    record = Record()
    off = ("cacheprovider", "xdist", "hypothesispytest", "anyio")  # what costs time and is not tested here
    plugins = ["-p", "veritune.testing.plugin", *(word for name in off for word in ("-p", f"no:{name}"))]
    given = [*plugins, "-q", "-s", "--import-mode=importlib", f"--rootdir={folder}", "-c", f"{folder / 'pytest.ini'}"]
    before = set(sys.modules)
    try:
        status = pytest.main([*given, *arguments, str(folder)], plugins=[record])
    finally:
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
                del sys.modules[name]  # the next folder's test_it.py is another one
    return int(status), record
