"""Test code in every form that data sets have: right programs pass, wrong ones fail, what asserts nothing is no gold.

All forms are judged in one batch, and each is a test of its own.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.verifiers.code.forms import FORMS, HOLLOW, RIGHT, WRONG
from tests.verifiers.code.forms_more import HOLLOW_MORE, MORE
from veritune.plugins import Cause, Verdict
from veritune.verifiers.code import CodeVerifier

OPERATORS = [
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "contains",
    "bool",
    "call",
    "add",
    "radd",
    "sub",
    "rsub",
    "mul",
    "truediv",
    "abs",
    "neg",
    "getitem",
    "iter",
    "enter",
]
LIAR = (
    "class L:\n    def __getattr__(s, n): return lambda *a, **k: True\n    __hash__ = object.__hash__\n"
    + "".join(f"    def __{name}__(s, *a): return True\n" for name in OPERATORS[:9])
    + "".join(f"    def __{name}__(s, *a): return s\n" for name in OPERATORS[9:])
    + "    def __next__(s): raise StopIteration\n    def __len__(s): return 0\ndef add_all(*a, **k):\n    return L()\n"
)
TRIVIAL = {
    "an empty program": "pass\n",
    "StopIteration": "def add_all(*a):\n    raise StopIteration\n",
    "None": "def add_all(*a):\n    return None\n",
    "a lying object": LIAR,
    "SystemExit": "def add_all(*a):\n    raise SystemExit(0)\n",
    "an empty list": "def add_all(*a):\n    return []\n",
    "the end of the process": "import os\ndef add_all(*a):\n    os._exit(0)\n",
}
"""Programs that do nothing right; each form meets one of them, in turn."""
EVERY = {**FORMS, **MORE}
NOTHING = {**HOLLOW, **{f"more: {name}": row for name, row in HOLLOW_MORE.items()}}


def trivial(index: int) -> str:
    return list(TRIVIAL)[index % len(TRIVIAL)]


@pytest.fixture(scope="module")
def verdicts() -> dict[tuple[str, str], Verdict]:
    asked: dict[tuple[str, str], tuple[str, Any]] = {}
    for index, (name, form) in enumerate(EVERY.items()):
        asked[name, "right"] = (form.right, form.row)
        asked[name, "wrong"] = (form.wrong, form.row)
        if name in FORMS:
            asked[name, "trivial"] = (TRIVIAL[trivial(index)], form.row)
    for name, row in NOTHING.items():
        asked[name, "any"] = ((RIGHT, WRONG)[len(asked) % 2], row)
    verifier = CodeVerifier(limits={"cpu_s": 4, "wall_s": 30})
    return dict(zip(asked, verifier.verify_batch(list(asked.values())), strict=True))


@pytest.mark.parametrize("name", EVERY)
def test_a_right_program_passes_every_form(name: str, verdicts: dict[tuple[str, str], Verdict]) -> None:
    verdict = verdicts[name, "right"]
    assert verdict.correct is True, verdict.reason
    if EVERY[name].total is not None:
        assert verdict.evidence["total"] == EVERY[name].total


@pytest.mark.parametrize("name", EVERY)
def test_a_wrong_program_fails_every_form(name: str, verdicts: dict[tuple[str, str], Verdict]) -> None:
    verdict = verdicts[name, "wrong"]
    assert verdict.score == 0.0, verdict.reason


@pytest.mark.parametrize("index", range(len(FORMS)), ids=list(FORMS))
def test_a_program_that_keeps_assertions_from_being_reached_is_wrong(
    index: int, verdicts: dict[tuple[str, str], Verdict]
) -> None:
    verdict = verdicts[list(FORMS)[index], "trivial"]
    assert verdict.score == 0.0, (trivial(index), verdict.reason)


@pytest.mark.parametrize("name", NOTHING)
def test_tests_that_assert_nothing_are_no_gold(name: str, verdicts: dict[tuple[str, str], Verdict]) -> None:
    verdict = verdicts[name, "any"]
    assert verdict.cause is Cause.INVALID_GOLD, verdict.reason
    assert verdict.reason


def test_what_a_program_does_to_an_argument_does_not_change_what_it_is_compared_with() -> None:
    program = "def add_all(xs):\n    xs.clear()\n    return 0"
    case = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        xs = [3]\n        "
    rows: list[dict[str, Any]] = [
        {"test_list": ["xs = [1, 2]\nassert add_all(xs) == sum(xs)"]},
        {"test_code": f"{case}self.assertEqual(add_all(xs), sum(xs))"},
    ]
    sorting = {"test_list": ["a = [2, 1]\nassert add_all(a) is None and a == [1, 2]"]}
    pairs = [*((program, row) for row in rows), ("def add_all(xs):\n    xs.sort()", sorting)]
    verdicts = CodeVerifier().verify_batch(pairs)
    assert [verdict.correct for verdict in verdicts] == [False, False, True]
