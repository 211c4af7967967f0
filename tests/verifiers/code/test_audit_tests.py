"""``veritune audit tests``: tests of code rows tried before training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from veritune.cli.app import app
from veritune.verifiers.code import CodeVerifier
from veritune.verifiers.code.audit import audit_tests

RIGHT = "def f(x):\n    return x + 1"
ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "right": ({"test_list": ["assert f(1) == 2", "assert f(5) == 6"], "code": RIGHT}, "fine"),
    "no solution": ({"test_code": "from solution import f\nassert f(1) == 2"}, "unproven"),
    "a package": ({"test_code": "import networkx\nfrom solution import f\nassert f(networkx) == 2"}, "undecided"),
    "a type only": ({"test_code": "from solution import f\nassert isinstance(f(1), int)", "code": RIGHT}, "weak"),
    "a loop over nothing": ({"test_list": ["for x in f(1): assert x", "assert f(1) == []"], "code": RIGHT}, "wrong"),
    "a wrong answer": ({"test_list": ["assert f(1) == 3"], "code": RIGHT}, "wrong"),
    "a print": ({"test_list": ["print(f(1) == 2)"], "code": RIGHT}, "hollow"),
    "never reached": ({"test_code": "def t(a):\n    assert a\nf(1)", "code": RIGHT}, "hollow"),
    "no answer": ({"tests": [{"input": "1", "output": None}]}, "unusable"),
    "no tests": ({"question": "f?"}, "unusable"),
    "an echo": ({"tests": [{"input": "1", "output": "1"}], "solution": "print(input())"}, "weak"),
    "a sum": (
        {"tests": [{"input": "1 2", "output": "3"}], "solution": "print(sum(map(int, input().split())))"},
        "fine",
    ),
}


def test_each_row_has_its_state() -> None:
    reports = audit_tests([row for row, _ in ROWS.values()], CodeVerifier(limits={"cpu_s": 4, "wall_s": 30}))
    assert {name: report.state for name, report in zip(ROWS, reports, strict=True)} == {
        name: state for name, (_, state) in ROWS.items()
    }
    found = dict(zip(ROWS, reports, strict=True))
    assert "returns True" in found["a type only"].passed_by
    assert "3" in found["a wrong answer"].notes[0]


def test_the_command_lists_what_is_wrong_and_exits_with_1(tmp_path: Path) -> None:
    dataset, out = tmp_path / "rows.jsonl", tmp_path / "audit.jsonl"
    rows = [{"id": name, **ROWS[name][0]} for name in ("right", "a print", "no answer")]
    dataset.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    result = CliRunner().invoke(app, ["audit", "tests", str(dataset), "--strict", "--out", str(out)])
    assert result.exit_code == 1
    assert "hollow" in result.output
    reports = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [(report["id"], report["state"]) for report in reports] == [
        ("right", "fine"),
        ("a print", "hollow"),
        ("no answer", "unusable"),
    ]


@pytest.mark.parametrize("column", ["answer", "code"])
def test_a_named_column_holds_the_solution(tmp_path: Path, column: str) -> None:
    dataset = tmp_path / "rows.jsonl"
    dataset.write_text(json.dumps({"test_list": ["assert f(1) == 2"], "answer": RIGHT}) + "\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["audit", "tests", str(dataset), "--solution", column, "--strict", "--no-trivial"])
    assert (result.exit_code == 0) is (column == "answer")
