"""Small crosswords: a grid of letters or a list of entries, against the row's words or against its solution."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from veritune.plugins.types import Verdict
from veritune.verifiers.puzzles.answer import says_none
from veritune.verifiers.puzzles.base import NONE, Answer, InvalidPuzzle, Unclear, declares_none, first
from veritune.verifiers.puzzles.grids import Grid, Shape, grids
from veritune.verifiers.puzzles.tables import objects

BLOCK, OPEN = "#", " "
MAX_SIZE = 25
_BLOCKS = "#■█⬛▪◼●*@"
_ENTRY = re.compile(
    r"(?<!\w)(?:(?P<d1>across|down|[ADHVadhv])[\s._-]*(?P<n1>\d{1,3})|(?P<n2>\d{1,3})[\s.-]*(?P<d2>across|down|[ADad])(?![a-z]))"
    r"[\"'*`\s]*[:.)=|\-–—>→]*[\"'*`\s]*(?P<word>[A-Za-z][A-Za-z '-]*)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"^\s*[\"'*`-]*\s*(?P<n>\d{1,3})[\"'*`]*\s*[.:)=|\-–—>→]+\s*[\"'*`]*(?P<word>[A-Za-z][A-Za-z'-]*)"
)


class Crossword:
    """A row with ``grid`` (blocks ``#``, open cells ``_`` or a given letter) and ``words`` to fill in, each once; or
    with the letters of its ``solution`` (a list of strings, lists of letters, or all letters in a row)."""

    what = "completed grid of letters"

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = row
        gold = first(row, "solution", "solution_grid", "answer_grid", "gold", "answer", "letters")
        pattern = first(row, "grid", "pattern", "layout", "puzzle", "board")
        size = row.get("size")
        self.gold = None if gold is None or isinstance(gold, Mapping) else _letters(gold, size)
        if gold is not None and self.gold is None and not isinstance(gold, Mapping):
            raise InvalidPuzzle(f"the row's solution is no grid of letters: {gold!r:.120}")
        given = None if pattern is None else _pattern(pattern)
        if self.gold is None and given is None:
            raise InvalidPuzzle("the row has neither a grid nor a solution")
        if given is None:
            assert self.gold is not None
            given = tuple(tuple(BLOCK if c == BLOCK else OPEN for c in line) for line in self.gold)
        self.given = given
        self.height, self.width = len(given), len(given[0])
        self.entries = _entries(given)
        words = first(row, "words", "word_list", "wordlist")
        if isinstance(words, str):
            words = re.split(r"[\s,;]+", words.strip())
        if isinstance(words, Mapping):
            words = list(words)
        self.words = None if words is None else Counter(_word(w) for w in words if _word(w))
        if self.gold is None and isinstance(gold, Mapping):
            whole = self._filled(dict(_of_mapping(gold)))
            if not isinstance(whole, tuple):
                raise InvalidPuzzle("the row's solution does not fill its grid")
            self.gold = whole
        if self.words is None and self.gold is None:
            entries = {**_named(row, "across", "A"), **_named(row, "down", "D")}
            filled = self._filled(entries) if entries else None
            if not isinstance(filled, tuple):
                raise InvalidPuzzle("the row has no words and no solution")
            self.gold = filled
        if self.gold is not None:
            self._check_gold()
        letters = frozenset(string.ascii_uppercase)
        self.shape = Shape(self.height, self.width, letters | ({BLOCK} if self._has_blocks else frozenset()))

    def readings(self, text: str) -> Sequence[Answer]:
        bare = "".join(BLOCK if sign in _BLOCKS and self._has_blocks else sign for sign in text)
        bare = re.sub(r"\[(?:black|block)\]", BLOCK, bare, flags=re.IGNORECASE)
        bare = re.sub(r"\b(?:null|None)\b", f'"{BLOCK}"', bare) if self._has_blocks else bare
        found = [grid for grid in grids(bare, self.shape) if self._blocks_kept(grid)]
        if not found and self._has_blocks:
            found = [grid for grid in grids(re.sub(r"(?<![A-Za-z])[.\-](?![A-Za-z]{2})", BLOCK, text), self.shape)
                     if self._blocks_kept(grid)]  # fmt: skip
        if found:
            return list(dict.fromkeys(found))
        entries: dict[tuple[str, int], str] = {}
        for place, word in self._listed(text):
            if entries.setdefault(place, word) != word:
                return [Unclear(f"it gives two words for {place[1]} {_DIRECTION[place[0]]}")]
        if entries:
            filled = self._filled(entries)
            return [filled] if isinstance(filled, tuple | Unclear) else []
        return [NONE] if says_none(text) else []

    def judge(self, answer: Grid) -> Verdict:
        facts: dict[str, Any] = {"extracted": "\n".join("".join(line) for line in answer)}
        for r, (line, given) in enumerate(zip(answer, self.given, strict=True), 1):
            for c, (cell, wanted) in enumerate(zip(line, given, strict=True), 1):
                if wanted not in (OPEN, cell):
                    return Verdict.wrong(f"row {r}, column {c} was given as {wanted}, and it says {cell}", **facts)
        if self.words is not None:
            used = [_read(answer, cells) for _, cells in self.entries]
            for word in used:
                if word not in self.words:
                    return Verdict.wrong(f"{word} is none of the words", **facts)
            if Counter(used) != self.words and len(used) >= sum(self.words.values()):
                return Verdict.wrong("a word is used more often than it is given", **facts)
            if any(count > self.words[word] for word, count in Counter(used).items()):
                return Verdict.wrong("a word is used more often than it is given", **facts)
            return Verdict.right("every entry is one of the words, none used too often", **facts)
        assert self.gold is not None
        cells = [
            (a, b) for x, y in zip(answer, self.gold, strict=True) for a, b in zip(x, y, strict=True) if b != BLOCK
        ]
        right = sum(a == b for a, b in cells)
        facts["evidence"] = {"cells": len(cells), "right_cells": right}
        if right == len(cells):
            return Verdict.right("every letter is the solution's", **facts)
        return Verdict.wrong(f"{right} of {len(cells)} letters are the solution's", **facts)

    def declared_unsolvable(self) -> bool:
        return declares_none(self.row)

    def solvable(self) -> bool | None:
        return True if self.gold is not None else None

    @property
    def _has_blocks(self) -> bool:
        return any(cell == BLOCK for line in self.given for cell in line)

    def _blocks_kept(self, grid: Grid) -> bool:
        return all((cell == BLOCK) is (given == BLOCK) for x, y in zip(grid, self.given, strict=True)
                   for cell, given in zip(x, y, strict=True))  # fmt: skip

    def _check_gold(self) -> None:
        assert self.gold is not None
        if (len(self.gold), len(self.gold[0])) != (self.height, self.width) or not self._blocks_kept(self.gold):
            raise InvalidPuzzle("the row's solution does not fit its grid")
        verdict = self.judge(self.gold)
        if not verdict.correct:
            raise InvalidPuzzle(f"the row's own solution is wrong: {verdict.reason}")

    def _listed(self, text: str) -> Iterator[tuple[tuple[str, int], str]]:
        """Entries: ``1 Across: HEART``, ``h1. HEART``, lists under a heading of their direction, JSON."""
        some = False
        for value in objects(text):
            if isinstance(value, Mapping):
                for place, word in _of_mapping(value):
                    some = True
                    yield place, word
        if some:
            return
        direction = ""
        for line in text.split("\n"):
            heading = re.match(r"[\s#*_>-]*(across|down|horizontal|vertical)s?\b[\s:*_]*(.*)", line, re.IGNORECASE)
            if heading is not None and not re.match(r"\s*\d", heading[2]):
                direction = "A" if heading[1].lower()[0] in "ah" else "D"
                line = heading[2]
                numbers = [number for (way, number), _ in self.entries if way == direction]
                words = [word for word in re.split(r"\s*[,;/|]\s*(?:and\s+)?|\s+and\s+|\s+", line.strip(" .*")) if word]
                if len(words) == len(numbers) > 1 and all(_word(word) == word.upper() for word in words):
                    yield from (((direction, n), word.upper()) for n, word in zip(numbers, words, strict=True))
                    continue
            elif heading is not None and re.match(r"\d+\s*[.:)]\s*\w+.*[,;]\s*\d", heading[2]):
                direction, line = "A" if heading[1].lower()[0] in "ah" else "D", heading[2]
            direct = (
                []
                if direction and _NUMBERED.match(line) and not _ENTRY.match(line.strip(" *-"))
                else list(_ENTRY.finditer(line))
            )
            for found in direct:
                way, number = found["d1"] or found["d2"], int(found["n1"] or found["n2"])
                yield ("A" if way.lower()[0] in "ah" else "D", number), self._fit(found["word"])
            if direct or not direction:
                continue
            for part in re.split(r"[,;](?=\s*\d)", line):
                found_one = _NUMBERED.match(part)
                if found_one is not None:
                    yield (direction, int(found_one["n"])), self._fit(found_one["word"])

    def _fit(self, word: str) -> str:
        return _word(word.split("  ")[0]) if _word(word) else ""

    def _filled(self, entries: Mapping[tuple[str, int], str]) -> Grid | Unclear | None:
        """The grid that entries fill; why they fill none."""
        cells: dict[tuple[int, int], str] = {}
        places = dict(self.entries)
        by_line = all(number <= max(self.height, self.width) for _, number in entries) and not set(entries) <= set(
            places
        )
        for (way, number), word in entries.items():
            place = places.get((way, number))
            if by_line:  # h1 … h5 and v1 … v5 count lines, not entries
                place = [(number - 1, c) for c in range(self.width)] if way == "A" else [
                    (r, number - 1) for r in range(self.height)]  # fmt: skip
            if place is None:
                return Unclear(f"there is no {number} {_DIRECTION[way]}")
            if len(word) != len(place):
                return Unclear(f"{number} {_DIRECTION[way]} has {len(place)} letters, and {word} has {len(word)}")
            for cell, letter in zip(place, word, strict=True):
                if cells.setdefault(cell, letter) != letter:
                    return Unclear(f"{number} {_DIRECTION[way]} does not cross the others")
        filled = tuple(tuple(BLOCK if g == BLOCK else cells.get((r, c), g) for c, g in enumerate(line))
                       for r, line in enumerate(self.given))  # fmt: skip
        if any(cell == OPEN for line in filled for cell in line):
            return Unclear("some cells have no letter")
        return filled


_DIRECTION = {"A": "across", "D": "down"}


def _read(grid: Grid, cells: Sequence[tuple[int, int]]) -> str:
    return "".join(grid[r][c] for r, c in cells)


def _entries(given: Grid) -> list[tuple[tuple[str, int], list[tuple[int, int]]]]:
    """Every run of two cells or more, numbered as crosswords are."""
    found: list[tuple[tuple[str, int], list[tuple[int, int]]]] = []
    number = 0
    height, width = len(given), len(given[0])

    def open_at(r: int, c: int) -> bool:
        return 0 <= r < height and 0 <= c < width and given[r][c] != BLOCK

    for r in range(height):
        for c in range(width):
            across = open_at(r, c) and not open_at(r, c - 1) and open_at(r, c + 1)
            down = open_at(r, c) and not open_at(r - 1, c) and open_at(r + 1, c)
            number += across or down
            if across:
                end = next(k for k in range(c, width + 1) if not open_at(r, k))
                found.append((("A", number), [(r, k) for k in range(c, end)]))
            if down:
                end = next(k for k in range(r, height + 1) if not open_at(k, c))
                found.append((("D", number), [(k, c) for k in range(r, end)]))
    return found


def _word(value: Any) -> str:
    return re.sub(r"[^A-Z]", "", str(value).upper())


def _of_mapping(value: Mapping[Any, Any]) -> Iterator[tuple[tuple[str, int], str]]:
    for key, inner in value.items():
        way = re.match(r"\s*(across|down|horizontal|vertical)\s*$", str(key), re.IGNORECASE)
        if way is not None and isinstance(inner, Mapping):
            for number, word in inner.items():
                digits = re.search(r"\d+", str(number))
                if digits is not None and isinstance(word, str):
                    yield ("A" if way[1].lower()[0] in "ah" else "D", int(digits[0])), _word(word)
            continue
        if isinstance(inner, str):
            found = _ENTRY.match(f"{key}: {inner}")
            if found is not None:
                letter = (found["d1"] or found["d2"]).lower()[0]
                yield ("A" if letter in "ah" else "D", int(found["n1"] or found["n2"])), _word(inner)
        elif isinstance(inner, Mapping):
            yield from _of_mapping(inner)


def _named(row: Mapping[str, Any], column: str, way: str) -> dict[tuple[str, int], str]:
    """``across: {1: {answer: HEART}}`` or ``{1: HEART}``."""
    value = row.get(column)
    found = {}
    if isinstance(value, Mapping):
        for number, inner in value.items():
            word = inner.get("answer", inner.get("word")) if isinstance(inner, Mapping) else inner
            digits = re.search(r"\d+", str(number))
            if digits is not None and isinstance(word, str):
                found[way, int(digits[0])] = _word(word)
    return found


def _letters(value: Any, size: Any) -> Grid | None:
    """A grid of letters and blocks from what a column holds; None where it is none."""
    if isinstance(value, str):
        lines = [line for line in re.split(r"[\n/|]", value.strip()) if line.strip()]
        if len(lines) == 1:
            flat = re.sub(r"\s", "", lines[0])
            return _square(list(flat), size)
        value = lines
    if isinstance(value, list | tuple) and value and all(isinstance(line, str) for line in value):
        if all(len(line.strip()) == 1 for line in value):
            return _square([line.strip() for line in value], size)
        value = [line.split() if " " in line.strip() else list(line.strip()) for line in value]
    if not isinstance(value, list | tuple) or not value or not all(isinstance(line, list | tuple) for line in value):
        return None
    grid = tuple(tuple(_cell(cell) for cell in line) for line in value)
    fits = len({len(line) for line in grid}) == 1 and 0 < len(grid[0]) <= MAX_SIZE and len(grid) <= MAX_SIZE
    return (
        grid
        if fits and all(cell == BLOCK or cell in string.ascii_uppercase for line in grid for cell in line)
        else None
    )


def _square(cells: list[str], size: Any) -> Grid | None:
    rows = (
        size[0]
        if isinstance(size, list | tuple) and size
        else size
        if isinstance(size, int)
        else round(len(cells) ** 0.5)
    )
    if not isinstance(rows, int) or rows < 1 or len(cells) % rows:
        return None
    width = len(cells) // rows
    return _letters([cells[n * width : (n + 1) * width] for n in range(rows)], None)


def _cell(cell: Any) -> str:
    text = str(cell if cell is not None else BLOCK).strip().upper()
    return BLOCK if text in ("", ".", "-", "0", "NULL", "NONE") or text in _BLOCKS else text


def _pattern(value: Any) -> Grid:
    """A row's empty grid: blocks, open cells, given letters. InvalidPuzzle."""
    if isinstance(value, str):
        value = [line for line in re.split(r"[\n/]", value.strip("\n")) if line.strip()]
    if not isinstance(value, list | tuple) or not value:
        raise InvalidPuzzle(f"the row's grid cannot be read: {value!r:.120}")
    lines = [
        list(re.sub(r"(?<=\S) (?=\S)", "", line.strip("\r"))) if isinstance(line, str) else list(line) for line in value
    ]
    marks = {str(cell) for line in lines for cell in line}
    # a dot is open beside another block sign, and a block beside another open one
    dots_open = bool(marks & set(_BLOCKS)) and not marks & {"_", "-", "?"}
    grid = tuple(tuple(_open_cell(cell, dots_open) for cell in line) for line in lines)
    if len({len(line) for line in grid}) != 1 or len(grid) > MAX_SIZE or not 0 < len(grid[0]) <= MAX_SIZE:
        raise InvalidPuzzle("the row's grid has lines of different lengths, or too many")
    return grid


def _open_cell(cell: Any, dots_open: bool) -> str:
    text = " " if cell is None else str(cell).upper()
    if text in _BLOCKS or (text == "." and not dots_open):
        return BLOCK
    return text if text in string.ascii_uppercase and len(text) == 1 else OPEN
