"""The documentation is whole: every page is in the index, every link leads somewhere, every reward is in the table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from veritune.rewards import REWARDS

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_index_lists_every_page_once() -> None:
    linked = LINK.findall((ROOT / "docs" / "README.md").read_text(encoding="utf-8"))
    assert sorted(linked) == sorted(["../README.md", *(p.name for p in PAGES[1:] if p.name != "README.md")])


def test_the_table_of_rewards_has_every_built_in() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "rewards.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(REWARDS) <= set(rows)
