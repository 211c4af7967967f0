"""The verifier ``puzzles``: an answer is right where it solves the row's puzzle, whatever solution the row gives."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

from veritune.plugins.errors import ParameterError
from veritune.plugins.faults import record
from veritune.plugins.types import Cause, Verdict
from veritune.verifiers.puzzles.answer import Place, denied, places, says_none
from veritune.verifiers.puzzles.arithmetic import Arithmetic
from veritune.verifiers.puzzles.asserted import MARK, asserted
from veritune.verifiers.puzzles.base import NONE, Answer, InvalidPuzzle, Puzzle, Unclear
from veritune.verifiers.puzzles.colouring import Colouring
from veritune.verifiers.puzzles.crossword import Crossword
from veritune.verifiers.puzzles.knights import Knights
from veritune.verifiers.puzzles.logic_grid import LogicGrid
from veritune.verifiers.puzzles.sudoku import Sudoku

Kind = Literal["countdown", "24", "sudoku", "knights", "crossword", "colouring", "logic_grid"]

KINDS: dict[str, Callable[[Mapping[str, Any]], Puzzle]] = {
    "countdown": Arithmetic,
    "24": Arithmetic,
    "knights": Knights,
    "colouring": Colouring,
    "logic_grid": LogicGrid,
    "crossword": Crossword,
    "sudoku": Sudoku,
}
SPELLINGS = {
    "game24": "24", "game_of_24": "24", "game of 24": "24", "24game": "24", "countdown_24": "24", "puzzle24": "24",
    "mini_sudoku": "sudoku", "sudoku4": "sudoku", "sudoku9": "sudoku",
    "knights_knaves": "knights", "knights_and_knaves": "knights", "knights and knaves": "knights", "kk": "knights",
    "k&k": "knights", "knight_knave": "knights",
    "graph_color": "colouring", "graph_colouring": "colouring", "graph_coloring": "colouring", "coloring": "colouring",
    "graph coloring": "colouring", "graph colouring": "colouring", "map_coloring": "colouring",
    "zebra": "logic_grid", "zebra_puzzles": "logic_grid", "zebralogic": "logic_grid", "logic_grids": "logic_grid",
    "logic grid": "logic_grid", "zebra_logic": "logic_grid", "einstein": "logic_grid",
    "crosswords": "crossword", "mini_crossword": "crossword", "mini_crosswords": "crossword", "fill_in": "crossword",
    "numbers": "countdown",
}  # fmt: skip
NESTED = ("gold", "ground_truth", "reward_model", "metadata", "extra_info", "puzzle", "puzzle_state", "answer")
"""Columns that may hold the row's fields in a mapping, or in its JSON."""
KIND_COLUMNS = ("puzzle_kind", "puzzle_type", "kind", "task", "type", "source_dataset", "data_source")


class PuzzleVerifier:
    """Decides puzzles by the puzzle. A gold is a row: a mapping with the columns of its kind.

    ``kind`` says which kind all rows are; ``auto`` asks the row (a column such as ``kind``), then its shape.
    """

    def __init__(self, *, kind: Kind | Literal["auto"] = "auto", prefilled: bool | Literal["auto"] = "auto") -> None:
        if kind != "auto" and kind not in get_args(Kind):
            raise ParameterError(f"puzzles: kind is auto or one of {', '.join(get_args(Kind))}, got {kind!r}")
        self.kind, self.prefilled = kind, prefilled

    def verify(self, completion: str, gold: Any, prompt: str = "") -> Verdict:
        """The verdict on one completion."""
        try:
            return self._verdict(completion, gold, prompt)
        except InvalidPuzzle as error:
            return Verdict.undecided(Cause.INVALID_GOLD, str(error))
        except Exception as error:  # no text raises: a bug of ours is undecided
            fault = record("reading a puzzle", error, completion=completion, gold=str(gold)[:5000])
            return Verdict.undecided(Cause.INTERNAL_ERROR, fault)

    def verify_batch(self, pairs: Sequence[tuple[str, Any]]) -> list[Verdict]:
        """One verdict a ``(completion, gold)`` pair, in order."""
        return [self.verify(completion, gold) for completion, gold in pairs]

    def _verdict(self, completion: str, gold: Any, prompt: str) -> Verdict:
        kind, row = read_row(gold, self.kind)
        puzzle = KINDS[kind](row)
        found = places(completion, prompt, prefilled=self.prefilled)
        if found is None:
            return Verdict.wrong("the thinking never ends, so there is no answer", evidence={"kind": kind})
        answer, place = _answer(puzzle, found)
        shown = {"evidence": {"kind": kind, "place": place.where if place else None}}
        if answer is None:
            return Verdict.wrong(f"there is no {puzzle.what} after the thinking", **shown)
        if isinstance(answer, Unclear):
            return (
                Verdict.undecided(Cause.ABSTAIN, answer.why, **shown)
                if answer.open
                else Verdict.wrong(answer.why, **shown)
            )
        verdict = _no_solution(puzzle) if answer is NONE else puzzle.judge(answer)
        decided_wrong = verdict.correct is False and answer is not NONE
        if decided_wrong and not puzzle.declared_unsolvable() and puzzle.solvable() is False:
            return Verdict.undecided(Cause.INVALID_GOLD, "the puzzle has no solution at all", **shown)
        return Verdict(verdict.correct, verdict.cause, verdict.score, verdict.extracted, verdict.expected,
                       verdict.reason, {**shown["evidence"], **verdict.evidence})  # fmt: skip


def _answer(puzzle: Puzzle, found: Sequence[Place]) -> tuple[Answer | None, Place | None]:
    """The one answer of the first place that has any; Unclear where a place has two."""
    half: tuple[Unclear, Place] | None = None
    for place in found:
        read = [_stood_by(puzzle, text) for text in place.texts]
        answers = dict.fromkeys(answer for readings in read for answer in readings)
        if len(read) > 1 and not any(not isinstance(answer, Unclear) for answer in read[-1]):
            answers = dict.fromkeys(_stood_by(puzzle, "\n".join(place.texts)))  # each may hold a part
            if any(read) and not read[-1]:
                return Unclear("the last of several places for an answer holds none"), place
        if not answers:
            continue
        left = asserted(place.around)
        if MARK not in left.text and place.around:
            later = [one for one in _stood_by(puzzle, place.behind) if not isinstance(one, Unclear)]
            return (later[0] if len(later) == 1 and place.where != "tag" else Unclear(left.why)), place
        if any(answer is not NONE for answer in answers) and any(map(denied, place.texts)):
            return Unclear("it says what the answer is not"), place
        clear = [answer for answer in answers if not isinstance(answer, Unclear)]
        if len(clear) > 1 and not _all_right(puzzle, clear):
            return Unclear("it gives more than one answer, and they differ"), place
        unclear = [answer for answer in answers if isinstance(answer, Unclear)]
        if unclear and not clear and place.where == "conclusion":  # "Hence Zoey is a knight": the rest stands before
            half = half or (unclear[0], place)
            continue
        if unclear and (not clear or place.where in ("tag", "mark")):
            return unclear[0], place
        return clear[0], place
    return half or (None, None)


def _stood_by(puzzle: Puzzle, text: str) -> Sequence[Answer]:
    """The answers that a text gives and stands by; Unclear where it gives some and stands by none."""
    left = asserted(text)
    answers = puzzle.readings(left.text)
    if not left.why or any(not isinstance(answer, Unclear) for answer in answers):
        return answers
    whole = puzzle.readings(text)
    if not any(not isinstance(answer, Unclear) for answer in whole):
        return whole
    if answers and left.refuted:
        return whole  # the cases that were tried, with what follows from them, are one line of thought
    if says_none(text):
        return [NONE]
    return [Unclear(left.why, open=bool(answers))]


def _all_right(puzzle: Puzzle, answers: Sequence[Answer]) -> bool:
    """Whether each of several answers solves the puzzle: two solutions do not contradict each other."""
    return len(answers) <= 5 and NONE not in answers and all(puzzle.judge(answer).correct for answer in answers)


def _no_solution(puzzle: Puzzle) -> Verdict:
    solvable = puzzle.solvable()
    if solvable is None:
        reason = "whether the puzzle has a solution was not found within the bounds of our search"
        return Verdict.undecided(Cause.TIMEOUT, reason)
    if solvable:
        return Verdict.wrong("it says that there is no solution, and there is one", extracted="no solution")
    return Verdict.right("there is no solution, and it says so", extracted="no solution")


def read_row(gold: Any, kind: str = "auto") -> tuple[str, Mapping[str, Any]]:
    """The kind of a row's puzzle and its fields, those in nested mappings among them. Raises InvalidPuzzle."""
    row = _mapping(gold)
    if row is None:
        raise InvalidPuzzle(f"the gold is no puzzle (a mapping with its columns): {gold!r:.120}")
    flat, given = _flat(row), kind
    if kind == "auto":
        kind = _said_kind(flat) or _guessed(flat) or ""
    if kind not in KINDS:
        raise InvalidPuzzle(f"no kind of puzzle has these columns: {', '.join(sorted(map(str, row)))[:200]}")
    if kind == "24" and flat.get("target") is None and _says_24(flat, given):
        flat = {**flat, "target": 24}
    return kind, flat


def _says_24(row: Mapping[str, Any], given: str) -> bool:
    """Whether a row without a target is of the game of 24: its kind says so, or it has cards and no target at all."""
    return given == "24" or _said_kind(row) == "24" or (row.get("cards") is not None and "target" not in row)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of nested mappings first, then the row's own."""
    nested: dict[str, Any] = {}
    for name in NESTED:
        inner = _mapping(row.get(name))
        if inner is not None:
            nested.update(_flat(inner))
    own = {name: value for name, value in row.items() if name not in nested or _mapping(value) is None}
    own = {name: value for name, value in own.items() if value is not None or name not in nested}
    return {**nested, **own}


def _mapping(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, str) and value.lstrip()[:1] == "{" and len(value) < 1_000_000:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, Mapping) else None


def _said_kind(row: Mapping[str, Any]) -> str | None:
    for name in KIND_COLUMNS:
        said = row.get(name)
        if isinstance(said, str):
            key = said.strip().lower()
            if key in KINDS or key in SPELLINGS:
                return SPELLINGS.get(key, key)
            if key.replace("-", "_") in SPELLINGS:
                return SPELLINGS[key.replace("-", "_")]
    return None


def _guessed(row: Mapping[str, Any]) -> str | None:
    def has(*names: str) -> bool:
        return any(row.get(name) is not None for name in names)

    if has("nums", "numbers", "cards"):
        return "countdown" if has("target") else "24"
    if has("names") and has("statements", "knight_knave", "solution_text", "solution_text_format", "solution", "gold"):
        return "knights"
    if has("edges", "adjacency"):
        return "colouring"
    solution = _mapping(row.get("solution"))
    if has("header", "rows") or (solution is not None and ("header" in solution or "rows" in solution)):
        return "logic_grid"
    if solution is not None and any(_mapping(value) is not None for value in solution.values()):
        return "logic_grid"
    if has("words", "across", "down", "entries") or isinstance(row.get("clues"), Mapping | list | tuple):
        return "crossword"
    given: Any = row.get("solution")
    given = given.tolist() if hasattr(given, "tolist") else given
    words = given if isinstance(given, list | tuple) and not has("puzzle", "board", "quizzes") else ()
    letters = all(isinstance(line, str) and re.fullmatch(r"[A-Za-z#.]+", line) for line in words)
    if letters and sum(map(len, words)) > 3 and len(set(map(len, words))) == 1:
        return "crossword"
    if has("puzzle", "grid", "board", "quizzes"):
        return "sudoku"
    return None
