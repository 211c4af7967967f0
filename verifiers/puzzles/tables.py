"""Tables and JSON inside a text."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

_RULE = re.compile(r"[\s|+:\-=─━┼┬┴├┤┌┐└┘│╪╞╡╔╗╚╝═║╠╣╦╩╬&\\]*")
_LATEX_RULE = r"\\(?:h|top|mid|bottom)(?:line|rule)"
_SEPARATORS = re.compile(r"[|│┃║]")
MAX_JSON = 50
"""Openings of JSON that are tried in a text."""


def tables(text: str) -> Iterator[list[list[str]]]:
    """The tables of a text as rows of stripped cells: Markdown, ASCII frames, LaTeX, HTML, tabs; rules left out."""
    text = re.sub(r"</t[dh]>\s*<t[dh][^<>\n]{0,60}>", " | ", text)
    text = re.sub(r"</tr>\s*<tr[^<>\n]{0,60}>", "\n", text)
    text = re.sub(r"<tr[^<>\n]{0,60}>|</tr>", "\n", text)
    text = re.sub(r"\s*<t[dh][^<>\n]{0,60}>\s*|\s*</t[dh]>\s*", "|", text)
    text = re.sub(r"\\(?:begin|end)\s*\{[^{}\n]{0,20}\}(?:\s*\{[^{}\n]{0,80}\})?", "\n", text)
    text = re.sub(rf"(?:\\\\(?:\s*\[[^\]\n]{{0,12}}\])?|{_LATEX_RULE})(?:\s*{_LATEX_RULE})*[ \t]*\n?", "\n", text)
    rows: list[list[str]] = []
    for line in [*text.split("\n"), "the end"]:
        cells = _cells(line)
        if cells is not None:
            rows.append(cells)
        elif not line.strip() or not _RULE.fullmatch(line):
            if len(rows) > 1:
                yield rows
            rows = []


def _cells(line: str) -> list[str] | None:
    if _RULE.fullmatch(line):
        return None
    if _SEPARATORS.search(line):
        parts = _SEPARATORS.split(line.strip())
    elif "\t" in line.strip():
        parts = line.strip().split("\t")
    elif line.count("&") and not re.search(r"\w &amp;", line):
        parts = line.split("&")
    else:
        return None
    cells = [part.strip() for part in parts]
    cells = cells[1:] if cells and not cells[0] and _SEPARATORS.match(line.strip()) else cells
    cells = cells[:-1] if len(cells) > 1 and not cells[-1] else cells
    return cells if len(cells) > 1 else None


def objects(text: str) -> Iterator[Any]:
    """What stands in a text as JSON (or as Python literals): the outermost mappings and lists, in order."""
    decoder = json.JSONDecoder()
    at, tried = 0, 0
    while tried < MAX_JSON:
        found = re.compile(r"[{\[]").search(text, at)
        if found is None:
            return
        tried += 1
        try:
            value, at = decoder.raw_decode(text, found.start())
            yield value
            continue
        except (ValueError, RecursionError):
            pass
        end = _closing(text, found.start())
        at = found.start() + 1
        if end is None:
            continue
        try:
            piece = re.sub(r",\s*(?=[}\]])", "", text[found.start() : end])
            yield json.loads(piece)
            at = end
            continue
        except (ValueError, RecursionError):
            pass
        try:
            yield ast.literal_eval(text[found.start() : end])
            at = end
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue


def _closing(text: str, start: int, limit: int = 20_000) -> int | None:
    """Where the bracket that opens at ``start`` has closed."""
    depth = 0
    for found in re.compile(r"[{}\[\]]").finditer(text, start, start + limit):
        depth += 1 if found[0] in "{[" else -1
        if depth == 0:
            return found.end()
        if depth > 100:
            return None
    return None
