"""Sudoku of any size: givens kept, and every row, column and box with each sign once."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from veritune.plugins.types import Verdict
from veritune.verifiers.puzzles.answer import says_none
from veritune.verifiers.puzzles.base import NONE, Answer, InvalidPuzzle, declares_none, first
from veritune.verifiers.puzzles.grids import BLANK, Grid, Shape, grids, read_grid

MAX_SIZE = 36
MAX_NODES = 20_000
"""Steps of the search that says whether a puzzle has a solution at all."""
_EMPTY = re.compile(r"[.0_?*□⬜xX-]")


class Sudoku:
    """A row with ``puzzle`` (or ``grid``, ``board``, ``quizzes``, ``question``): 81 characters, lines, or lists."""

    what = "completed grid"

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = row
        given = first(row, "puzzle", "grid", "board", "quizzes", "quiz", "question")
        self.givens = own_grid(given, "the puzzle")
        self.size = len(self.givens)
        self.box = _box(row, self.size)
        self.symbols = self._symbols()
        self.shape = Shape(self.size, self.size, frozenset(self.symbols))
        fault = self._fault(self.givens)
        if fault is not None:
            raise InvalidPuzzle(f"the puzzle contradicts itself: {fault}")
        gold = first(row, "solution", "solutions", "gold", "answer")
        if gold is not None and not self.declared_unsolvable():
            self._check_gold(gold)

    def readings(self, text: str) -> Sequence[Answer]:
        found = grids(text, self.shape)
        return found or ([NONE] if says_none(text) else [])

    def judge(self, answer: Grid) -> Verdict:
        shown = "\n".join("".join(line) if self.shape.single else " ".join(line) for line in answer)
        facts = {"extracted": shown}
        for r, (line, given) in enumerate(zip(answer, self.givens, strict=True), 1):
            for c, (cell, wanted) in enumerate(zip(line, given, strict=True), 1):
                if wanted not in (BLANK, cell):
                    return Verdict.wrong(f"row {r}, column {c} was given as {wanted}, and it says {cell}", **facts)
        fault = self._fault(answer)
        if fault is not None:
            return Verdict.wrong(fault, **facts)
        return Verdict.right("every row, column and box has each sign once, and the givens are kept", **facts)

    def declared_unsolvable(self) -> bool:
        return declares_none(self.row)

    def solvable(self) -> bool | None:
        index = {symbol: n for n, symbol in enumerate(self.symbols)}
        cells = tuple(index.get(cell, -1) for line in self.givens for cell in line)
        return _solvable(cells, self.size, self.box)

    def _symbols(self) -> list[str]:
        used = {cell for line in self.givens for cell in line} - {BLANK}
        numbers = [str(n) for n in range(1, self.size + 1)]
        if used <= set(numbers):
            return numbers
        letters = [chr(65 + n) for n in range(min(self.size, 26))]
        mixed = [*map(str, range(1, 10)), *letters]
        for known in (letters, mixed[: self.size], [*map(str, range(10)), *letters][: self.size]):
            if used <= set(known) and len(known) == self.size:
                return known
        if len(used) == self.size:
            return sorted(used)
        raise InvalidPuzzle(f"the puzzle has signs that a grid of {self.size} has not: {sorted(used)!r:.100}")

    def _fault(self, grid: Grid) -> str | None:
        """The first unit that has a sign twice."""
        rows, columns = self.box
        for n in range(self.size):
            top, left = n // (self.size // columns) * rows, n % (self.size // columns) * columns
            units = {
                f"row {n + 1}": grid[n],
                f"column {n + 1}": [line[n] for line in grid],
                f"box {n + 1}": [grid[r][c] for r in range(top, top + rows) for c in range(left, left + columns)],
            }
            for name, cells in units.items():
                seen = [cell for cell in cells if cell != BLANK]
                twice = next((cell for cell in seen if seen.count(cell) > 1), None)
                if twice is not None:
                    return f"{name} has {twice} more than once"
        return None

    def _check_gold(self, gold: Any) -> None:
        golds = gold if isinstance(gold, list | tuple) and gold and _is_grid(gold[0]) else [gold]
        for one in golds:
            if isinstance(one, str) and not re.search(r"\w", one):
                continue
            grid = own_grid(one, "the row's own solution")
            if len(grid) != self.size or any(len(line) != self.size for line in grid):
                raise InvalidPuzzle("the row's own solution has another size than its puzzle")
            found = self.judge(grid) if all(c in self.symbols for line in grid for c in line) else None
            if found is None or not found.correct:
                why = "it has other signs" if found is None else found.reason
                raise InvalidPuzzle(f"the row's own solution is wrong: {why}")


def _is_grid(value: Any) -> bool:
    if isinstance(value, str):
        return len(re.sub(r"\s", "", value)) >= 16 and math.isqrt(len(re.sub(r"\s", "", value))) ** 2 == len(
            re.sub(r"\s", "", value)
        )
    return isinstance(value, list | tuple) and bool(value) and isinstance(value[0], list | tuple)


def own_grid(value: Any, what: str) -> Grid:
    """A square grid of a row: characters in one string, lines with or without signs between, lists. InvalidPuzzle."""
    grid = read_grid(value, Shape(0, 0, frozenset()))
    if grid is None and isinstance(value, str):
        grid = _text_grid(value)
    if grid is None or len(grid) < 2 or len(grid) > MAX_SIZE or any(len(line) != len(grid) for line in grid):
        raise InvalidPuzzle(f"{what} is no square grid: {value!r:.120}")
    return grid


def _text_grid(text: str) -> Grid | None:
    """The one grid of a text: 81 signs in a line, or lines of cells anywhere in it (a whole question, too)."""
    solid = re.sub(r"\s", "", text)
    size = math.isqrt(len(solid))
    if size * size == len(solid) and 2 <= size <= MAX_SIZE and len(text.split("\n")) in (1, size):
        cells = [BLANK if _EMPTY.fullmatch(sign) else sign.upper() for sign in solid]
        return tuple(tuple(cells[n * size : (n + 1) * size]) for n in range(size))
    lines: list[list[str]] = []
    best: list[list[str]] = []
    for line in [*text.split("\n"), "end of it"]:
        bare = re.sub(r"[|│┃║,\[\]\"'+]", " ", line)
        words = [BLANK if _EMPTY.fullmatch(word) else word.upper() for word in bare.split()]
        if len(words) == 1 and len(words[0]) > 2 and re.fullmatch(r"[\d.A-I_]+", words[0]):
            words = [BLANK if _EMPTY.fullmatch(sign) else sign for sign in words[0]]
        if words and len(words) > 1 and all(re.fullmatch(r"\d{1,2}|[A-Z]|\.", word) for word in words):
            lines.append(words)
        elif re.search(r"\w", line):
            best, lines = (lines if len(lines) > len(best) else best), []
    return tuple(tuple(line) for line in best) if best else None


def _box(row: Mapping[str, Any], size: int) -> tuple[int, int]:
    """Rows and columns of a box: as the row says, else the flattest that is no flatter than wide."""
    said = first(row, "box", "box_shape", "subgrid")
    if isinstance(said, list | tuple) and len(said) == 2 and said[0] * said[1] == size:
        return int(said[0]), int(said[1])
    rows = first(row, "box_rows", "box_height")
    if isinstance(rows, int) and rows > 0 and size % rows == 0:
        return rows, size // rows
    rows = max((n for n in range(1, math.isqrt(size) + 1) if size % n == 0), default=1)
    return rows, size // rows


@lru_cache(4096)
def _solvable(cells: tuple[int, ...], size: int, box: tuple[int, int]) -> bool | None:
    """Whether the grid can be filled: a search over the cell with the fewest candidates, at most MAX_NODES steps."""
    if size > 25:
        return None
    rows, columns = box
    across = size // columns
    where = [(n // size, n % size, n // size // rows * across + n % size // columns) for n in range(size * size)]
    full = (1 << size) - 1
    free = [[full] * size for _ in range(3)]
    todo = []
    for n, value in enumerate(cells):
        if value < 0:
            todo.append(n)
            continue
        for unit, k in zip(free, where[n], strict=True):
            unit[k] &= ~(1 << value)
    nodes = 0

    def search(left: list[int]) -> bool | None:
        nonlocal nodes
        if not left:
            return True
        nodes += 1
        if nodes > MAX_NODES:
            return None
        best, mask = -1, 0
        fewest = size + 1
        for n in left:
            r, c, b = where[n]
            can = free[0][r] & free[1][c] & free[2][b]
            count = can.bit_count()
            if count < fewest:
                best, mask, fewest = n, can, count
                if count <= 1:
                    break
        rest = [n for n in left if n != best]
        while mask:
            bit = mask & -mask
            mask ^= bit
            for unit, k in zip(free, where[best], strict=True):
                unit[k] ^= bit
            found = search(rest)
            for unit, k in zip(free, where[best], strict=True):
                unit[k] ^= bit
            if found is not False:
                return found
        return False

    return search(todo)
