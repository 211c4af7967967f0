"""rewardkit runs a criterion of ours; our command writes the reward.json that Harbor's verifier reads."""

from __future__ import annotations

import json
import traceback
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typing_extensions

if not hasattr(typing, "override"):  # of Python 3.12
    setattr(typing, "override", typing_extensions.override)  # noqa: B010
import rewardkit

from veritune.adapters.rewardkit import main

Remark = Callable[[str, object], None]
CHECKS = """
from veritune.adapters.rewardkit import criterion
criterion(["accuracy"], answer="answer.txt", row={"gold": GOLD}, weight=1.0)
"""


def run(folder: Path, gold: str, text: str) -> dict[str, Any]:
    tests, work = folder / "tests", folder / "work"
    tests.mkdir()
    work.mkdir()
    (tests / "checks.py").write_text(CHECKS.replace("GOLD", repr(gold)))
    (work / "answer.txt").write_text(text)
    return rewardkit.run(tests, workspace=work, output=folder / "reward.json")  # type: ignore[no-any-return]


@pytest.mark.parametrize(("gold", "expected"), [("4", 1.0), ("5", 0.0)])
def test_rewardkit_runs_a_criterion(tmp_path: Path, gold: str, expected: float) -> None:
    run(tmp_path, gold, "So it is \\boxed{4}.")
    assert json.loads((tmp_path / "reward.json").read_text()) == {"reward": expected}


def test_rewardkit_names_an_undecided_criterion(tmp_path: Path, record_property: Remark) -> None:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - an ExceptionGroup
        run(tmp_path, "", "So it is \\boxed{4}.")
    assert "invalid_gold" in "".join(traceback.format_exception(caught.value))
    assert not (tmp_path / "reward.json").exists()
    said = f"ends with {type(caught.value).__name__} and no reward.json, which Harbor takes for a failed verifier"
    record_property(
        "remark", f"undecided criterion: rewardkit {said}; our own command writes no reward.json (status 3)"
    )


def test_the_command_writes_what_harbor_reads(tmp_path: Path) -> None:
    (tmp_path / "answer.txt").write_text("So it is \\boxed{4}.")
    (tmp_path / "row.json").write_text('{"gold": "4"}')
    given = ["accuracy,tag_count", "--answer", "answer.txt", "--row", str(tmp_path / "row.json")]
    given += ["--out", str(tmp_path / "reward.json"), "--workspace", str(tmp_path)]
    assert main(given) == 0
    assert json.loads((tmp_path / "reward.json").read_text()) == {"reward": 1.0}
    (tmp_path / "row.json").write_text('{"gold": ""}')
    assert main(given) == 3
    assert not (tmp_path / "reward.json").exists()
