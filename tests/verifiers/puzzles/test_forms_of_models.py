"""The forms that models write are read, right ones as right and the same ones with another content as wrong."""

from __future__ import annotations

from typing import Any

import pytest

from veritune.verifiers.puzzles import PuzzleVerifier

VERIFIER = PuzzleVerifier()
TWENTY_FOUR = {"nums": [8, 2, 4, 1], "target": 24}
THREE = {"names": ["Ann", "Bo", "Cy"], "solution": [True, True, False]}
TITLED = {"names": ["Mr. Smith", "Ms. Jones", "J. R. Lee"], "solution": [True, False, True]}
SUDOKU = {"puzzle": "1..4..1..1..4..1"}
COLOURING = {"edges": [[0, 1], [1, 2], [2, 0], [2, 3]], "num_colors": 3}
MAP = {
    "edges": [["WA", "NT"], ["WA", "SA"], ["NT", "SA"], ["NT", "Q"], ["SA", "Q"]],
    "colors": ["red", "green", "blue"],
}
HEADER = ["House", "Name", "Drink"]
GRID = {"solution": {"header": HEADER, "rows": [["1", "Arnold", "tea"], ["2", "Eric", "root beer"]]}}
CROSSWORD = {"solution": ["HEART", "EMBER", "ABUSE", "RESIN", "TREND"]}
FORMS: list[tuple[dict[str, Any], list[str], list[str]]] = [
    (
        TWENTY_FOUR,
        [
            "The solution is $\\left(8-2\\right)\\times 4 \\times 1=24$.",
            "(8 - 2) * 4 * 1 = 6 * 4 * 1 = 24",
            "One way: $(8-2) \\times 4 \\times 1 = 6 \\times 4 = 24$",
            "{(8-2)*4}*1",
            "\\left[(8-2)\\cdot 4\\right]\\cdot 1",
            "We get $\\bigl(8-2\\bigr)\\cdot4\\cdot1 = 24$",
            "(8-2)*4*1 = 6*4 = 24*1 = 24, done.",
            "24 = (8-2)*4*1",
            "6*4*1 = (8-2)*4*1",
            "Try 8+4+2+1=15, no. Then (8-2)*4*1=24.",
            "8*4-2*4*1 is 24 but uses 4 twice. Instead: (8-2)*4*1 = 24",
        ],
        [
            "(8 - 2) * 4 * 1 = 5 * 4 * 1 = 24",
            "$\\left(8+2\\right)\\times 4 \\times 1$",
            "{(8-2)*4}",
            "(8-2)*4*1 = 6*4 = 25",
            "(8-2)*4*1 = 24 = 25",
            "6*4*1 = 24",
        ],
    ),
    (
        SUDOKU,
        [
            "R1: 1234, R2: 3412, R3: 2143, R4: 4321",
            "> 1 2 3 4\n> 3 4 1 2\n> 2 1 4 3\n> 4 3 2 1",
            "Row 1 is 1, 2, 3, 4; row 2 is 3, 4, 1, 2; row 3 is 2, 1, 4, 3; and row 4 is 4, 3, 2, 1.",
            "1;2;3;4\n3;4;1;2\n2;1;4;3\n4;3;2;1",
            "1 2 3 4; 3 4 1 2; 2 1 4 3; 4 3 2 1",
            "R1: 1 2 3 4\nR2: 3 4 1 2\nR3: 2 1 4 3\nR4: 4 3 2 1",
            "Row 1: 1 2 3 4, Row 2: 3 4 1 2, Row 3: 2 1 4 3, and Row 4: 4 3 2 1",
        ],
        [
            "R1: 1234, R2: 3412, R3: 2143, R4: 4312",
            "> 1 2 3 4\n> 3 4 1 2\n> 2 1 4 3",
            "1;2;3;4\n3;4;1;2\n2;1;4;3\n4;3;1;2",
            "Row 1 is 1, 2, 3, 4; row 2 is 3, 4, 1, 2; row 3 is 2, 1, 4, 3.",
        ],
    ),
    (
        THREE,
        [
            "Everyone except Cy is a knight.",
            "Everyone but Cy is a knight.",
            "All are knights except Cy, who is a knave.",
            "All three are knights except for Cy.",
            "Ann is a knight, as is Bo. Cy is a knave.",
            "Ann is a knight. Bo is a knight; Cy isn't.",
            "Ann and Bo are knights and Cy is not.",
            "Everybody except Ann and Bo is a knave.",
            "Cy is a knave. Hence Ann and Bo are knights.",
            "Ann is a knight, and so is Bo; Cy is not.",
            "Ann: Knight (because Bo's statement cannot be true)\nBo: knight\n"
            "Cy: Knave (if Cy were a knight, he'd be lying)",
            "Ann is a knight because Cy says so falsely. Bo is a knight since he tells the truth. Cy is a knave.",
            "\\boxed{\\begin{aligned}\\text{Ann} &: \\text{knight}\\\\ "
            "\\text{Bo} &: \\text{knight}\\\\ \\text{Cy} &: \\text{knave}\\end{aligned}}",
        ],
        [
            "Everyone except Bo is a knight.",
            "All are knights except Cy and Bo.",
            "Ann is a knight, as is Cy. Bo is a knave.",
            "Everyone is a knight.",
            "Ann and Cy are knights and Bo is not.",
            "Cy is a knave. Hence Ann is a knight.",
            "Bo is a knave. Hence Ann and Cy are knights.",
            "Ann is a knight; Cy isn't.",
        ],
    ),
    (
        TITLED,
        [
            "Mr. Smith is a knight and Ms. Jones is a knave. J. R. Lee is a knight.",
            "Mr. Smith: knight\nMs. Jones: knave\nJ. R. Lee: knight",
            "Everyone except Ms. Jones is a knight.",
            "Mr Smith is a knight, Ms Jones is a knave, and J R Lee is a knight.",
            '{"Mr. Smith": "knight", "Ms. Jones": "knave", "J. R. Lee": "knight"}',
        ],
        [
            "Mr. Smith is a knave and Ms. Jones is a knight. J. R. Lee is a knight.",
            "Mr. Smith is a knight and Ms. Jones is a knave.",
        ],
    ),
    (
        COLOURING,
        [
            "0: A\n1: B\n2: C\n3: A",
            "0 -> A\n1 -> B\n2 -> C\n3 -> A",
            "[(0,'red'),(1,'green'),(2,'blue'),(3,'red')]",
            "[[0, 1], [1, 2], [2, 3], [3, 1]]",
            "c(0)=1, c(1)=2, c(2)=3, c(3)=1",
            "v0 = 1, v1 = 2, v2 = 3, v3 = 1",
            "Vertices 0 and 3 are red, vertex 1 is green, and vertex 2 is blue.",
            "v_0: red, v_1: green, v_2: blue, v_3: red",
            "Assign color 1 to vertices 0 and 3, color 2 to vertex 1, and color 3 to vertex 2.",
            "color[0] = 1, color[1] = 2, color[2] = 3, color[3] = 1",
            "Set 1 (red): {0, 3}\nSet 2 (green): {1}\nSet 3 (blue): {2}",
            "Red: 0 and 3. Green: 1. Blue: 2.",
        ],
        [
            "0: A\n1: B\n2: A\n3: C",
            "[(0,'red'),(1,'red'),(2,'blue'),(3,'red')]",
            "[(0, 1), (1, 2), (2, 0), (2, 3)]",
            "c(0)=1, c(1)=2, c(2)=1, c(3)=3",
            "Vertices 0 and 2 are red, vertex 1 is green, and vertex 3 is blue.",
            "Assign color 1 to vertices 0 and 3, color 2 to vertices 1 and 2.",
            "Set 1: {0, 3}\nSet 2: {1}",
            "[[0, 1], [1, 2], [2, 3], [3, 4]]",
        ],
    ),
    (
        MAP,
        [
            "WA and Q are red, NT is green, SA is blue.",
            "[('WA','red'),('NT','green'),('SA','blue'),('Q','red')]",
            "WA, Q: red\nNT: green\nSA: blue",
        ],
        [
            "WA and NT are red, Q is green, SA is blue.",
            "[('WA','red'),('NT','red'),('SA','blue'),('Q','red')]",
            "WA, Q: red\nNT: green",
        ],
    ),
    (
        GRID,
        [
            "Arnold is in house 1 and drinks tea, Eric is in house 2 and drinks root beer.",
            '[["1","Arnold","tea"],["2","Eric","root beer"]]',
            "\\begin{tabular}{|c|c|c|}\\hline House & Name & Drink\\\\ "
            "\\hline 1 & Arnold & tea\\\\ 2 & Eric & root beer\\\\ \\hline\\end{tabular}",
            "\\begin{tabular}{ccc}\n\\toprule\nHouse & Name & Drink \\\\\n\\midrule\n"
            "1 & Arnold & tea \\\\\n2 & Eric & root beer \\\\\n\\bottomrule\n\\end{tabular}",
            "House,Name,Drink\n1,Arnold,tea\n2,Eric,root beer",
            "House;Name;Drink\n2;Eric;root beer\n1;Arnold;tea",
            '[["House","Name","Drink"],["1","Arnold","tea"],["2","Eric","root beer"]]',
            "Arnold lives in house 1 and drinks tea, while Eric lives in house 2 and drinks root beer.",
        ],
        [
            "Arnold is in house 1 and drinks root beer, Eric is in house 2 and drinks tea.",
            '[["1","Eric","tea"],["2","Arnold","root beer"]]',
            "House,Name,Drink\n1,Eric,tea\n2,Arnold,root beer",
            "House,Name,Drink\n1,Arnold,tea",
        ],
    ),
    (
        CROSSWORD,
        [
            "Across: HEART, EMBER, ABUSE, RESIN, TREND",
            "HEART\nEMBER\nABUSE\nRESIN\nTREND",
            "Across: HEART / EMBER / ABUSE / RESIN / TREND",
            "**Across:** HEART, EMBER, ABUSE, RESIN, and TREND",
            "1. HEART\n2. EMBER\n3. ABUSE\n4. RESIN\n5. TREND",
            "Down: HEART, EMBER, ABUSE, RESIN, TREND",
        ],
        [
            "Across: HEART, EMBER, ABUSE, RESIN, TRENT",
            "Across: HEART, EMBER, ABUSE, RESIN",
            "Across: EMBER, HEART, ABUSE, RESIN, TREND",
        ],
    ),
]


@pytest.mark.parametrize(("row", "right", "wrong"), FORMS)
def test_a_form_is_read_for_what_it_says(row: dict[str, Any], right: list[str], wrong: list[str]) -> None:
    bad = [
        (text, VERIFIER.verify(text, row).reason) for text in right if VERIFIER.verify(text, row).correct is not True
    ]
    tagged = [f"<think>x</think>\n<answer>{text}</answer>" for text in right if "\\boxed" not in text]
    bad += [
        (text, VERIFIER.verify(text, row).reason) for text in tagged if VERIFIER.verify(text, row).correct is not True
    ]
    bad += [(text, "paid") for text in wrong if VERIFIER.verify(text, row).correct]
    assert bad == []


@pytest.mark.parametrize(
    "solution",
    [["HEART", "EMBER", "ABUSE", "RESIN", "TREND"], ["CAT", "U#A", "PIR"], list("HEARTEMBERABUSERESINTREND")],
)
def test_a_grid_of_letters_is_a_crossword(solution: list[str]) -> None:
    rows = solution if len(solution[0]) > 1 else ["HEART", "EMBER", "ABUSE", "RESIN", "TREND"]
    assert VERIFIER.verify("\n".join(rows), {"solution": solution}).correct is True
    assert VERIFIER.verify("\n".join(rows).replace("A", "O", 1), {"solution": solution}).correct is False
