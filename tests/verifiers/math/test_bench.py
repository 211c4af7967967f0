"""The measurements count what they say they count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from veritune.plugins.errors import ConfigError
from veritune.verifiers.math import bench

ROWS = [
    {"gold": "1", "prediction": "1", "label": True, "tag": ["a", "int"]},
    {"gold": "1", "prediction": "2", "label": False, "tag": ["int"]},
    {"gold": "1", "prediction": "1", "label": False, "tag": []},
    {"gold": "1", "prediction": "boom", "label": True, "tag": []},
    {"gold": "1", "prediction": "1", "label": None, "tag": []},
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in ROWS), encoding="utf-8")
    return file


def grade(completion: str, gold: str) -> bench.Finding:
    if completion == "boom":
        raise ValueError(completion)
    return completion == gold, "string"


def test_counts(path: Path) -> None:
    rows = bench.load(path)
    assert [r.category for r in rows] == ["int", "int", "other", "other"]
    report = bench.measure("equality", grade, rows)
    total = report.total
    assert (total.rows, total.right, total.false_positives, total.false_negatives, total.undecided) == (4, 2, 1, 1, 1)
    assert (total.accuracy, total.precision, total.recall) == (0.5, 0.5, 0.5)
    assert report.causes == {"string": 3, "ValueError": 1}
    assert report.rate > 0
    assert report.latency(0.5) <= report.latency(1.0)
    assert "equality" in bench.table([report])
    assert json.loads(json.dumps(report.as_dict()))["categories"] == {"int": 1.0, "other": 0.0}


def test_a_category_behind_a_peer_is_named(path: Path) -> None:
    rows = bench.load(path) * 3
    ours = bench.measure("never", lambda completion, gold: (None, ""), rows)
    peer = bench.measure("equality", grade, rows)
    assert bench.behind(ours, [peer]) == {"int": 6}


def test_a_file_without_labels_is_refused_by_naming_the_columns(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"gold": "1", "prediction": "1"}), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"label.*gold, prediction"):
        bench.load(file)


def test_our_graders_agree_on_the_plain_rows(path: Path) -> None:
    rows = [r for r in bench.load(path) if r.completion != "boom"]
    report = bench.measure("cascade", bench.cascade_grader(), rows)
    assert report.total.right == 2


def test_bare_answers_are_delimited_for_the_peers() -> None:
    assert bench.as_peers_need("2 1/3") == r"$\boxed{2 1/3}$"
    assert bench.as_peers_need(r"so $x=3$") == r"so $x=3$"
    assert bench.gold_as_peers_need(r"\frac12") == r"$\frac12$"
