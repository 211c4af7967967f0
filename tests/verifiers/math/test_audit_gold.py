"""``veritune audit gold``: every gold tried against itself before training."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from veritune.cli.app import app
from veritune.verifiers.math import MathVerifier
from veritune.verifiers.math.audit import audit_golds

GOLDS: list[tuple[Any, str]] = [
    ("42", "fine"),
    (r"\frac{1}{2}", "fine"),
    (r"x = 5 \text{ cm}", "fine"),
    (["1", "2"], "fine"),
    ("1101_4", "loose"),
    ("15,600", "fine"),
    ("1,234, 5", "flagged"),
    (None, "unusable"),
    ("", "unusable"),
    ("He runs 9*60 metres.\n#### 540", "unusable"),
    (r"We get $x = \boxed{540}$.", "fine"),
    ("The answer is 4", "fine"),
    ("There are 4 red and 5 blue balls.", "unusable"),
    (r"$\boxed{\frac{1}{2}}$.", "fine"),
    (r"\frac{1}}{2}", "unusable"),
]


def test_each_state_is_found_and_explained() -> None:
    reports = audit_golds([gold for gold, _ in GOLDS], MathVerifier(deadline=10.0))
    assert [(r.gold, r.state) for r in reports] == GOLDS
    assert all(report.notes for report in reports if report.state != "fine")
    assert "1101" in reports[4].notes[0]


def test_real_golds_are_hardly_ever_lost(shared_rows: Callable[[str], list[dict[str, Any]]]) -> None:
    rows = shared_rows("math/math_test.jsonl")
    reports = audit_golds([row["answer"] for row in rows], MathVerifier(deadline=10.0))
    states = [report.state for report in reports]
    assert states.count("lost") + states.count("unusable") == 0
    assert states.count("fine") > 0.98 * len(rows)


@pytest.fixture
def dataset(tmp_path: Path) -> str:
    path = tmp_path / "golds.jsonl"
    path.write_text("".join(json.dumps({"id": n, "final": gold}) + "\n" for n, (gold, _) in enumerate(GOLDS)))
    return str(path)


def test_the_command_lists_what_to_look_at_and_writes_every_report(dataset: str, tmp_path: Path) -> None:
    out = tmp_path / "audit.jsonl"
    result = CliRunner().invoke(app, ["audit", "gold", dataset, "--gold", "final", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "unusable" in result.output
    assert f"{len(GOLDS)} golds" in result.output
    written = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["state"] for row in written] == [state for _, state in GOLDS]
    assert [row["id"] for row in written] == list(range(len(GOLDS)))
    strict = CliRunner().invoke(app, ["audit", "gold", dataset, "-g", "final", "--strict"])
    assert strict.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "needs a gold answer"),
        (["--gold", "finale"], "Did you mean 'final'?"),
        (["--gold", "final", "--gold-format", "solutions"], "Did you mean 'solution'?"),
    ],
)
def test_a_mistake_exits_with_status_2_and_the_right_name(dataset: str, arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["audit", "gold", dataset, *arguments])
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())
