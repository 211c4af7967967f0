"""Forms that were not thought of when the readers were written: each is read now."""

from __future__ import annotations

from typing import Any

import pytest

from veritune.verifiers.puzzles import PuzzleVerifier

SUDOKU = {"puzzle": "3412...4....1.43"}
PEOPLE = {"names": ["Zoey", "Liam", "Noah"], "solution": [False, True, True]}
RING = {"edges": [["A", "B"], ["B", "C"], ["C", "D"], ["D", "A"]], "k": 2}
HOUSES = {"solution": {"header": ["House", "Name", "Color"], "rows": [["1", "Eric", "red"], ["2", "Bob", "blue"]]}}
CASES: list[tuple[Any, str, bool]] = [
    (SUDOKU, "3 4 1 2 2 1 3 4 4 3 2 1 1 2 4 3", True),
    (SUDOKU, "\\[\\begin{bmatrix}3&4&1&2\\\\2&1&3&4\\\\4&3&2&1\\\\1&2&4&3\\end{bmatrix}\\]", True),
    (SUDOKU, "(3,4,1,2),(2,1,3,4),(4,3,2,1),(1,2,4,3)", True),
    (SUDOKU, "> 3 4 1 2\n> 2 1 3 4\n> 4 3 2 1\n> 1 2 4 3", True),
    (SUDOKU, "3 4 1 2 2 1 3 4 4 3 2 1 1 2 3 4", False),
    (PEOPLE, "All are knights except Zoey, who is a knave.", True),
    (PEOPLE, "Everyone except Zoey is a knight.", True),
    (PEOPLE, "Everyone except Liam is a knight.", False),
    ({"nums": [3, 3, 8, 8], "kind": "24"}, "The solution: 8 / (3 - (8 / 3)) = 8 / (1/3) = 24", True),
    (RING, "A and C are red; B and D are blue.", True),
    (RING, "Vertices A and C get color 1, vertices B and D get color 2.", True),
    (RING, "Group 1: A, C\nGroup 2: B, D", True),
    (RING, "A and B are red; C and D are blue.", False),
    (HOUSES, "1: Eric, red; 2: Bob, blue", True),
    (HOUSES, "House,Name,Color\n1,Eric,red\n2,Bob,blue", True),
    (HOUSES, "House,Name,Color\n1,Bob,red\n2,Eric,blue", False),
    ({"solution": ["CAT", "U#A", "PIR"]}, "ACROSS\n1: CAT\n3: PIR\nDOWN\n1: CUP\n2: TAR", True),
]


@pytest.mark.parametrize(("row", "answer", "right"), CASES, ids=range(len(CASES)))
def test_an_unseen_form_is_read(row: Any, answer: str, right: bool) -> None:
    assert PuzzleVerifier().verify(f"<think>x</think>\n<answer>{answer}</answer>", row).correct is right
