"""An answer is paid where the text stands by it: not where it asks, doubts, denies or takes it back."""

from __future__ import annotations

from typing import Any

import pytest

from veritune import Cause, get_reward
from veritune.verifiers.puzzles import PuzzleVerifier

VERIFIER = PuzzleVerifier()
TWENTY_FOUR = {"nums": [8, 2, 4, 1], "target": 24}
KNIGHTS = {"names": ["Zoey", "Riley"], "solution": [True, False]}
SUDOKU = {"puzzle": "1..4..1..1..4..1"}
COLOURING = {"edges": [[0, 1], [1, 2], [2, 0], [2, 3]], "num_colors": 3}
GRID = {"solution": {"header": ["House", "Name", "Drink"], "rows": [["1", "Arnold", "tea"], ["2", "Eric", "beer"]]}}
CROSSWORD = {"solution": ["HEART", "EMBER", "ABUSE", "RESIN", "TREND"], "kind": "crossword"}
RIGHT: list[tuple[dict[str, Any], str]] = [
    (TWENTY_FOUR, "(8-2)*4*1 = 24"),
    (KNIGHTS, "Zoey is a knight, and Riley is a knave"),
    (SUDOKU, "1 2 3 4\n3 4 1 2\n2 1 4 3\n4 3 2 1"),
    (COLOURING, "0: red, 1: green, 2: blue, 3: red"),
    (GRID, "House 1: Arnold, tea\nHouse 2: Eric, beer"),
    (CROSSWORD, "HEART\nEMBER\nABUSE\nRESIN\nTREND"),
]
TAKEN_BACK = [
    " Wait, that's wrong.", " Actually no.", " No, scratch that.", " But this is impossible.",
    " However, that is a contradiction.", " Hmm, this can't be right.", " That is wrong.",
    "\nOops, that is not correct.",
    " Never mind.", " But it fails.", " This doesn't work.", " I take that back.", "\n\nThis is not a valid solution.",
    " On second thought, no.", " But that violates a rule.", " I don't know.", " Sorry, that's incorrect.",
    "\nThis attempt is invalid, so I give up.", " Ignore that.",
]  # fmt: skip
STOOD_BY = [
    " That is right.", " No contradiction arises.", " This is not the only solution.", " That wasn't hard.",
    "\n\nThis violates no rule.", " This does not contradict anything.", " Every other attempt fails.",
    " If it were otherwise, that would be a contradiction.", " I also tried another way, but it doesn't work.",
    "\n\nNothing is wrong here.", " Is that right? Yes.",
]  # fmt: skip
BEFORE = ["This is not the solution:\n", "This is wrong:\n\n", "Maybe:\n", "The following is not a valid answer:\n"]


@pytest.mark.parametrize(("row", "answer"), RIGHT)
def test_what_is_taken_back_is_never_paid_and_what_is_stood_by_is(row: dict[str, Any], answer: str) -> None:
    boxed = [answer + ".", f"The answer is \\boxed{{{answer}}}.", f"<answer>{answer}</answer>."]
    stop = "\n" if row in (SUDOKU, CROSSWORD) else "."
    paid = [text + more for text in [answer + stop, *boxed[1:]] for more in TAKEN_BACK
            if VERIFIER.verify(text + more, row).correct]  # fmt: skip
    unpaid = [text + more for text in [answer + stop, *boxed[1:]] for more in STOOD_BY
              if not VERIFIER.verify(text + more, row).correct]  # fmt: skip
    paid += [text + answer for text in BEFORE if VERIFIER.verify(text + answer, row).correct]
    assert (paid, unpaid) == ([], [])


@pytest.mark.parametrize(
    "text",
    ["(8-2)*4*1 = 24? No.", "Could it be (8-2)*4*1?", "Is (8-2)*4*1 = 24? I don't know.", "Perhaps (8-2)*4*1 = 24.",
     "(8-2)*4*1 = 24 fails because 1 is unused, so there is no solution.", "\\boxed{(8-2)*4*1} is not correct.",
     "I tried (8-2)*4*1 but it doesn't work, so I give up.", "The answer is not \\boxed{(8-2)*4*1}.",
     "(8-2)*4*1 is wrong.", "(8-2)*4*1 does not equal 24.", "Neither this nor that: (8-2)*4*1 isn't a solution."],
)  # fmt: skip
def test_an_expression_that_is_asked_doubted_or_refuted_is_no_answer(text: str) -> None:
    assert VERIFIER.verify(text, TWENTY_FOUR).correct is False


@pytest.mark.parametrize(
    "text",
    ["8*4-8 doesn't work, but (8-2)*4*1 does.", "8*4*2*1 = 64, no, that's wrong. So (8-2)*4*1 = 24.",
     "Is it 8*2+4+1? No. It is (8-2)*4*1 = 24.", "\\boxed{8*2+4+1}. Wait, that's wrong. The answer is (8-2)*4*1.",
     "I don't see a problem: (8-2)*4*1 = 24."],
)  # fmt: skip
def test_what_is_said_behind_a_withdrawal_is_the_answer(text: str) -> None:
    assert VERIFIER.verify(text, TWENTY_FOUR).correct is True


@pytest.mark.parametrize(
    "text",
    ["Assume Zoey is a knave. Then Riley is a knight. That is a contradiction. So Zoey is a knight and Riley a knave.",
     "Riley is a knave. Suppose Zoey is a knave too. That is impossible. So Zoey is a knight.",
     "Zoey is a knight. Can Riley be a knight? No. So Riley is a knave.",
     "Zoey is a knight and Riley is a knave. Riley says that Zoey lies. That is false, as it should be.",
     '{"Zoey": true, "Riley": false}'],
)  # fmt: skip
def test_a_case_that_is_refuted_takes_nothing_else_with_it(text: str) -> None:
    assert VERIFIER.verify(text, KNIGHTS).correct is True


def test_a_vertex_of_two_colours_has_none() -> None:
    rest = "1: green, 2: blue, 3: red"
    for two in ("red or blue", "red/blue", "red or green", "red, or blue", "red (or blue)", "red and blue",
                "red | blue", "red & green", "either red or blue"):  # fmt: skip
        assert VERIFIER.verify(f"0: {two}, {rest}", COLOURING).correct is False, two
    for said in ("Vertex 0 is red or blue, vertex 1 is green, vertex 2 is blue, vertex 3 is red.",
                 "0: 1 or 2, 1: 2, 2: 3, 3: 1", "0: red, blue\n1: green\n2: blue\n3: red",
                 "0: not red, 1: green, 2: blue, 3: red"):  # fmt: skip
        assert VERIFIER.verify(said, COLOURING).correct is False, said


def test_a_value_that_is_denied_inside_a_cell_is_none() -> None:
    firsts = ("not Arnold, tea", "Arnold, not tea", "Arnold, no tea", "isn't Arnold, tea", "Arnold, without tea",
                  "anyone but Arnold, tea", "Arnold (not tea)", "never Arnold, tea",
              "Name=not Arnold, Drink=tea")  # fmt: skip
    for first in firsts:
        assert VERIFIER.verify(f"House 1: {first}\nHouse 2: Eric, beer", GRID).correct is False, first
    assert VERIFIER.verify("House 1: Arnold (not Eric), tea\nHouse 2: Eric, beer", GRID).correct is True


@pytest.mark.parametrize("target", [None, float("nan"), "", "x", "nan", float("inf")])
@pytest.mark.parametrize("text", ["8*3", "There is no solution.", ""])
def test_a_target_that_is_none_is_never_read_as_24(target: Any, text: str) -> None:
    score = get_reward("puzzles").score(text, nums=[8, 3], target=target)
    assert (score.value, score.cause) == (None, Cause.INVALID_GOLD)


def test_a_row_says_that_it_is_of_24() -> None:
    for row in ({"nums": [8, 3], "kind": "24"}, {"nums": [8, 3], "task": "game24", "target": None}, {"cards": [8, 3]}):
        assert VERIFIER.verify("8*3", row).correct is True
    assert PuzzleVerifier(kind="24").verify("8*3", {"nums": [8, 3]}).correct is True
    assert VERIFIER.verify("8*3", {"nums": [8, 3]}).cause is Cause.INVALID_GOLD


@pytest.mark.parametrize(("row", "answer"), RIGHT)
def test_hostile_texts_are_bounded_and_never_paid(row: dict[str, Any], answer: str) -> None:
    pieces = ("Wait, no. ", "? ", "0 and ", "0, ", "not ◆ ", "color 1 to ", "so ", "Zoey isn't, ", "1+1=", "all but ")
    for piece in pieces:  # exponential or quadratic patterns would never come back from these
        assert not VERIFIER.verify(piece * (20_000 // len(piece)), row).correct
    assert not VERIFIER.verify(f"{answer}\n" + "Wait, that's wrong. " * 500, row).correct
