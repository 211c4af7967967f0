"""A sudoku is right exactly where the givens are kept and each unit has each sign once, however it is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.verifiers.puzzles.grid_forms import WRAPPERS, grid_forms, lines_of
from veritune import Cause
from veritune.verifiers.puzzles import PuzzleVerifier

Rows = Callable[[str], list[dict[str, Any]]]
VERIFIER = PuzzleVerifier()
FOUR = {"puzzle": "3412...4....1.43", "solution": "3412213443211243"}
NINE = {
    "puzzle": "1.3....8.....5..622.8.7.15.53.6.97.....58..9.....12.4.3....1...8.623.57992..6....",
    "solution": "153426987497158362268973154532649718641587293789312645375891426816234579924765831",
}


def tag(answer: str) -> str:
    return f"<think>x</think>\n<answer>\n{answer}\n</answer>"


def changed(row: dict[str, Any]) -> str:
    """The solution with another digit where the puzzle has none."""
    cells = list(row["solution"])
    at = row["puzzle"].index(".")
    size = len(lines_of(row["solution"]))
    cells[at] = str(int(cells[at]) % size + 1)
    return "".join(cells)


@pytest.mark.parametrize("row", [FOUR, NINE], ids=["4", "9"])
def test_every_form_of_the_right_grid_is_right_and_of_a_wrong_one_wrong(row: dict[str, Any]) -> None:
    puzzle = "\n".join(" ".join(line) for line in lines_of(row["puzzle"]))
    unread = []
    for form, text in grid_forms(row["solution"]):
        for place, wrap in WRAPPERS.items():
            found = VERIFIER.verify(wrap(text, puzzle), row)
            if not found.correct:
                unread.append((form, place, found.reason))
    for form, text in grid_forms(changed(row)):
        found = VERIFIER.verify(tag(text), row)
        if found.correct is not False or "more than once" not in found.reason:
            unread.append(("wrong", form, found.reason))
    assert not unread


def test_every_real_puzzle_has_its_solution_and_no_other(shared_rows: Rows) -> None:
    forms = ("one line", "bands", "markdown with labels", "json")
    for number, row in enumerate(shared_rows("puzzles/sudoku.jsonl")):
        texts = dict(grid_forms(row["solution"]))
        assert VERIFIER.verify(tag(texts[forms[number % 4]]), row).correct, row["id"]
        assert VERIFIER.verify(tag(dict(grid_forms(changed(row)))[forms[number % 4]]), row).correct is False, row["id"]


@pytest.mark.parametrize(
    "puzzle",
    [
        "3412...4....1.43", "3412000400001043", "3412\n...4\n....\n1.43", "3 4 1 2\n_ _ _ 4\n_ _ _ _\n1 _ 4 3",
        "3 4 | 1 2\n0 0 | 0 4\n----+----\n0 0 | 0 0\n1 0 | 4 3",
        [[3, 4, 1, 2], [0, 0, 0, 4], [0, 0, 0, 0], [1, 0, 4, 3]],
        [["3", "4", "1", "2"], ["", "", "", "4"], [None, None, None, None], ["1", ".", "4", "3"]],
        ["3412", "...4", "....", "1.43"],
        "Solve this 4x4 Mini Sudoku puzzle:\n3 4 1 2\n_ _ _ 4\n_ _ _ _\n1 _ 4 3\nFormat your response as "
        "the puzzle above.",
    ],
)  # fmt: skip
def test_puzzles_in_the_shapes_of_public_sets(puzzle: Any) -> None:
    for row in ({"puzzle": puzzle}, {"kind": "sudoku", "question": puzzle}, {"metadata": {"puzzle": puzzle}}):
        assert VERIFIER.verify(tag("3412\n2134\n4321\n1243"), row).correct
        assert VERIFIER.verify(tag("3412\n2134\n4321\n1234"), row).correct is False


def test_any_solution_of_a_puzzle_with_several_is_right() -> None:
    row = {"puzzle": "." * 16, "solution": "1234341221434321"}
    assert VERIFIER.verify(tag("1234\n3412\n2143\n4321"), row).correct
    assert VERIFIER.verify(tag("4321\n2143\n3412\n1234"), row).correct
    assert VERIFIER.verify(tag("1234\n3412\n2143\n4312"), row).correct is False


def test_six_by_six_has_boxes_of_two_by_three_and_sixteen_has_letters_or_numbers() -> None:
    six = "123456456123231564564231312645645312"
    assert VERIFIER.verify(tag("\n".join(" ".join(line) for line in lines_of(six))), {"puzzle": "." * 36}).correct
    shifted = "123456234561345612456123561234612345"  # rows and columns are right, boxes are not
    assert VERIFIER.verify(tag("\n".join(map("".join, lines_of(shifted)))), {"puzzle": "." * 36}).correct is False
    base = [[(4 * (r % 4) + r // 4 + c) % 16 for c in range(16)] for r in range(16)]
    numbers = [[n + 1 for n in line] for line in base]
    letters = [[chr(65 + n) for n in line] for line in base]
    open_numbers = [[0, *line[1:]] for line in numbers]
    assert VERIFIER.verify(tag(json.dumps(numbers)), {"puzzle": open_numbers}).correct
    assert VERIFIER.verify(
        tag("\n".join(" ".join(map(str, line)) for line in numbers)), {"puzzle": open_numbers}
    ).correct
    row = {"puzzle": ["." + "".join(line[1:]) for line in letters], "kind": "sudoku"}
    assert VERIFIER.verify(tag("\n".join("".join(line) for line in letters)), row).correct


@pytest.mark.parametrize(
    "row",
    [
        {"kind": "sudoku", "puzzle": "11.............."}, {"kind": "sudoku", "puzzle": "123"},
        {"kind": "sudoku", "puzzle": None}, {"kind": "sudoku", "puzzle": "3412...4....1.43", "solution": "3" * 16},
        {"kind": "sudoku", "puzzle": "3412...4....1.43", "solution": "1234341221434321"},
        {"kind": "sudoku", "puzzle": "3412...4....1.43", "solution": "12"}, {"kind": "sudoku"}, {}, None, 4, "x",
        {"kind": "sudoku", "puzzle": [[1, 2], [2]]}, {"kind": "sudoku", "puzzle": "12345678"},
        {"puzzle": "12..3..........4" "4"},
    ],
)  # fmt: skip
def test_a_row_that_is_no_puzzle_or_contradicts_itself_is_undecided(row: Any) -> None:
    assert VERIFIER.verify(tag("3412\n2134\n4321\n1243"), row).cause is Cause.INVALID_GOLD


def test_a_puzzle_without_a_solution_is_the_rows_fault_unless_the_answer_says_so() -> None:
    row = {"puzzle": "12..34......2..1"}
    none = {"puzzle": "123....4........"}
    assert VERIFIER.verify(tag("1234\n3412\n2143\n4321"), none).cause is Cause.INVALID_GOLD
    assert VERIFIER.verify(tag("This puzzle has no solution."), none).correct
    assert VERIFIER.verify(tag("no solution"), {"puzzle": "3412...4....1.43"}).correct is False
    assert VERIFIER.verify(tag("1111\n2222\n3333\n4444"), {**none, "solvable": False}).correct is False
    assert VERIFIER.verify(tag("nothing"), row).correct is False


@pytest.mark.parametrize(
    "completion",
    [
        "", "I do not know", "3412\n...4\n....\n1.43", tag("3412\n0004\n0000\n1043"), tag("3412\n2134\n4321"),
        tag("3412\n2134\n4321\n1243\n\n3412\n2134\n4321\n1234"), "<think>3412\n2134\n4321\n1243", tag("4"),
        "<think>3412\n2134\n4321\n1243</think>\nDone.", "<think><answer>3412\n2134\n4321\n1243</answer>",
        f"{tag('3412 2134 4321 1243')}<answer>1234 3412 2143 4321</answer>", tag("not 3412 2134 4321 1243"),
        "Either\n3412\n2134\n4321\n1243\nor\n1234\n3412\n2143\n4321", tag("[[3,4,1,2],[2,1,3,4],[4,3,2,1]]"),
        tag("3412\n2134\n4321\n12(4|3)3"), tag("3412213443211243" * 2), "Answer: 3412213443211243 is wrong",
    ],
)  # fmt: skip
def test_what_is_no_single_filled_grid_is_wrong(completion: str) -> None:
    assert VERIFIER.verify(completion, FOUR).correct is False
