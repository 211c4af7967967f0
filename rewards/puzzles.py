"""The reward ``puzzles``: 24, sudoku, knights and knaves, crosswords, graph colouring, logic grids."""

from __future__ import annotations

from typing import Literal

from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score, Verdict
from veritune.rewards.text import Prefilled, copies_answer
from veritune.verifiers.puzzles.verifier import Kind, PuzzleVerifier


@reward
def puzzles(
    sample: Sample,
    *,
    kind: Kind | Literal["auto"] = "auto",
    right: float = 1.0,
    wrong: float = 0.0,
    prefilled: Prefilled = "auto",
) -> Score:
    """``right`` where the answer solves the row's puzzle, else ``wrong``; any solution is one.

    ``kind`` is ``countdown``, ``24``, ``sudoku``, ``knights``, ``crossword``, ``colouring`` or ``logic_grid``; ``auto``
    goes by the row's column ``kind`` (or ``task``), then by its shape. Columns, as the public sets have them:
    ``nums``, ``target``; ``puzzle`` (a sudoku's cells); ``names``, ``statements``, ``solution``; ``grid``, ``words``;
    ``edges``, ``num_colors``; ``solution`` with ``header`` and ``rows``. A row that contradicts itself is undecided.
    The answer stands in ``<answer>``, in a box, behind "Answer:", or in the text after the thinking; two that differ
    are wrong.
    """
    if copies_answer(sample.text, sample.prompt_text):
        return Score.of(Verdict.wrong("the answer is copied from an example in the prompt"), right, wrong)
    verdict = PuzzleVerifier(kind=kind, prefilled=prefilled).verify(sample.text, sample.columns, sample.prompt_text)
    return Score.of(verdict, right, wrong)


puzzles.reads("kind")  # a row may say which kind it is


puzzles.for_rows("kind", "right", "wrong", "prefilled")
