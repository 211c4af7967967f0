"""Questions for the rewards that read a whole row: a puzzle of each kind, with hostile answers of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from veritune.plugins import Reward
from veritune.rewards.attack.overlap_questions import OVERLAP
from veritune.rewards.attack.questions import Question

PEOPLE = Question(
    frozenset(),
    {
        "names": ["Ava", "Ben", "Cy"],
        "statements": [["lying", 1], ["and", ["lying", 0], ["telling-truth", 2]], ["not", ["telling-truth", 1]]],
    },
    "Ava is a knight, Ben is a knave, Cy is a knight",
    ("Ava is a knave, Ben is a knight, Cy is a knave", "Ava is a knight, Ben is a knight, Cy is a knight"),
    {
        "both roles of everybody": ", ".join(f"{who} is a knight or a knave" for who in ("Ava", "Ben", "Cy")),
        "a role, and the other": "Ava is a knight, Ben is a knave, Cy is a knight. Ava is a knave.",
        "lists": "Ava is a knight, Ben is a knave, Cy is a knight\n\nAva is a knave, Ben is a knight, Cy is a knave",
        "a supposition": "If Ava is a knight, Ben is a knave, Cy is a knight, it works",
        "what others say": 'Ava says "Ava is a knight", Ben says "Ben is a knave", Cy says "Cy is a knight"',
        "somebody left out": "Ava is a knight, Ben is a knave",
        "a question": "Is Ava a knight, is Ben a knave, is Cy a knight?",
        "strangers": "Dan is a knight, Eve is a knave, Fay is a knight",
    },
)
SUDOKU = Question(
    frozenset(),
    {"puzzle": "12..3..12..34..2"},
    "1234\n3421\n2143\n4312",
    ("1234\n3421\n2143\n4321", "1234\n3412\n2143\n4321"),
    {
        "the puzzle itself": "12..\n3..1\n.12.\n4..2",
        "the puzzle with zeros": "1200\n3001\n0120\n4002",
        "another valid grid": "1234\n3412\n2143\n4321",
        "one digit everywhere": "1111\n1111\n1111\n1111",
        "two grids": "1234\n3421\n2143\n4312\n\n1234\n3412\n2143\n4321",
        "two digits in a cell": "1234\n3421\n2143\n43(1/3)2",
        "a row left out": "1234\n3421\n2143",
        "no solution": "This puzzle has no solution.",
    },
)
GAME_OF_24 = Question(frozenset(), {"nums": [8, 2, 4, 1], "target": 24, "kind": "24"}, "(8 - 2) * 4 * 1",
                     ("8 * 2 + 4 * 1", "(8 - 2) * 4"), {"no solution": "It cannot be done.", "the target": "24",
                      "two expressions": "(8 - 2) * 4 * 1 or 8 * 2 + 4 * 1", "glued": "(8 - 2) * 41"})  # fmt: skip
COLOURING = Question(
    frozenset(),
    {"edges": [["a", "b"], ["b", "c"], ["c", "a"], ["c", "d"]], "num_colors": 3},
    '{"a": "red", "b": "green", "c": "blue", "d": "red"}',
    ('{"a": "red", "b": "green", "c": "blue", "d": "blue"}', '{"a": "red", "b": "green", "c": "blue"}'),
    {
        "not possible": "It is impossible.",
        "two colours of one": "a: red, b: green, c: blue, d: red, d: green",
        "four colours": '{"a": 1, "b": 2, "c": 3, "d": 4}',
        "one colour": '{"a": 1, "b": 1, "c": 1, "d": 1}',
        "two colourings": '{"a": 1, "b": 2, "c": 3, "d": 1} or {"a": 1, "b": 1, "c": 1, "d": 1}',
    },
)
LOGIC_GRID = Question(
    frozenset(),
    {
        "solution": {
            "header": ["House", "Name", "Drink"],
            "rows": [["1", "Ann", "tea"], ["2", "Bob", "milk"], ["3", "Cleo", "water"]],
        }
    },
    "House 1: Ann, tea\nHouse 2: Bob, milk\nHouse 3: Cleo, water",
    ("House 1: Ann, milk\nHouse 2: Bob, tea\nHouse 3: Cleo, water", "House 1: Ann, tea"),
    {
        "every value in every house": "\n".join(f"House {n}: Ann, Bob, Cleo, tea, milk, water" for n in (1, 2, 3)),
        "a value twice": "House 1: Ann, tea\nHouse 2: Bob, milk\nHouse 3: Cleo, milk",
        "2": "House 1: Ann, tea\nHouse 2: Bob, milk\nHouse 3: Cleo, water\n\nHouse 1: Bob, milk\nHouse 2: Ann, tea",
        "empty cells": "| House | Name | Drink |\n|---|---|---|\n| 1 | | |\n| 2 | | |\n| 3 | | |",
    },
)
CROSSWORD = Question(
    frozenset(),
    {"grid": ["___", "_#_", "___"], "words": ["CAT", "CUP", "TAR", "PIR"]},
    "CAT\nU#A\nPIR",
    ("CAT\nU#A\nPIT", "CAT\nA#A\nTAR"),
    {
        "the empty grid": "___\n_#_\n___",
        "the words alone": "CAT CUP TAR PIR",
        "letters in blocks": "CAT\nUXA\nPIR",
        "an entry left out": "1 Across: CAT\n1 Down: CUP\n2 Down: TAR",
        "crossing badly": "1 Across: CAT\n1 Down: CUP\n2 Down: TAR\n3 Across: CAT",
    },
)

PUZZLES = (PEOPLE, SUDOKU, GAME_OF_24, COLOURING, LOGIC_GRID, CROSSWORD)
BY_NAME: dict[str, Question] = {"puzzles": PEOPLE, "bleu": OVERLAP, "chrf": OVERLAP, "rouge": OVERLAP}
"""By the built-in reward's name."""


def question_named(rewards: Sequence[Any]) -> Question | None:
    """The question of the first built-in reward that has one by its name."""
    for one in rewards:
        if isinstance(one, Reward) and one.function.__module__.startswith("veritune.rewards."):
            name = one.function.__name__
            found = BY_NAME.get(name) or (_entry(one) if name == "reasoning_gym" else None)
            if found is not None:
                return found
    return None


def _entry(reward: Reward) -> Question:
    """An entry of the task that a ``reasoning_gym`` reward is configured with. Raises what ``draw`` raises."""
    from veritune.rewards.reasoning_gym import draw

    task = str(reward.resolved.get("task") or "chain_sum")
    entries = [draw(task, "{}", seed) for seed in range(4)]
    entry, *others = sorted(entries, key=lambda one: one["answer"] is None)
    answer = str(entry["answer"])
    row = {"task": task, "question": entry["question"], "answer": entry["answer"]}
    row["generated"] = {"seed": entries.index(entry), "config": {}}
    wrongs = tuple(dict.fromkeys(str(one["answer"]) for one in others if str(one["answer"]) != answer))
    nothing = ("x", "0", "[]", "{}", "None", "True", "yes", "the the the", "1 2 3", "no answer", entry["question"])
    return Question(frozenset(), row, answer, wrongs or ("-987654321.5",),
                    {f"nothing: {text[:20]}": text for text in nothing if text != answer})  # fmt: skip
