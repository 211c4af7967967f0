"""Knights and knaves: who always tells the truth and who always lies, judged by what the inhabitants say."""

from __future__ import annotations

import ast
import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from veritune.plugins.types import Verdict
from veritune.verifiers.puzzles.answer import plain, says_none
from veritune.verifiers.puzzles.base import NONE, Answer, InvalidPuzzle, Unclear, declares_none, first
from veritune.verifiers.puzzles.roles import RoleReader

MAX_PEOPLE = 40
MAX_SEARCHED = 16
"""People of whom all assignments are tried to say whether there is a solution."""
MAX_DEPTH = 60
_TRUE = ("knight", "true", "truth-teller", "truth teller", "truthteller", "t", "1", "yes", "k")


class Knights:
    """A row with ``names`` and ``statements`` (as the Knights-and-Knaves sets have them), a ``solution``, or both.

    With statements any assignment that they allow is right; without, the row's solution is.
    """

    what = "complete list of who is what"

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = row
        names = first(row, "names", "people", "inhabitants")
        if isinstance(names, str):
            names = [part.strip(" '\"") for part in names.strip("[]()").split(",")]
        if not isinstance(names, list | tuple) or not 0 < len(names) <= MAX_PEOPLE:
            raise InvalidPuzzle(f"the row has no names: {names!r:.120}")
        self.names = [str(name).strip() for name in names]
        if len({name.lower() for name in self.names}) < len(self.names) or not all(self.names):
            raise InvalidPuzzle(f"two of the names are the same: {self.names!r:.120}")
        self.reader = RoleReader(self.names, row.get("knight_knave"))
        self.statements = _statements(row, len(self.names))
        self.golds = self._golds()
        if not self.golds and self.statements is None:
            raise InvalidPuzzle("the row has neither statements nor a solution")
        for gold in self.golds:
            if self.statements is not None and self._fault(gold) is not None and not self.declared_unsolvable():
                raise InvalidPuzzle(f"the row's own solution is wrong: {self._fault(gold)}")

    def readings(self, text: str) -> Sequence[Answer]:
        found = self.reader.read(text)
        if found is None:
            return [NONE] if says_none(text) else []
        if isinstance(found, str):
            return [Unclear(found)]
        return [tuple(found[name] for name in self.names)]

    def judge(self, answer: tuple[bool, ...]) -> Verdict:
        shown = {"extracted": self._told(answer)}
        if self.golds and self.statements is None:
            shown["expected"] = self._told(self.golds[0])
            if answer in self.golds:
                return Verdict.right("everybody is what the solution says", **shown)
            wrong = [name for name, a, b in zip(self.names, answer, self.golds[0], strict=True) if a is not b]
            return Verdict.wrong(f"the solution has {', '.join(wrong)} the other way", **shown)
        fault = self._fault(answer)
        if fault is not None:
            return Verdict.wrong(fault, **shown)
        return Verdict.right("every knight's statement is true and every knave's is false", **shown)

    def declared_unsolvable(self) -> bool:
        return declares_none(self.row)

    def solvable(self) -> bool | None:
        if self.statements is None:
            return True
        if len(self.names) > MAX_SEARCHED:
            return True if self.golds else None
        return any(
            self._fault(assignment) is None for assignment in itertools.product((True, False), repeat=len(self.names))
        )

    def _fault(self, assignment: Sequence[bool]) -> str | None:
        assert self.statements is not None
        for name, knight, statement in zip(self.names, assignment, self.statements, strict=False):
            if statement is not None and _holds(statement, assignment) is not knight:
                says = "is a knight, and what they say is false" if knight else "is a knave, and what they say is true"
                return f"{name} {says}"
        return None

    def _told(self, assignment: Sequence[bool]) -> str:
        roles = ("knight" if knight else "knave" for knight in assignment)
        return ", ".join(f"{name}: {role}" for name, role in zip(self.names, roles, strict=True))

    def _golds(self) -> list[tuple[bool, ...]]:
        found: list[tuple[bool, ...]] = []
        for name in ("solution", "solution_text", "solution_text_format", "gold", "answer", "ground_truth"):
            value = self.row.get(name)
            if value is None or (isinstance(value, str | list | tuple | dict) and not len(value)):
                continue
            found.append(self._gold(value))
        if len(set(found)) > 1 and self.statements is None:
            raise InvalidPuzzle("the row's own solutions contradict each other")
        return list(dict.fromkeys(found))

    def _gold(self, value: Any) -> tuple[bool, ...]:
        if hasattr(value, "tolist"):
            value = value.tolist()
        if isinstance(value, str):
            read = self.reader.read(plain(value))
            if isinstance(read, dict):
                return tuple(read[name] for name in self.names)
            value = _literal(value)
        if isinstance(value, Mapping):
            value = [value.get(name) for name in self.names]
        if isinstance(value, list | tuple) and len(value) == len(self.names):
            sides = [_side(item) for item in value]
            if None not in sides:
                return tuple(side for side in sides if side is not None)
        raise InvalidPuzzle(f"the row's own solution cannot be read: {value!r:.160}")


def _side(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if value in (0, 1):
        return bool(value)
    said = str(value).strip().lower()
    if said in _TRUE:
        return True
    return False if said in ("knave", "false", "liar", "f", "0", "no") else None


def _literal(text: str) -> Any:
    """A text of JSON or of Python literals. InvalidPuzzle."""
    if len(text) > 100_000:
        raise InvalidPuzzle("a column of the row is too long")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise InvalidPuzzle(f"a column of the row cannot be read: {text!r:.120}") from None


def _statements(row: Mapping[str, Any], count: int) -> list[Any] | None:
    value: Any = row.get("statements")
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, str):
        value = _literal(value) if value.strip()[:1] in ("[", "(") else None
    if not isinstance(value, list | tuple) or not value:
        return None
    if all(isinstance(one, str) for one in value) and not isinstance(value[0], list | tuple):
        return None if len(value) != 2 or value[0] not in _WORDS else _checked([value], count)
    return _checked(list(value), count)


def _checked(statements: list[Any], count: int) -> list[Any]:
    if len(statements) > count:
        raise InvalidPuzzle(f"{len(statements)} statements of {count} people")
    for statement in statements:
        _check(statement, count, 0)
    return statements


_WORDS = {"telling-truth": 1, "lying": 1, "not": 1, "->": 2, "<=>": 2}


def _check(statement: Any, count: int, depth: int) -> None:
    """Raise InvalidPuzzle for what is no statement about `count` people."""
    if statement is None:
        return
    if depth > MAX_DEPTH or not isinstance(statement, list | tuple) or not statement:
        raise InvalidPuzzle(f"a statement cannot be read: {statement!r:.120}")
    word, *rest = statement
    if word in ("telling-truth", "lying"):
        if len(rest) != 1 or isinstance(rest[0], bool) or not isinstance(rest[0], int) or not 0 <= rest[0] < count:
            raise InvalidPuzzle(f"a statement is about nobody: {statement!r:.120}")
        return
    if word not in ("and", "or", *_WORDS) or not rest or len(rest) != _WORDS.get(str(word), len(rest)):
        raise InvalidPuzzle(f"a statement cannot be read: {statement!r:.120}")
    for part in rest:
        _check(part, count, depth + 1)


def _holds(statement: Any, knights: Sequence[bool]) -> bool:
    word, *rest = statement
    if word == "telling-truth":
        return bool(knights[rest[0]])
    if word == "lying":
        return not knights[rest[0]]
    values = [_holds(part, knights) for part in rest]
    if word == "not":
        return not values[0]
    if word == "and":
        return all(values)
    if word == "or":
        return any(values)
    return (not values[0] or values[1]) if word == "->" else values[0] is values[1]
