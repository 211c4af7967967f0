"""Reading SQL by its tokens: where statements end, and what stands at the top of one. Linear; nothing is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"\s+|--[^\n]*|/\*.*?(?:\*/|\Z)"
    r"|'(?:[^']|'')*(?:'|\Z)|\"(?:[^\"]|\"\")*(?:\"|\Z)|`[^`]*(?:`|\Z)|\[[^\]]*(?:\]|\Z)"
    r"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|\d[\w.]*|.",
    re.DOTALL,
)
_INTEGER = re.compile(r"\d{1,18}")


class Token(NamedTuple):
    """A token that says something: no white space, no comment."""

    text: str
    start: int
    end: int
    depth: int
    """How many parentheses are open before it."""

    @property
    def word(self) -> str:
        return self.text.upper()


def tokens(sql: str) -> Iterator[Token]:
    """The tokens of a text."""
    depth = 0
    for found in _TOKEN.finditer(sql):
        text = found[0]
        if text.isspace() or text.startswith(("--", "/*")):
            continue
        depth -= text == ")"
        yield Token(text, found.start(), found.end(), depth)
        depth += text == "("


def statements(sql: str) -> list[str]:
    """The statements of a text, without their semicolons; empty ones are left out."""
    found: list[str] = []
    first = last = None
    for token in tokens(sql):
        if token.text == ";":
            if first is not None and last is not None:
                found.append(sql[first:last])
            first = None
            continue
        first = token.start if first is None else first
        last = token.end
    if first is not None and last is not None:
        found.append(sql[first:last])
    return found


def is_query(statement: str) -> bool:
    """Whether a statement begins as a query does. ``WITH`` may still change something: the authorizer sees to it."""
    first = next(tokens(statement), None)
    return first is not None and first.word in ("SELECT", "WITH", "VALUES")


class Ordering(NamedTuple):
    """The end of a query: what it selects, how it is ordered, and which part of it is kept."""

    body: str
    order: str
    """The terms of the top-level ORDER BY, empty without one."""
    limited: bool
    offset: int | None
    """None where it is no plain number."""
    order_end: int = 0
    """Where in the query its LIMIT begins, or the query ends."""


def ordering(query: str) -> Ordering:
    """The top-level ORDER BY and LIMIT of one statement; those inside parentheses are not its own."""
    flat = [token for token in tokens(query) if token.depth == 0]
    order = limit = None
    for at, token in enumerate(flat):
        if token.word == "ORDER" and at + 1 < len(flat) and flat[at + 1].word == "BY":
            order, limit = at, None
        elif token.word == "LIMIT" and at:
            limit = at
        elif token.word == "SELECT":
            order = limit = None
    body_end = flat[order].start if order is not None else flat[limit].start if limit is not None else len(query)
    order_end = flat[limit].start if limit is not None else len(query)
    terms = query[flat[order + 1].end : order_end].strip() if order is not None else ""
    if limit is None:
        return Ordering(query[:body_end], terms, False, 0, order_end)
    return Ordering(query[:body_end], terms, True, _offset([token.word for token in flat[limit + 1 :]]), order_end)


def _offset(words: list[str]) -> int | None:
    """Of ``n``, ``n OFFSET m`` and ``m, n``."""
    if len(words) == 1 and _INTEGER.fullmatch(words[0]):
        return 0
    if len(words) == 3 and all(_INTEGER.fullmatch(words[i]) for i in (0, 2)) and words[1] in ("OFFSET", ","):
        return int(words[2] if words[1] == "OFFSET" else words[0])
    return None
