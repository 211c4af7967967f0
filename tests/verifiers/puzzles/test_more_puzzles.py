"""24, colouring, logic grids and crosswords: right where the puzzle is solved, in the forms that models write."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from veritune import Cause, get_reward
from veritune.verifiers.puzzles import PuzzleVerifier

Rows = Callable[[str], list[dict[str, Any]]]
VERIFIER = PuzzleVerifier()


def tag(answer: str) -> str:
    return f"<think>x</think>\n<answer>{answer}</answer>"


def disagreeing(row: Any, right: list[str], wrong: list[str]) -> list[tuple[str, str]]:
    found = [(text, VERIFIER.verify(text, row)) for text in right]
    bad = [(text, verdict.reason) for text, verdict in found if verdict.correct is not True]
    found = [(text, VERIFIER.verify(text, row)) for text in wrong]
    return bad + [(text, verdict.reason) for text, verdict in found if verdict.correct is not False]


EIGHT = {"nums": [8, 2, 4, 1], "target": 24}


def test_twenty_four() -> None:
    inside = ["(8 - 2) * 4 * 1", "(8-2)*4*1 = 24", "$(8-2) \\times 4 \\times 1$", "\\((8-2)*4*1\\)", "`(8-2)*4*1`",
              "(8 − 2) × 4 × 1 = 24.", "$$(8-2)\\cdot4\\cdot1=24$$", "\\frac{8-2}{1} \\times 4", "24 = (8-2)*4*1",
              "Expression: (8-2)*4*1", "The expression is (8-2)*4*1.", "（8－2）×4×1"]  # fmt: skip
    right = [
        *map(tag, inside), *(f"Work.\n\\boxed{{{text}}}" for text in inside[:4]),
        "8 - 2 = 6\n6 * 4 = 24\n24 * 1 = 24\nSo (8 - 2) * 4 * 1 = 24.", "Final answer: (8-2)*4*1",
        "The answer is: (8 - 2) * 4 * 1 = 24", "**Answer:** `(8 - 2) * 4 * 1 = 24`", "The solution is (8 - 2) * 4 * 1.",
        "Answer: (8-2)*4*1=24\n\nCheck: 8-2=6, 6*4=24.", "One way: (8-2)*4*1 = 24, using each number once.",
        "Steps:\n8 - 2 = 6 (left: 4 6 1)\n6 * 4 = 24 (left: 24 1)\n24 * 1 = 24 (left: 24)\nAnswer: (8 - "
        "2) * 4 * 1 = 24",
        "We have 8, 2, 4, 1. Therefore, the expression is **(8 - 2) * 4 * 1 = 24**.",
        tag("(8-2)*4*1") + "<answer>4*(8-2)*1</answer>",
    ]  # fmt: skip
    wrong = [
        *map(tag, ["(8-2)*4", "24", "8*4-(2*1)", "", "no solution", "(8-2)*4*1 or 8*4-2*1", "(8-2)*4*1 = 25",
        "not (8-2)*4*1",
                   "(8-2)*4*1*1", "(8-2)*41", "(8-2)**4*1", "x", "8,2,4,1"]),
        "I do not know", "<think>(8-2)*4*1", "<think><answer>(8-2)*4*1</answer>", "<think>(8-2)*4*1</think> Done.",
        tag("(8-2)*4*1") + "<answer>8+2+4+1</answer>", "Use 8, 2, 4 and 1 to make 24.", "Answer: (8-2)*4*1 is wrong",
    ]  # fmt: skip
    assert not disagreeing(EIGHT, right, wrong)


def test_what_cannot_be_made_has_the_answer_that_it_cannot(shared_rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    says = ["No solution", "It is impossible to make 24.", "There is no way to make 24 from these.", "Not possible.",
            "24 cannot be reached.", "\\text{No solution exists}"]  # fmt: skip
    assert not disagreeing(
        {"nums": [1, 1, 1, 2], "kind": "24"}, [tag(text) for text in says], [tag("1+1+1+2"), tag("24"), ""]
    )
    for name in ("game24", "countdown"):
        for row in shared_rows(f"puzzles/{name}.jsonl")[::60]:
            said = VERIFIER.verify(tag("no solution"), {**row, "kind": "countdown"})
            assert said.correct is not row["solvable"], (row, said)
            if row["solvable"]:
                assert VERIFIER.verify(f"So {row['solution']} = {row['target']}.", row).correct, row
    monkeypatch.setattr("veritune.verifiers.puzzles.arithmetic.MAX_VALUES", 2000)
    six = {"nums": [3, 7, 11, 25, 50, 75], "target": 941.5}
    assert VERIFIER.verify(tag("no solution"), six).cause is Cause.TIMEOUT, "not known is not decided"


@pytest.mark.parametrize(
    "row",
    [
        {"nums": [4, 6], "target": 24}, {"target": 24, "numbers": [4, 6]}, {"cards": [4, 6]}, {"kind": "24",
        "nums": "4 6"},
        {"ground_truth": {"target": 24, "numbers": [4, 6]}}, {"ground_truth": '{"target": 24, "numbers": [4, 6]}'},
        {"reward_model": {"style": "rule", "ground_truth": {"target": 24, "numbers": [4, 6]}},
        "data_source": "countdown"},
    ],
)  # fmt: skip
def test_rows_of_numbers_in_the_shapes_of_public_sets(row: dict[str, Any]) -> None:
    assert get_reward("puzzles").score(tag("4 * 6"), **row).value == 1.0
    assert get_reward("puzzles").score(tag("4 + 6"), **row).value == 0.0


KITE = {"edges": [[0, 1], [1, 2], [2, 0], [2, 3]], "num_colors": 3}
AUSTRALIA = {
    "regions": ["WA", "NT", "SA", "Q", "NSW", "V", "T"],
    "edges": ["WA-NT", "WA-SA", "NT-SA", "NT-Q", "SA-Q", "SA-NSW", "SA-V", "Q-NSW", "NSW-V"],
    "colors": ["red", "green", "blue"],
}


def test_colourings() -> None:
    right = [
        '{"0": 1, "1": 2, "2": 3, "3": 1}', "0: red\n1: green\n2: blue\n3: red", "0=1, 1=2, 2=3, 3=1", "[1, 2, 3, 1]",
        "Node 0 -> red, Node 1 -> green, Node 2 -> blue, Node 3 -> green", "0 → 1; 1 → 2; 2 → 3; 3 → 1",
        "| Vertex | Color |\n|---|---|\n| 0 | Red |\n| 1 | Blue |\n| 2 | Green |\n| 3 | Red |",
        "Vertex 0 is colored red, vertex 1 is blue, vertex 2 is green and vertex 3 is red.",
        "Color 1: 0, 3\nColor 2: 1\nColor 3: 2", "Red: 0, 3\nGreen: 1\nBlue: 2",
        '{"red": [0, 3], "green": [1], "blue": [2]}', '{0: "red", 1: "green", 2: "blue", 3: "red"}',
        '[{"vertex":0,"color":"red"},{"vertex":1,"color":"green"},{"vertex":2,"color":"blue"},{"vertex":3,"color":"red"}]',
        '{"coloring": {"0": "A", "1": "B", "2": "C", "3": "A"}}', '```json\n{"0": 1, "1": 2, "2": 3, "3": 1}\n```',
        "- **Vertex 0**: Color 1\n- **Vertex 1**: Color 2\n- **Vertex 2**: Color 3\n- **Vertex 3**: Color 1",
    ]  # fmt: skip
    wrong = ["0: red\n1: green\n2: red\n3: blue", "0: red\n1: green\n2: blue", "0: red\n1: green\n2: blue\n3: yellow",
             "0: red\n1: green\n2: blue\n3: red\n0: green", "impossible", '{"0":1,"1":2,"2":3,"3":3}', "", "red",
             "0, 1, 2, 3",
             'not {"0": 1, "1": 2, "2": 3, "3": 1}', '{"0":1,"1":2,"2":3,"3":1} {"0":1,"1":1,"2":3,"3":1}']  # fmt: skip
    more = ["$\\boxed{0: 1, 1: 2, 2: 3, 3: 1}$", "Work.\n\nFinal answer:\n0: 1\n1: 2\n2: 3\n3: 1"]
    assert not disagreeing(KITE, [*map(tag, right), *more], [*map(tag, wrong), "<think>0: 1, 1: 2, 2: 3, 3: 1"])
    right = ["WA: red, NT: green, SA: blue, Q: red, NSW: green, V: red, T: red",
             "Red: WA, Q, V, T; Green: NT, NSW; Blue: SA",
             "**Red**: WA, Q, V and T\n**Green**: NT and NSW\n**Blue**: SA",
             "WA = Red\nNT = Green\nSA = Blue\nQ = Red\nNSW = Green\nV = Red\nT = Green"]  # fmt: skip
    wrong = [
        "WA: red, NT: green, SA: purple, Q: red, NSW: green, V: red, T: red",
        "Red: WA, Q, V; Green: NT, NSW; Blue: SA",
    ]
    assert not disagreeing(AUSTRALIA, [*map(tag, right)], [*map(tag, wrong)])


def test_a_graph_that_cannot_be_coloured() -> None:
    row = {**KITE, "num_colors": 2}
    right = [
        tag("It is impossible with 2 colors."),
        tag("The graph is not 2-colorable."),
        tag("No valid coloring exists."),
    ]
    assert not disagreeing(row, right, [tag("0: red\n1: green\n2: red\n3: green"), tag('{"0":1,"1":2,"2":3,"3":1}')])
    clique = [[a, b] for a in range(40) for b in range(a)]
    assert VERIFIER.verify(tag("impossible"), {"edges": clique, "k": 39}).correct
    for bad in ({"edges": [[1, 1]], "k": 2}, {"edges": [[1, 2]]}, {"edges": [[1]], "k": 2}, {"edges": [], "k": 2}):
        assert VERIFIER.verify(tag("1: 1, 2: 2"), bad).cause is Cause.INVALID_GOLD, bad


HOUSES: dict[str, Any] = {
    "solution": {
        "header": ["House", "Name", "Drink", "Pet"],
        "rows": [["1", "Arnold", "tea", "cat"], ["2", "Eric", "root beer", "dog"], ["3", "Peter", "milk", "horse"]],
    }
}
TABLE = {
    f"House {row[0]}": dict(zip(("Name", "Drink", "Pet"), row[1:], strict=True)) for row in HOUSES["solution"]["rows"]
}


def test_logic_grids() -> None:
    rows = HOUSES["solution"]["rows"]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    head = "| House | Name | Drink | Pet |\n|---|---|---|---|\n"
    right = [
        json.dumps(TABLE), json.dumps({"reasoning": "so", "solution": TABLE}, indent=2), head + "\n".join(lines),
        "| | House 1 | House 2 | House 3 |\n|---|---|---|---|\n| Name | Arnold | Eric | Peter |\n| Drink "
        "| Tea | Root Beer | Milk |"
        "\n| Pet | Cat | Dog | Horse |",
        "\n".join(f"House {r[0]}: {', '.join(r[1:])}" for r in rows),
        "\n".join(f"{r[0]}. {', '.join(r[1:])}" for r in rows),
        "\n".join(f"House {r[0]}: Name: {r[1]}; Drink: {r[2]}; Pet: {r[3]}" for r in rows),
        "\n\n".join(f"**House {r[0]}**\n- Name: {r[1]}\n- Drink: {r[2]}\n- Pet: {r[3]}" for r in rows),
        "Arnold lives in the first house, drinks tea and keeps a cat. Eric lives in the second house, "
        "drinks root beer and has "
        "a dog. Peter is in house 3, with milk and a horse.",
        "\n".join(f"| House {r[0]} | {r[1]} | {r[2]} | {r[3]} |" for r in rows),
        json.dumps([dict(zip(("House", "Name", "Drink", "Pet"), r, strict=True)) for r in rows]),
        json.dumps(HOUSES["solution"]), json.dumps({r[0]: r[1:] for r in rows}),
        json.dumps({n: [r[i] for r in rows] for i, n in enumerate(("Name", "Drink", "Pet"), 1)}),
        "Name | Drink | Pet\n" + "\n".join(" | ".join(r[1:]) for r in rows),
        "+---+\n| House | Name | Drink | Pet |\n+---+\n" + "\n".join(lines) + "\n+---+",
    ]  # fmt: skip
    swapped = "House 1: Arnold, tea, dog\nHouse 2: Eric, root beer, cat\nHouse 3: Peter, milk, horse"
    wrong = [swapped, "House 1: Arnold, tea, cat\nHouse 2: Eric, root beer, dog", "", "Arnold", head,
             "House 1: Arnold, tea, cat, dog\nHouse 2: Eric, root beer, dog\nHouse 3: Peter, milk, horse",
             json.dumps(TABLE) + json.dumps({**TABLE, "House 1": TABLE["House 2"]}), "not " + json.dumps(TABLE),
             json.dumps({**TABLE, "House 1": {"Name": "Arnold", "Drink": "tea", "Pet": ["cat", "dog"]}})]  # fmt: skip
    outside = [f"House 1 is tricky …\n\nFinal answer:\n{right[4]}", f"```json\n{right[0]}\n```", f"So:\n\n{right[2]}"]
    assert not disagreeing(HOUSES, [*map(tag, right), *outside], [*map(tag, wrong), f"<think>{right[0]}"])
    found = VERIFIER.verify(tag(swapped), HOUSES)
    assert (found.evidence["right_cells"], found.evidence["cells"]) == (7, 9)


@pytest.mark.parametrize(
    "row", [{"solution": TABLE}, {"solution": json.dumps(TABLE)}, HOUSES["solution"],
            {"kind": "zebra", "solution": [{"House": k, **v} for k, v in TABLE.items()]},
            {"solution": {"solution": HOUSES["solution"]}, "kind": "logic_grid"}]
)  # fmt: skip
def test_logic_grids_in_the_shapes_of_public_sets(row: dict[str, Any]) -> None:
    assert VERIFIER.verify(json.dumps(TABLE), row).correct
    assert VERIFIER.verify(json.dumps({**TABLE, "House 1": TABLE["House 2"]}), row).correct is False


def test_a_logic_grid_without_its_solution_is_undecided() -> None:
    for rows in (
        [["1", "___"], ["2", "___"]],
        [["1", "a"], ["1", "b"]],
        [["1", "a"], ["2", "a"]],
        [["1"], ["2", "b"]],
        [],
    ):
        row = {"kind": "zebra", "solution": {"header": ["House", "Name"], "rows": rows}}
        assert VERIFIER.verify(json.dumps(TABLE), row).cause is Cause.INVALID_GOLD, rows


MINI: dict[str, Any] = {"solution": ["HEART", "EMBER", "ABUSE", "RESIN", "TREND"], "clues": ["c"] * 10}
FILL: dict[str, Any] = {"grid": ["___", "_#_", "___"], "words": ["CAT", "CUP", "TAR", "PIR"]}


def test_crosswords() -> None:
    words = MINI["solution"]
    spaced = [" ".join(word) for word in words]
    right = [
        "\n".join(words), "\n".join(spaced), "\n".join(words).lower(), json.dumps(words),
        json.dumps([list(w) for w in words]),
        "\n".join(f"| {' | '.join(word)} |" for word in words), "\n".join(f"h{n}. {w}" for n, w in enumerate(words, 1)),
        "\n".join(f"{n} Across: {w}" for n, w in zip((1, 6, 7, 8, 9), words, strict=True)),
        "Across:\n1. Heart\n6. Ember\n7. Abuse\n8. Resin\n9. Trend\nDown:\n1. Heart\n2. Ember\n3. "
        "Abuse\n4. Resin\n5. Trend",
        json.dumps({"across": dict(zip("16789", words, strict=True))}), "Output:\n" + "\n".join(words),
    ]  # fmt: skip
    wrong = ["\n".join([*words[:4], "TREAD"]), "\n".join(words[:4]), "1 Across: HEART\n6 Across: EMBER", "", "HEART",
             "\n".join(f"h{n}. {w}" for n, w in enumerate(words, 1)) + "\nv1. HEARD",
             "\n".join(words) + "\n\n" + "\n".join(words[::-1]),
             "not " + " ".join(words)]  # fmt: skip
    for row in (
        MINI,
        {"answer": list("".join(words)), "clues": ["c"] * 10},
        {"kind": "crossword", "solution": "\n".join(spaced)},
    ):
        assert not disagreeing(row, [*map(tag, right)], [*map(tag, wrong)])


def test_words_to_fill_in_may_be_filled_in_any_way_that_fits() -> None:
    right = ["CAT\nU#A\nPIR", "CUP\nA#I\nTAR", "C A T\nU # A\nP I R", "C A T\nU . A\nP I R", '["CAT", "U#A", "PIR"]',
             "| C | A | T |\n|---|---|---|\n| U | ■ | A |\n| P | I | R |", "CAT\nU A\nPIR".replace(" ", "*"),
             "1 Across: CAT\n1 Down: CUP\n2 Down: TAR\n3 Across: PIR",
             '[["C","A","T"],["U",null,"A"],["P","I","R"]]']  # fmt: skip
    wrong = ["CAT\nA#A\nTAR", "CAT\nU#A\nPAR", "CAT\nUXA\nPIR", "CAT, CUP, TAR, PIR", "___\n_#_\n___", "1 Across: CAT"]
    assert not disagreeing(FILL, [*map(tag, right)], [*map(tag, wrong)])
    given = {**FILL, "grid": ["C__", "A#_", "___"]}
    assert not disagreeing(given, [tag("CUP\nA#I\nTAR")], [tag("CAT\nU#A\nPIR")])
    for bad in ({"grid": ["__", "_"], "words": ["AB"]}, {"kind": "crossword"}, {"solution": "A1", "kind": "crossword"},
                {**FILL, "solution": ["CAT", "U#A", "PIT"]}):  # fmt: skip
        assert VERIFIER.verify(tag("AB\nCD"), bad).cause is Cause.INVALID_GOLD, bad
