"""Which part of a completion is the program: the last fenced block of the wanted language where the answer belongs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

NoFence: TypeAlias = Literal["run", "none"]
"""A text without any fence: run it as it is, or take it for no program."""

ALIASES: tuple[frozenset[str], ...] = (
    frozenset({"python", "py", "python3", "py3", "python2", "pypy", "pypy3"}),
    frozenset({"cpp", "c++", "cxx", "cc", "cpp17", "c++17", "cpp20", "c++20"}),
    frozenset({"c", "c11", "c17", "c99"}),
    frozenset({"javascript", "js", "node", "nodejs"}),
    frozenset({"typescript", "ts"}),
    frozenset({"bash", "sh", "shell"}),
    frozenset({"java"}),
    frozenset({"rust", "rs"}),
    frozenset({"go", "golang"}),
    frozenset({"csharp", "c#", "cs"}),
)
_FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})[ \t]*([^\n`]*)$", re.MULTILINE)
_ANSWER = re.compile(r"^[ \t]*<answer>", re.MULTILINE)


@dataclass(frozen=True)
class Fence:
    """One fenced block."""

    tag: str
    """First word of the info string, lower case."""
    code: str
    closed: bool


def names_of(language: str) -> frozenset[str]:
    """Every usual name of a language."""
    name = language.strip().casefold()
    return next((group for group in ALIASES if name in group), frozenset({name}))


def fences(text: str) -> list[Fence]:
    """Every fenced block in order. A fence starts its line; one that never closes runs to the end of the text."""
    blocks: list[Fence] = []
    opened: re.Match[str] | None = None
    for mark in _FENCE.finditer(text):
        if opened is None:
            if "`" not in mark[3]:
                opened = mark
        elif not mark[3].strip() and mark[2][0] == opened[2][0] and len(mark[2]) >= len(opened[2]):
            blocks.append(_block(opened, text[opened.end() + 1 : mark.start()], True))
            opened = None
    if opened is not None:
        rest = text[opened.end() + 1 :]
        blocks.append(_block(opened, rest.partition("</answer>")[0], False))
    return blocks


def _block(opened: re.Match[str], code: str, closed: bool) -> Fence:
    words = opened[3].strip().strip("{}").lstrip(".").split()
    indent = opened[1]
    if indent:  # a block inside a list: its own indentation goes, the code's stays
        code = "\n".join(line.removeprefix(indent) for line in code.split("\n"))
    return Fence(words[0].casefold().strip(",;") if words else "", code, closed)


def answer_part(text: str, thinking: bool = False) -> str:
    """What follows the thinking, and of it the inside of the last ``<answer>`` where there is one.

    A ``<think>`` that never closes leaves only what stands before it. ``thinking`` gives the whole text instead.
    """
    if thinking:
        return text
    _, closing, rest = text.rpartition("</think>")
    if not closing:
        rest = text.partition("<think>")[0]
    answers = list(_ANSWER.finditer(rest))
    if not answers:
        return rest
    found = answers[-1]
    inside = rest[found.end() :]
    closed = inside.rfind("</answer>")
    inside = inside if closed < 0 else inside[:closed]
    return inside if inside.strip() else rest[: found.start()]


def extract_code(
    completion: str, language: str = "python", *, no_fence: NoFence = "run", thinking: bool = False
) -> str | None:
    """The program of a completion, or None where there is none.

    The last closed block tagged with the language or an alias of it; else the last closed block without a tag; else
    the same among blocks that never close. Blocks of other languages never count. Without any fence, ``no_fence``
    says what to do. Code inside ``<think>`` counts only with ``thinking``.
    """
    part = answer_part(completion, thinking)
    blocks = fences(part)
    if not blocks:
        return part.strip("\n") if no_fence == "run" and part.strip() else None
    names = names_of(language)
    for closed in (True, False):
        for tags in (names, frozenset({""})):
            for block in reversed(blocks):
                if block.closed is closed and block.tag in tags and block.code.strip():
                    return block.code
    return None
