"""Logic grids (zebra puzzles): who lives where with what, against the row's one solution, cell by cell."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from veritune.plugins.types import Verdict
from veritune.verifiers.puzzles.answer import says_none
from veritune.verifiers.puzzles.base import NONE, Answer, InvalidPuzzle, Unclear, declares_none, first
from veritune.verifiers.puzzles.tables import objects, tables

Cells = dict[tuple[str, str], str]
"""(row's key, attribute) → value, all folded."""
MAX_CELLS = 400
_KEY_WORDS = re.compile(
    r"\b(?:house|home|position|seat|person|place|no\.?|number|room|day|desk|slot|floor|year)s?\b|#|\bthe\b",
    re.IGNORECASE,
)
_ORDINALS = {word: str(n) for n, word in enumerate(
    ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"), 1)}  # fmt: skip
_NUMBERS = {word: str(n) for n, word in enumerate(
    ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), 1)}  # fmt: skip

_NEGATED = re.compile(
    r"\b(?:not|no|never|neither|nor|cannot|without|except|excluding|isn|aren|doesn|don|other than|rather than|"
    r"instead of|(?:any|every)(?:one|body|thing) but)\b|n['’]t\b|≠|!=|¬",
    re.IGNORECASE,
)
_PIECES = re.compile(r"[,;|/()]|[.!?](?=\s)|\band\b|&|(?<!one )(?<!body )(?<!thing )\bbut\b", re.IGNORECASE)


class LogicGrid:
    """A row with ``solution``: ``{header, rows}`` as ZebraLogic has it, ``{key: {attribute: value}}``, or a list of
    mappings; or ``header`` and ``rows`` themselves. The first column names the rows (the houses)."""

    what = "completed grid"

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = row
        self.header, rows = _gold(row)
        self.keys = [_fold_key(line[0]) for line in rows]
        self.attributes = [_fold(name) for name in self.header[1:]]
        if len(set(self.keys)) < len(self.keys) or len(set(self.attributes)) < len(self.attributes):
            raise InvalidPuzzle("the row's solution names a row or a column twice")
        self.gold: Cells = {}
        for key, line in zip(self.keys, rows, strict=True):
            for attribute, value in zip(self.attributes, line[1:], strict=True):
                if not re.search(r"[^\W_]", str(value)):
                    raise InvalidPuzzle("the row's solution is not given (its cells are empty)")
                self.gold[key, attribute] = _fold(value)
        if not self.gold or len(self.gold) > MAX_CELLS:
            raise InvalidPuzzle("the row's solution has no cells, or too many")
        for attribute in self.attributes:
            column = [self.gold[key, attribute] for key in self.keys]
            if len(set(column)) < len(column):
                raise InvalidPuzzle(f"the row's solution has a value of {attribute} twice")
        self.values = {a: {self.gold[key, a] for key in self.keys} for a in self.attributes}

    def readings(self, text: str) -> Sequence[Answer]:
        whole: dict[Answer, None] = {}
        unclear: Unclear | None = None
        for found in self._found(text):
            if isinstance(found, Unclear):
                unclear = unclear or found
                continue
            missing = [place for place in self.gold if place not in found]
            if missing:
                key, attribute = missing[0]
                unclear = unclear or Unclear(
                    f"it does not say the {attribute} of {key} ({len(missing)} cells are missing)"
                )
                continue
            whole[tuple((place, found[place]) for place in self.gold)] = None
        if whole:
            return list(whole)
        return [unclear] if unclear is not None else [NONE] if says_none(text) else []

    def judge(self, answer: tuple[tuple[tuple[str, str], str], ...]) -> Verdict:
        right = sum(self.gold[place] == value for place, value in answer)
        facts: dict[str, Any] = {"evidence": {"cells": len(self.gold), "right_cells": right}}
        facts["extracted"] = "; ".join(f"{key} {attribute}: {value}" for (key, attribute), value in answer)[:600]
        if right == len(self.gold):
            return Verdict.right("every cell is the solution's", **facts)
        (key, attribute), said = next((p, v) for p, v in answer if self.gold[p] != v)
        reason = f"{right} of {len(self.gold)} cells are right; {attribute} of {key} is not {said}"
        return Verdict.wrong(reason, **facts)

    def declared_unsolvable(self) -> bool:
        return declares_none(self.row)

    def solvable(self) -> bool | None:
        return True

    # -- reading -----------------------------------------------------------------------------------------------------

    def _found(self, text: str) -> Iterator[Cells | Unclear]:
        some = False
        for value in objects(text):
            for cells in self._of_json(value):
                some = True
                yield cells
        if some:
            return
        for table in (*tables(text), *_separated(text)):
            tabled = self._of_table(table) or self._of_table([list(line) for line in zip(*_even(table), strict=True)])
            if tabled:
                some = True
                yield tabled
        if some:
            return
        found = self._of_sentences(text)
        if found:
            yield found

    def _of_json(self, value: Any, depth: int = 0) -> Iterator[Cells]:
        if depth > 5:
            return
        if isinstance(value, Mapping):
            table = value.get("rows")
            if isinstance(table, list) and isinstance(value.get("header"), list):
                cells = self._of_table([value["header"], *[r for r in table if isinstance(r, list)]])
                if cells:
                    yield cells
                    return
            keyed = {self._key(key): inner for key, inner in value.items()}
            if any(key is not None and isinstance(inner, Mapping) for key, inner in keyed.items()):
                yield self._of_mappings([(k, i) for k, i in keyed.items() if k is not None and isinstance(i, Mapping)])
                return
            if any(key is not None and isinstance(inner, list) for key, inner in keyed.items()):
                yield self._of_lists([(k, i) for k, i in keyed.items() if k is not None and isinstance(i, list)])
                return
            by_attribute = {self._attribute(key): inner for key, inner in value.items()}
            if any(a is not None and isinstance(inner, Mapping | list) for a, inner in by_attribute.items()):
                cells = self._of_columns(by_attribute)
                if cells:
                    yield cells
                    return
            for inner in value.values():
                yield from self._of_json(inner, depth + 1)
        elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
            pairs = []
            for number, one in enumerate(value, 1):
                named = next((self._key(v) for k, v in one.items() if _fold(k) == _fold(self.header[0])), None)
                named = named or next((self._key(v) for v in one.values() if self._key(v) is not None), None)
                key = named or (str(number) if str(number) in self.keys else None)
                if key is not None:
                    pairs.append((key, one))
            if pairs:
                yield self._of_mappings(pairs)
        elif isinstance(value, list) and value and all(isinstance(one, list) for one in value):
            rows = value if self._of_table(value) else [self.header, *value]
            cells = (
                self._of_table(rows) if all(len(line) == len(self.header) for line in rows) else self._of_table(value)
            )
            if cells:
                yield cells

    def _of_mappings(self, pairs: Sequence[tuple[str, Mapping[Any, Any]]]) -> Cells:
        cells: Cells = {}
        for key, mapping in pairs:
            for name, value in mapping.items():
                attribute = self._attribute(name)
                if attribute is not None and not isinstance(value, Mapping | list):
                    cells[key, attribute] = self._value(attribute, value)
        return cells

    def _of_lists(self, pairs: Sequence[tuple[str, list[Any]]]) -> Cells:
        return {
            (key, attribute): self._value(attribute, value)
            for key, values in pairs
            if len(values) == len(self.attributes)
            for attribute, value in zip(self.attributes, values, strict=True)
        }

    def _of_columns(self, columns: Mapping[str | None, Any]) -> Cells:
        cells: Cells = {}
        for attribute, values in columns.items():
            if attribute is None:
                continue
            if isinstance(values, list) and len(values) == len(self.keys):
                cells.update(
                    {(k, attribute): self._value(attribute, v) for k, v in zip(self.keys, values, strict=True)}
                )
            elif isinstance(values, Mapping):
                for name, inner in values.items():
                    key, value = self._key(name), inner
                    if key is None or _fold(name) in self.values[attribute]:
                        key, value = self._key(inner), name
                    if key is not None:
                        cells[key, attribute] = self._value(attribute, value)
        return cells

    def _of_table(self, table: Sequence[Sequence[Any]]) -> Cells | None:
        """A table with a header of attributes and a row a key; None where it is none."""
        if len(table) < 2:
            return None
        head = [self._attribute(cell) for cell in table[0]]
        known = [n for n, name in enumerate(head) if name is not None]
        if len(known) < len(self.attributes) or len(set(filter(None, head))) < len(known):
            return None
        cells: Cells = {}
        for number, line in enumerate(table[1:], 1):
            if len(line) < max(known) + 1:
                continue
            others = [self._key(cell) for n, cell in enumerate(line) if n not in known]
            key = next((one for one in others if one is not None), None)
            if key is None and not others:
                key = self.keys[number - 1] if number <= len(self.keys) else None
            if key is not None:
                for n in known:
                    name = head[n]
                    assert name is not None
                    if (key, name) in cells and cells[key, name] != self._value(name, line[n]):
                        return None
                    cells[key, name] = self._value(name, line[n])
        return cells or None

    def _of_sentences(self, text: str) -> Cells | Unclear | None:
        """``House 1: Arnold, tea`` or ``Arnold lives in house 1 and drinks tea``: values by what they are."""
        text = re.sub(r"[*_`]", "", re.sub(r";\s*(?=\d+\s*[:.)])", "\n", text))
        found: Cells = {}
        twice: Unclear | None = None
        for key, part in self._parts(text):
            for attribute in self.attributes:
                values = self._values_in(attribute, part)
                for value in values:
                    if found.setdefault((key, attribute), value) != value:
                        twice = twice or Unclear(f"it gives two values for {attribute} of {key}")
        return twice if twice is not None and found else found or None

    def _parts(self, text: str) -> Iterator[tuple[str, str]]:
        """Pieces of text with the one key that they are about; a heading is about what follows it."""
        keys = self._key_pattern
        current: str | None = None
        for line in text.split("\n"):
            mentions = list(keys.finditer(line))
            lead = [m for m in mentions if not re.search(r"\w", re.sub(r"^\s*\d+[.)]", "", line[: m.start()]))]
            if not mentions:
                if current is not None and line.strip():
                    yield current, line
                continue
            if lead:
                ends = [*(m.start() for m in mentions[1:]), len(line)]
                for mention, end in zip(mentions, ends, strict=True):
                    current = self._key(mention[0])
                    if current is not None:
                        yield current, line[mention.end() : end]
                continue
            current = None
            for sentence in re.split(r"(?<=[.;!])\s+", line):
                inside = {self._key(m[0]) for m in keys.finditer(sentence)}
                if len(inside) == 1:
                    key = inside.pop()
                    if key is not None:
                        yield key, keys.sub(" ", sentence)
                elif inside:
                    yield from self._joined(sentence)

    def _joined(self, sentence: str) -> Iterator[tuple[str, str]]:
        """Statements in one sentence: each names its key, and what stands behind without one is about the same."""
        keys = self._key_pattern
        pieces = re.split(r"[,;]\s*(?:(?:and|while|whereas)\s+)?|\s+(?:while|whereas)\s+", sentence)
        if any(len(list(keys.finditer(piece))) > 1 for piece in pieces):
            pieces = [part for piece in pieces for part in re.split(r"\s+and\s+", piece)]
        current: str | None = None
        for piece in pieces:
            inside = {self._key(m[0]) for m in keys.finditer(piece)}
            if inside:
                current = inside.pop() if len(inside) == 1 else None
            if current is not None:
                yield current, keys.sub(" ", piece)

    @property
    def _key_pattern(self) -> re.Pattern[str]:
        numbers = all(key.isdecimal() for key in self.keys)
        if not numbers:
            listed = "|".join(re.escape(k) for k in sorted(self.keys, key=len, reverse=True))
            return re.compile(rf"(?<!\w)(?:{listed})(?!\w)", re.IGNORECASE)
        noun = re.escape(str(self.header[0]).strip().lower())
        return re.compile(
            rf"\b(?:{noun}|house|position|seat)\s*(?:no\.?\s*|number\s*|#\s*)?(?:\d{{1,2}}|{'|'.join(_NUMBERS)})\b"
            rf"|\b(?:{'|'.join(_ORDINALS)}|\d{{1,2}}(?:st|nd|rd|th))\s+(?:{noun}|house|position|seat)\b|#\d{{1,2}}\b"
            rf"|(?:^|(?<=\n))\s*\d{{1,2}}(?=\s*[:.)])",
            re.IGNORECASE,
        )

    def _values_in(self, attribute: str, part: str) -> set[str]:
        """The values of an attribute in a piece of text; named as the attribute's where another has the same word."""
        folded = f" {_fold(part)} "
        values = {value for value in self.values[attribute] if f" {value} " in folded}
        values = {v for v in values if not any(v != w and f" {v} " in f" {w} " and f" {w} " in folded for w in values)}
        if _NEGATED.search(part):
            values = {v for v in values if any(self._is_said(v, piece) for piece in _PIECES.split(part))}
        shared = {v for v in values if any(v in self.values[a] for a in self.attributes if a != attribute)}
        return {v for v in values if v not in shared or f"{attribute} {v}" in folded or f"{attribute} is {v}" in folded}

    def _is_said(self, value: str, piece: str) -> bool:
        """Whether a piece between commas names a value and does not deny it."""
        folded = f" {_fold(piece)} "
        return f" {value} " in folded and not _NEGATED.search(
            piece if value not in folded else folded.replace(f" {value} ", " ")
        )

    def _key(self, value: Any) -> str | None:
        if isinstance(value, Mapping | list) or value is None:
            return None
        key = _fold_key(value)
        return key if key in self.keys else None

    def _attribute(self, name: Any) -> str | None:
        if isinstance(name, Mapping | list) or name is None:
            return None
        folded = _fold(name)
        if folded in self.attributes:
            return folded
        close = [a for a in self.attributes if _stem(a) == _stem(folded)]
        return close[0] if len(close) == 1 else None

    def _value(self, attribute: str, value: Any) -> str:
        """A value as the solution writes it: case, signs and a plural aside."""
        folded = _fold(value)
        if folded in self.values[attribute]:
            return folded
        bare = re.sub(rf"^(?:an?|the|{re.escape(attribute)})\s+|\s+(?:{re.escape(attribute)}|house)$", "", folded)
        if bare in self.values[attribute]:
            return bare
        close = [v for v in self.values[attribute] if _stem(v) == _stem(bare)]
        return close[0] if len(close) == 1 else folded


def _separated(text: str) -> Iterator[list[list[str]]]:
    """Lines of as many cells each between commas or semicolons: CSV."""
    rows: list[list[str]] = []
    for line in [*text.split("\n"), ""]:
        cells = [cell.strip().strip("\"'") for cell in re.split(r";" if ";" in line else ",", line)]
        if len(cells) < 2 or (rows and len(cells) != len(rows[0])):
            if len(rows) > 1:
                yield rows
            rows = []
        if len(cells) > 1:
            rows.append(cells)


def _even(table: Sequence[Sequence[str]]) -> list[list[str]]:
    width = max(map(len, table))
    return [[*line, *[""] * (width - len(line))] for line in table]


def _fold(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(value)).lower().replace("’", "'")
    text = re.sub(r"(?<=\w)'(?=s\b)", "", text)
    text = "".join(" " if sign in string.punctuation.replace("'", "") else sign for sign in text)
    return " ".join(text.replace("'", " ").split())


def _fold_key(value: Any) -> str:
    """``House 1``, ``first house``, ``#1`` and ``1`` are one."""
    folded = _fold(_KEY_WORDS.sub(" ", str(value)))
    folded = re.sub(r"^(\d+)(?:st|nd|rd|th)$", r"\1", folded)
    folded = _ORDINALS.get(folded, _NUMBERS.get(folded, folded))
    return folded or _fold(value)


def _stem(text: str) -> str:
    return re.sub(r"(?:es|s)$", "", text.replace(" ", ""))


def _gold(row: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
    value = first(row, "solution", "gold", "answer", "ground_truth")
    if row.get("header") is not None and row.get("rows") is not None:
        value = {"header": row["header"], "rows": row["rows"]}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            table = next(iter(tables(value)), None)
            value = None if table is None else {"header": table[0], "rows": table[1:]}
    if isinstance(value, Mapping) and isinstance(value.get("solution"), Mapping):
        value = value["solution"]
    if isinstance(value, Mapping) and "rows" in value:
        header, rows = (
            [str(n) for n in _plain(value.get("header") or ())],
            [list(_plain(r)) for r in _plain(value["rows"])],
        )
    elif isinstance(value, Mapping) and value and all(isinstance(inner, Mapping) for inner in value.values()):
        names = list(dict.fromkeys(str(name) for inner in value.values() for name in inner))
        header = ["House", *names]
        rows = [[key, *[inner.get(name) for name in names]] for key, inner in value.items()]
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        header = list(map(str, value[0]))
        rows = [[one.get(name) for name in header] for one in value]
    else:
        raise InvalidPuzzle(f"the row has no solution of a logic grid: {value!r:.120}")
    if len(header) < 2 or not rows or any(len(line) != len(header) for line in rows):
        raise InvalidPuzzle("the row's solution has lines of different lengths")
    return header, rows


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value
