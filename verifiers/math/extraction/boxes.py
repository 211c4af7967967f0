"""Boxes in a completion: where they are, and which of them are one answer together."""

from __future__ import annotations

import re
from typing import NamedTuple

from veritune.verifiers.math.text.normalise import match_brace
from veritune.verifiers.math.text.strings import names

_COMMAND = re.compile(r"\\(?:boxed|fbox|framebox)")
_MAX_BOXES = 64
_MAX_CONTENT = 4096
_MAX_LAST = 65_536
_BREAKERS = names(
    "so then thus hence therefore but not actually wait since gives is which because let now we answer first second"
    " final instead rather step correct wrong hmm"
)
_JOINERS = frozenset(["and", "or", ",", "、", "和", "与", "或", ";", "&"])


_STRAY = re.compile(r"\{([^{}\\]{1,200})\\\}(?=[\s.$]|$)")
"""A backslash before the closing brace: ``\\boxed{12\\}``."""


class Box(NamedTuple):
    """One box: where it starts and ends, and what is inside."""

    start: int
    end: int
    content: str


def box_starts(text: str) -> list[tuple[int, int]]:
    """Where the commands for a box stand in `text`, and how long each is."""
    return [found.span() for found in _COMMAND.finditer(text)] if "\\" in text else []


def find_boxes(text: str, starts: list[tuple[int, int]] | None = None) -> list[Box]:
    """The last boxes of `text` in order, brace-matched; a box inside a box and an unclosed one are left out."""
    boxes: list[Box] = []
    for at, end in (box_starts(text) if starts is None else starts)[-_MAX_BOXES:]:
        if boxes and at < boxes[-1].end:
            continue
        box = _read(text, at, end)
        if box is not None:
            boxes.append(box)
    return boxes


def is_unclosed(text: str, starts: list[tuple[int, int]], boxes: list[Box]) -> bool:
    """Whether a box opens behind all of `boxes` and never closes."""
    end = boxes[-1].end if boxes else 0
    for at, begin in reversed(starts):
        if at < end:
            return False
        if text[begin : begin + 1] == "{":
            return match_brace(text[begin : begin + _MAX_LAST], 0) < 0 and not _STRAY.match(text, begin)
    return False


def _read(text: str, at: int, named: int) -> Box | None:
    begin = named
    while text.startswith((" ", "\n"), begin):
        begin += 1
    if text.startswith("{", begin):
        window = text[begin : begin + (_MAX_LAST if text.find("\\boxed", begin) < 0 else _MAX_CONTENT)]
        end = match_brace(window, 0)
        if end < 0:
            stray = _STRAY.match(window)
            return None if stray is None else Box(at, begin + stray.end(), stray[1])
        return Box(at, begin + end + 1, window[1:end])
    end = begin
    while end < len(text) and end < begin + 32 and (text[end].isalnum() or text[end] in ".-"):
        end += 1
    content = text[begin:end].rstrip(".")
    glued = begin == named and not text[begin : begin + 1].isdecimal()
    return Box(at, end, content) if content and not glued else None


def spilled(text: str, box: Box) -> Box:
    """`box` up to the end of `text` where its content has closing braces too many and the last one ends the text."""
    end = text.rfind("}")
    opening = text.find("{", box.start, box.end)
    if opening < 0 or end <= box.end or text[end + 1 :].strip(" $.\n。") or end - box.start > _MAX_LAST:
        return box
    rest = text[box.end : end + 1].replace("\\{", "").replace("\\}", "")
    if rest.count("}") <= rest.count("{"):
        return box
    return Box(box.start, end + 1, text[opening + 1 : end])


def join_boxes(text: str, boxes: list[Box]) -> list[Box]:
    """The last box and those before it that "and", "or" or a comma joins to it."""
    joined = [boxes[-1]]
    for box in reversed(boxes[:-1]):
        if not _joins(text[box.end : joined[0].start]):
            break
        joined.insert(0, box)
    return joined


def _joins(between: str) -> bool:
    """Whether the text between two boxes only joins them: ``and``, ``,``, ``for part (a) and``, ``, y =``."""
    if len(between) > 60 or "\n\n" in between or ". " in between:
        return False
    flat = between
    for noise in (
        "\\text",
        "\\quad",
        "\\qquad",
        "\\mathrm",
        "\\textbf",
        "\\(",
        "\\)",
        "\\[",
        "\\]",
        "\\,",
        "\\;",
        "\\ ",
    ):
        flat = flat.replace(noise, " ")
    for noise in "${}*~\n":
        flat = flat.replace(noise, " ")
    words = flat.replace(",", " , ").replace(";", " ; ").replace("、", " 、 ").split()
    if any(w.lower().strip(".:") in _BREAKERS for w in words) or len(words) > 7:
        return False
    return any(w.lower() in _JOINERS for w in words)
