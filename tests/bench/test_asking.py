"""A grader that raises, hangs or dies costs its own row; one that does not import is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from veritune.bench.asking import AskedGrader
from veritune.bench.graders import chosen
from veritune.bench.rows import Row

GRADER = """
import os, time

def moody(completion, gold, prompt):
    if completion == "raises":
        raise KeyError(completion)
    if completion == "dies":
        os._exit(3)
    if completion == "sleeps":
        time.sleep(60)
    while completion == "hangs":
        pass
    if completion == "no idea":
        return None
    return {"score": float(completion == gold and prompt == "?")}
"""


@pytest.fixture
def grader(tmp_path: Path) -> Iterator[AskedGrader]:
    file = tmp_path / "my grader.py"
    file.write_text(GRADER)
    (choice,) = chosen([f"{file}:moody"])
    with AskedGrader(choice, deadline=0.1) as asked:
        assert asked.start() is None
        yield asked


def test_what_a_grader_does_to_itself_is_told_apart_and_the_next_row_is_answered(grader: AskedGrader) -> None:
    ends = {
        "raises": ("error", "KeyError"),
        "dies": ("error", "died: the worker exited with status 3"),
        "hangs": ("timeout", "no answer within 0.1 s"),
        "sleeps": ("timeout", "no answer within 0.1 s"),
        "no idea": ("answered", "None"),
    }
    for text, expected in ends.items():
        reply = grader.ask(Row("4", text, True, prompt="?"))
        assert (reply.found, reply.end, reply.said) == (None, *expected)
        assert grader.ask(Row("4", "4", True, prompt="?")).found is True
    assert grader.ask(Row("4", "5", True, prompt="?")).found is False


def test_a_grader_that_does_not_import_says_why(tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text("import no_such_package_of_mine\n")
    with AskedGrader(chosen([f"{file}:grade"])[0]) as asked:
        assert "no_such_package_of_mine" in (asked.start() or "")
