"""The figures are what their formulas say, and what a grader did not answer is in no share."""

from __future__ import annotations

import json

import pytest

from veritune.bench.asking import Reply
from veritune.bench.measuring import measure
from veritune.bench.rows import Row
from veritune.bench.tables import mistakes, table
from veritune.bench.tally import wilson

ROWS = [
    Row("1", "1", True, "int"),
    Row("1", "2", False, "int"),
    Row("1", "1", False, "other"),
    Row("1", "one", True, "other"),
    Row("1", "raises", True, "other"),
    Row("1", "hangs", False, "other"),
]


class Equality:
    """Right where the texts are equal; some texts it cannot take."""

    name = "equality 1.0"

    def ask(self, row: Row) -> Reply:
        if row.completion in ("raises", "hangs"):
            return Reply(None, "ValueError", 9.0, "error" if row.completion == "raises" else "timeout")
        if row.completion == "one":
            return Reply(None, "no number", 0.5)
        return Reply(row.completion == row.gold, "compared", 0.5)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(0, 0, 0.0, 1.0), (8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (500, 1000, 0.469, 0.531)],
)
def test_the_interval_is_wilsons(hits: int, of: int, low: float, high: float) -> None:
    assert wilson(hits, of) == pytest.approx((low, high), abs=5e-4)


def test_undecided_is_a_miss_and_errors_and_hangs_are_in_no_share() -> None:
    (report,) = measure([Equality()], ROWS)
    t = report.total
    assert (t.rows, t.right, t.false_accepts, t.false_rejects, t.undecided, t.errors, t.timeouts) == (
        4,
        2,
        1,
        1,
        1,
        1,
        1,
    )
    assert (t.accuracy.value, t.precision.value, t.recall.value) == (0.5, 0.5, 0.5)
    assert report.causes == {"no number": 1, "ValueError": 2}
    assert report.rate == 2.0
    assert len(report.mistakes) == 4


def test_the_report_is_by_kind_and_can_be_written() -> None:
    (report,) = measure([Equality()], ROWS)
    figures = json.loads(json.dumps(report.as_dict()))
    assert figures["kinds"]["int"]["accuracy"]["value"] == 1.0
    assert figures["kinds"]["other"]["false_accepts"] == 1
    assert figures["recall"]["interval"] == pytest.approx([0.0945, 0.9055], abs=5e-4)


def test_the_table_names_every_figure() -> None:
    reports = measure([Equality()], ROWS)
    text = table("six rows", reports)
    assert "equality 1.0" in text
    assert "50.0 [15.0, 85.0]" in text
    assert "wrong answers accepted, by kind" in text
    assert "other       0/1" in text
    assert "no number 1" in text
    assert "error: ValueError" in mistakes(reports[0], 9)
