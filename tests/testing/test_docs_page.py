"""docs/testing_rewards.md runs as it is written."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import ROOT
from tests.testing.inner import run_pytest

REWARDS = "def short(completion, *, limit: int = 200):\n    return float(len(completion) <= limit)\n"


def test_the_page_s_tests_and_cases_pass(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "testing_rewards.md").read_text(encoding="utf-8")
    python = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (cases,) = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    files = {"my_rewards.py": REWARDS, "cases.jsonl": cases, "test_page.py": "\n\n".join(python)}
    assert "attack(budget=60" in python[1]
    status, record = run_pytest(tmp_path, files, "-k", "not attacks")  # test_pytest_plugin.py has a cheaper one
    assert status == 0, record.said
    assert len(record.outcomes) == 2 + len(cases.splitlines())
