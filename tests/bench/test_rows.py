"""Labelled rows are read by their columns, and the packaged ones can show both failures of a grader."""

from __future__ import annotations

import re
from typing import Any

import pytest

from veritune.bench import rows
from veritune.plugins.errors import ConfigError, ParameterError

RAW: list[dict[str, Any]] = [
    {"gold": "1", "prediction": "1", "label": True, "tag": ["a", "int"], "question": "1?"},
    {"gold": "1", "prediction": ["2", "3"], "label": 0, "tag": []},
    {"gold": "1", "prediction": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "x"}], "label": 1},
    {"gold": "1", "prediction": "1", "label": None},
    {"gold": "1", "prediction": "1", "label": "maybe"},
]


def test_rows_are_read_by_the_usual_names_and_unlabelled_ones_left_out() -> None:
    found = rows.labelled(RAW, {}, "rows.jsonl")
    assert [(r.completion, r.label, r.kind, r.prompt) for r in found] == [
        ("1", True, "int", "1?"),
        ("23", False, "other", ""),
        ("x", True, "other", ""),
    ]


@pytest.mark.parametrize(
    ("raw", "columns", "said"),
    [
        ([], {}, "no rows"),
        ([{"gold": "1", "prediction": "1"}], {}, r"label.*gold, prediction"),
        (RAW, {"gold": "golt"}, "Did you mean 'gold'"),
        (RAW, {"by": "kinds"}, "--by kinds"),
        (RAW[3:], {}, "no row is labelled"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_naming_what_is_missing(
    raw: list[dict[str, Any]], columns: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        rows.labelled(raw, columns, "rows.jsonl")


def test_a_limit_spreads_over_the_file() -> None:
    found = rows.labelled(RAW, {}, "rows.jsonl")
    assert rows.spread(found, 2) == [found[0], found[2]]
    assert rows.spread(found, 0) == found


def test_every_packaged_kind_has_right_and_wrong_answers_in_balance() -> None:
    assert len(rows.packaged()) >= 14
    for kind, found in rows.packaged().items():
        true = sum(row.label for row in found)
        assert len(found) >= 30, kind
        assert abs(2 * true - len(found)) <= 2, kind
        assert all(row.why and row.prompt and row.gold and row.completion.strip() for row in found), kind


def test_packaged_rows_are_all_different_and_harmless() -> None:
    found = rows.packaged_rows()
    assert len({(row.prompt, row.completion, row.gold) for row in found}) == len(found)
    for row in found:
        assert len(row.completion) < 1000
        assert not re.search(r"__|import|eval|\d!|\d{10}|\^\{?\d{3}|\^\{[^}]*\^", row.completion + row.gold), row.name


def test_a_grader_that_pays_all_or_nothing_shows_in_every_kind() -> None:
    for found in rows.packaged().values():
        labels = {row.label for row in found}
        assert labels == {True, False}


def test_kinds_are_chosen_by_name() -> None:
    assert {row.kind for row in rows.packaged_rows(["echo", "units"])} == {"echo", "units"}
    with pytest.raises(ParameterError, match="Did you mean 'units'"):
        rows.packaged_rows(["unit"])
