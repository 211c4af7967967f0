"""Knights and knaves are right exactly where every statement is as its speaker is, however that is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.verifiers.puzzles.role_forms import WRAPPERS, role_forms
from veritune import Cause
from veritune.verifiers.puzzles import PuzzleVerifier

Rows = Callable[[str], list[dict[str, Any]]]
VERIFIER = PuzzleVerifier()
TWO = {"names": ["Ava", "Ben"], "statements": "(('lying', 1), ('<=>', ('telling-truth', 0), ('lying', 0)))"}
"""Ava: Ben is a knave. Ben: I am a knight if and only if I am a knave."""
QUIZ = 'Ava said, "Ben is a knave". "Ava is a knight if and only if Ava is a knave," Ben claimed.'


def tag(answer: str) -> str:
    return f"<think>x</think>\n<answer>\n{answer}\n</answer>"


@pytest.mark.parametrize(
    ("names", "knights"),
    [(["Michael", "Zoey", "Ethan"], (True, False, True)), (["Will", "Grace", "Mark", "May"], (False, False, True,
    False)),
     (["A", "B", "C"], (True, True, True)), (["Mary Ann", "Ann", "Bo"], (False, True, False))],
)  # fmt: skip
def test_every_form_of_the_right_roles_is_right_and_of_wrong_ones_wrong(
    names: list[str], knights: tuple[bool, ...]
) -> None:
    row = {"names": names, "solution": list(knights)}
    unread = []
    for form, text in role_forms(names, knights):
        for place, wrap in WRAPPERS.items():
            found = VERIFIER.verify(wrap(text, QUIZ), row)
            if not found.correct:
                unread.append((form, place, found.reason))
    others = (not knights[0], *knights[1:])
    for form, text in role_forms(names, others):
        found = VERIFIER.verify(tag(text), row)
        if found.correct is not False or "other way" not in found.reason:
            unread.append(("wrong", form, found.reason))
    assert not unread


def test_every_real_puzzle_has_its_solution_and_no_other(shared_rows: Rows) -> None:
    for number, row in enumerate(shared_rows("puzzles/knights_knaves.jsonl")[::20]):
        forms = list(role_forms(row["names"], row["solution"]))
        _, text = forms[number % len(forms)]
        assert VERIFIER.verify(tag(text), row, row["quiz"]).correct, (row["id"], text)
        flipped = [not knight for knight in row["solution"]]
        wrong = "\n".join(f"{n}: {'knight' if k else 'knave'}" for n, k in zip(row["names"], flipped, strict=True))
        assert VERIFIER.verify(tag(wrong), row, row["quiz"]).correct is False
        assert VERIFIER.verify(row["quiz"], row).correct is False, "a restated question is no answer"


@pytest.mark.parametrize(
    "row",
    [
        TWO, {**TWO, "solution": [True, False]}, {**TWO, "solution": "[True, False]"}, {**TWO,
        "kind": "knights_knaves"},
        {"names": ["Ava", "Ben"], "solution_text": "Ava is a knight, and Ben is a knave."},
        {"names": ["Ava", "Ben"], "solution_text_format": "(1) Ava is a knight\n(2) Ben is a knave"},
        {"names": ["Ava", "Ben"], "solution": ["knight", "knave"]}, {"names": "Ava, Ben", "solution": [1, 0]},
        {"names": ["Ava", "Ben"], "solution": {"Ava": True, "Ben": False}},
        {"names": ["Ava", "Ben"], "statements": json.loads(json.dumps([["lying", 1], ["and", ["lying", 0],
        ["lying", 1]]]))},
        {"kind": "kk", "metadata": {"names": ["Ava", "Ben"], "solution": [True, False]}},
    ],
)  # fmt: skip
def test_rows_in_the_shapes_of_public_sets(row: dict[str, Any]) -> None:
    assert VERIFIER.verify(tag("Ava is a knight and Ben is a knave."), row).correct
    assert VERIFIER.verify(tag("Ava is a knave and Ben is a knight."), row).correct is False


def test_a_rows_own_words_for_the_two_roles_are_read() -> None:
    row = {**TWO, "knight_knave": {"knight": "a pioneer", "knave": "a laggard", "a_knight": "a pioneer"}}
    assert VERIFIER.verify(tag("Ava is a pioneer and Ben is a laggard."), row).correct
    row = {**TWO, "knight_knave": {"knight": "oak", "knave": "ash"}}
    assert VERIFIER.verify(tag("Ava: oak\nBen: ash"), row).correct
    assert VERIFIER.verify(tag("Ava: ash\nBen: oak"), row).correct is False


def test_every_assignment_that_the_statements_allow_is_right() -> None:
    row = {
        "names": ["Ava", "Ben"],
        "statements": [["telling-truth", 1], ["telling-truth", 0]],
        "solution": [True, True],
    }
    assert VERIFIER.verify(tag("Both Ava and Ben are knights"), row).correct
    assert VERIFIER.verify(tag("Both Ava and Ben are knaves"), row).correct
    assert VERIFIER.verify(tag("Ava is a knight, Ben a knave"), row).correct is False


@pytest.mark.parametrize(
    "row",
    [
        {"names": ["Ava", "Ben"], "statements": [["lying", 0], ["lying", 1]]},  # nobody can say "I lie"
        {**TWO, "solution": [False, True]}, {"names": ["Ava", "Ava"], "solution": [True, True]},
        {"names": ["Ava", "Ben"], "solution": [True]}, {"names": ["Ava", "Ben"], "solution": "who knows"},
        {"names": ["Ava", "Ben"], "statements": [["lying", 7], ["lying", 0]]}, {"names": [], "kind": "knights"},
        {"names": ["Ava", "Ben"], "statements": "__import__('os')", "kind": "knights"}, {"names": ["Ava"],
        "kind": "kk"},
        {"names": ["Ava", "Ben"], "solution": [True, False], "solution_text": "Ava is a knave. Ben is a knave."},
        {"names": ["Ava", "Ben"], "statements": [["xor", 1, 2], ["lying", 0]], "kind": "knights"},
    ],
)  # fmt: skip
def test_a_row_that_contradicts_itself_is_undecided(row: Any) -> None:
    found = VERIFIER.verify(tag("Ava is a knave and Ben is a knight."), row)
    assert found.cause is Cause.INVALID_GOLD, found


def test_statements_that_nobody_could_make_have_the_answer_that_there_is_none() -> None:
    row = {"names": ["Ava", "Ben"], "statements": [["lying", 0], ["lying", 1]]}
    assert VERIFIER.verify(tag("There is no solution."), row).correct
    assert VERIFIER.verify(tag("There is no solution."), TWO).correct is False


@pytest.mark.parametrize(
    "completion",
    [
        "", "no idea", QUIZ, tag(QUIZ), tag("Ava is a knight."), tag("Ava is a knight or Ben is a knave"),
        tag("Ava is a knight, Ben is a knave. Ava is a knave."), tag("If Ava is a knight, Ben is a knave."),
        tag("Ava is a knight, Ben is a knave\n\nor Ava is a knave and Ben is a knave"),
        tag("Ava is a knight and a knave, Ben is a knave"), tag("Ava may be a knight, and Ben may be a knave"),
        "<think>Ava is a knight and Ben is a knave.", "<think>Ava is a knight and Ben is a knave.</think> Done.",
        tag("It is false that Ava is a knight and Ben is a knave"), tag("Is Ava a knight? Is Ben a knave?"),
        tag("Ava is a knight, Ben is a knave is wrong"), tag("[knight, knave] or [knave, knight]"), tag("knight"),
        f"{tag('Ava: knight, Ben: knave')}<answer>Ava: knave, Ben: knight</answer>",
        "Answer: Ava is a knight, Ben is a knave.\nAnswer: Ava is a knave, Ben is a knight.",
        tag("| Name | Role |\n|---|---|\n| Ava | knight/knave |\n| Ben | knave |"), tag('{"Ava": "knight"}'),
        tag('{"Ava": "knight", "Ben": "knave"} {"Ava": "knave", "Ben": "knave"}'), tag("Ava and Ben are knights"),
    ],
)  # fmt: skip
def test_what_does_not_say_one_thing_of_everybody_is_wrong(completion: str) -> None:
    assert VERIFIER.verify(completion, TWO).correct is False
