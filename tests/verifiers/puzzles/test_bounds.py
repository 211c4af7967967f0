"""No text raises, hangs or is read in more than linear time; the attacks on every kind hold."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from veritune import Cause, get_reward
from veritune.rewards.attack import attack, puzzle_questions, worker_pool
from veritune.rewards.attack.puzzle_questions import PUZZLES
from veritune.verifiers.puzzles import PuzzleVerifier

VERIFIER = PuzzleVerifier()
PIECES = ["Ava is a knight, ", "House 1: Ann, tea\n", "| 1 | 2 | 3 | 4 |\n", "1234\n", "(8-2)*", "((((", "[[[[",
          '{"a": ', "a: red, ",
          "1 Across: CAT\n", "<answer>", "</answer>", "\\boxed{", "Final answer:", "Ava, Ben, Cy and ", "\\\\ ",
          "1,", "is ", "not ",
          "| ", "\n", "=", "{", "Color 1: a, ", "r1c1=1, ", "the first row is ", "\"", "and "]  # fmt: skip


@pytest.mark.parametrize("number", range(len(PUZZLES)))
def test_hostile_text_is_read_in_bounded_time_and_pays_nothing(number: int) -> None:
    row: Any = PUZZLES[number].row
    slow, paid = [], []
    for piece in PIECES:
        for text in (piece * (10_000 // len(piece)),):
            begun = time.process_time()
            found = VERIFIER.verify(text, row)
            spent = time.process_time() - begun
            if found.correct or found.cause is Cause.INTERNAL_ERROR:
                paid.append((piece, found))
            if spent > 2.0:  # a bound, not a measure of speed: what is not linear takes minutes here
                slow.append((piece, spent))
    assert not paid
    assert not slow


@pytest.mark.parametrize("number", range(len(PUZZLES)))
def test_no_mixture_of_pieces_raises(number: int) -> None:
    chance = random.Random(number)
    for _ in range(20):
        text = "".join(chance.choice(PIECES) for _ in range(chance.randrange(40)))
        for row in (PUZZLES[number].row, {"kind": "sudoku", "puzzle": text}, {"names": [text, "b"], "solution": text},
                    {"solution": text, "kind": "zebra"}, {"edges": [[text, "b"]], "k": 2}, {"words": text,
                    "grid": text},
                    {"nums": text, "target": text}):  # fmt: skip
            found = VERIFIER.verify(f"<answer>{text}</answer>", row)
            assert found.cause is not Cause.INTERNAL_ERROR, (text, row, found)


def test_the_lab_finds_nothing_that_pays_in_any_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    with worker_pool(1, 2.0) as pool:
        for example in PUZZLES:
            monkeypatch.setitem(puzzle_questions.BY_NAME, "puzzles", example)
            report = attack(get_reward("puzzles"), pool=pool, budget=None if example is PUZZLES[0] else 25)
            assert not report.broken, [(r.attack.name, r.detail) for r in report.broken]
            assert report.honest == 1.0
            tried = {result.attack.name for result in report.results}
            assert example is not PUZZLES[0] or set(example.attacks) <= tried


def test_an_answer_copied_from_an_example_in_the_prompt_is_none() -> None:
    example = f"For example:\n<think>I look at it.</think>\n<answer>{PUZZLES[0].right}</answer>"
    reward = get_reward("puzzles")
    assert reward.score(example, prompt=f"{example}\nNow yours.", **PUZZLES[0].row).value == 0.0
    assert reward.score(f"<answer>{PUZZLES[0].right}</answer>", prompt="Now yours.", **PUZZLES[0].row).value == 1.0
