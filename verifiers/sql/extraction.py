"""Which part of a completion is its query."""

from __future__ import annotations

import re
from typing import Literal

from veritune.verifiers.code.fences import fences
from veritune.verifiers.math.extraction.reasoning import opens_reasoning, strip_reasoning
from veritune.verifiers.sql.script import is_query, statements

Prefilled = bool | Literal["auto"]

MAX_COMPLETION = 200_000
_TAGS = ("sql", "sqlite", "sqlite3", "postgresql", "postgres", "mysql", "tsql", "plsql", "")
_ANSWER = re.compile(r"<answer>((?:(?!<answer>).)*?)</answer>", re.DOTALL | re.IGNORECASE)
_BEGINS = re.compile(
    r"^[ \t>*]*(?:(?:final )?(?:sql|query|answer)\s*:\s*)?(?=(?:SELECT|WITH)\s)", re.IGNORECASE | re.MULTILINE
)
_GOES_ON = re.compile(
    r"\s*(?:(?:SELECT|FROM|WHERE|GROUP|ORDER|HAVING|LIMIT|OFFSET|UNION|EXCEPT|INTERSECT|JOIN|LEFT|RIGHT|INNER|OUTER|"
    r"FULL|CROSS|NATURAL|ON|AND|OR|WITH|WINDOW|CASE|WHEN|ELSE|END|AS|NOT|IN|VALUES)\b|[(),;'\"`]|--|/\*)",
    re.IGNORECASE,
)
"""How a line of a query begins behind an empty one."""
_INLINE = re.compile(r"`((?:SELECT|WITH)\s[^`]{1,20000})`", re.IGNORECASE)


def query_of(completion: str, prompt: str = "", *, prefilled: Prefilled = "auto") -> tuple[str | None, str]:
    """The query of a completion and where it was found; None with the reason where there is none.

    Behind the reasoning: inside the last answer tag if there is one, the last fence of SQL; without a fence, a text
    that is a query, the last lines that begin as one (up to a semicolon or an empty line), or code inside a sentence.
    """
    text = completion[-MAX_COMPLETION:]
    opened = opens_reasoning(prompt) if prefilled == "auto" else prefilled
    rest = strip_reasoning(text, opened=opened)
    if rest is None:
        return None, "the reasoning never ends, so there is no query"
    tagged = _ANSWER.findall(rest)
    rest = tagged[-1] if tagged and tagged[-1].strip() else rest
    blocks = [block for block in fences(rest, "sql") if block.tag.lower() in _TAGS and block.code.strip()]
    named = [block for block in blocks if block.tag] or [block for block in blocks if _is_sql(block.code)]
    if named:
        return named[-1].code.strip(), "fence"
    if _is_sql(rest):
        return _without_prose(rest.strip()), "text"
    begun = [found.end() for found in _BEGINS.finditer(rest)]
    if begun:
        return _first_statement(rest[begun[-1] :]), "prose"
    inline = _INLINE.findall(rest)
    if inline:
        return inline[-1].strip(), "inline"
    return None, "there is no query"


def _is_sql(text: str) -> bool:
    found = statements(text[:2000])
    return bool(found) and is_query(found[0]) and text.lstrip()[:2].upper() in ("SE", "WI", "VA", "--", "/*")


def _first_statement(text: str) -> str:
    """Up to a semicolon, or to a paragraph that goes on in words."""
    block = _without_prose(text)
    found = statements(block)
    return found[0] if found else block.strip()


def _without_prose(text: str) -> str:
    """A query without the paragraphs behind it that begin with no word of SQL's."""
    kept: list[str] = []
    for line in text.splitlines():
        if kept and not kept[-1].strip() and line.strip() and not _GOES_ON.match(line):
            break
        kept.append(line)
    return "\n".join(kept)
