"""The document in an answer: the whole of it, what stands in a fence, or what stands in prose."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

from veritune.verifiers.structured.documents import DocumentFault, read_json

Where: TypeAlias = Literal["any", "fence", "whole"]
"""Where a document may stand: anywhere, in a fence alone, or as the whole answer."""
Which: TypeAlias = Literal["only", "last", "first"]
"""Of several documents: none counts (``only``), the last, or the first."""

MAX_ANSWER = 1_000_000
_FENCE = re.compile(r"(?m)^[ \t>]*(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^\n]*$")
_OPENING = re.compile(r"[{\[]")
_STRAY = re.compile(r"\n[ \t]*(?:`{3,}|~{3,})[ \t]*$")
"""A closing fence whose opening one was in the prompt."""
_SIGNS = re.compile(r'["\\{}\[\]]')
_TRIES = 20
"""Brackets that open and never close, after which no further one is looked at."""
_SIGNS_READ = 100_000
"""Quotation marks and brackets that are looked at in all."""
MOST = 50
"""Documents in prose, after which none is looked for."""
_DENIED_BEFORE = re.compile(
    r"(?:(?<!\w)(?:not|never|isn['’]t|anything but|everything but|instead of|rather than)(?:\s+(?:equal to|exactly))?|"
    r"(?<!\w)(?:false|untrue|wrong)\s+that(?!\w)[^.:\n]*|[≠¬]|!=|\\n(?:eq?|ot)|不是|并非|不等于)[\s$({]*$",
    re.IGNORECASE,
)
_DENIED_BEHIND = re.compile(
    r"[\s$)}]*(?:is|was|would be)\s+(?:\w+ly\s+)?(?:not|never|wrong|false|incorrect|untrue|invalid)(?!\w)|"
    r"[\s$)}]*(?:不对|是错|错误)",
    re.IGNORECASE,
)
_CLOSERS = {"{": "}", "[": "]"}


def document(
    answer: str, read: Callable[[str], Any], languages: Sequence[str], where: Where, which: Which, *, prose: bool = True
) -> Any:
    """The value of the one document that counts. Raises DocumentFault with the reason where there is none.

    A fence with one of ``languages`` (or with none) is looked at before prose; in prose (JSON alone) objects and lists
    are documents, and a list of plain numbers such as ``[1]`` is a reference.
    """
    if len(answer) > MAX_ANSWER:
        raise DocumentFault(f"the answer has {len(answer)} characters, more than {MAX_ANSWER}")
    fences = fenced(answer, languages)
    if not fences:
        answer = _STRAY.sub("", answer.rstrip())
    if where == "whole" or (not fences and not prose):
        if fences and where == "whole":
            raise DocumentFault("the answer is not the document alone: there is a fence around it")
        return read(answer.strip())
    if fences:
        return read(_chosen(fences, which, "fenced documents"))
    if where == "fence":
        raise DocumentFault("there is no fenced document")
    try:
        return read(answer.strip())
    except DocumentFault as fault:
        found = spans(answer)
        if not found:
            raise fault if answer.strip()[:1] in _CLOSERS else DocumentFault("there is no document in it") from None
    chosen = _chosen(found, which, "documents")
    start = answer.rfind(chosen) if which != "first" else answer.find(chosen)
    refuse_denied(answer, start, start + len(chosen))
    return read(chosen)


def refuse_denied(text: str, start: int, end: int) -> None:
    """Raise DocumentFault where the words beside a document say that it is not the answer: ``not {…}``."""
    if _DENIED_BEFORE.search(text[max(start - 80, 0) : start]) or _DENIED_BEHIND.match(text[end : end + 80]):
        raise DocumentFault("the words beside the document say that it is not the answer")


def _chosen(found: Sequence[str], which: Which, what: str) -> str:
    if which == "only" and len(found) > 1:
        count = f"{len(found)}{'+' if len(found) >= MOST else ''}"
        raise DocumentFault(f"it has {count} {what}, and one is asked for")
    return found[0] if which == "first" else found[-1]


def fenced(answer: str, languages: Sequence[str]) -> list[str]:
    """The insides of the fences in one of ``languages`` or in none; one that never closes runs to the end."""
    found: list[str] = []
    opened: tuple[str, str, int] | None = None
    for mark in _FENCE.finditer(answer):
        if opened is None:
            opened = (mark[1], mark[2].lower(), mark.end() + 1)
        elif mark[1][0] == opened[0][0] and len(mark[1]) >= len(opened[0]) and not mark[2]:
            if not opened[1] or opened[1] in languages:
                found.append(answer[opened[2] : mark.start()])
            opened = None
    if opened is not None and (not opened[1] or opened[1] in languages) and answer[opened[2] :].strip():
        found.append(answer[opened[2] :])
    return found


def spans(answer: str) -> list[str]:
    """The JSON objects and lists in prose, in order; lists of plain numbers only where nothing else is."""
    found: list[str] = []
    references: list[str] = []
    at, tries = 0, 0
    budget = [_SIGNS_READ]
    while tries < _TRIES and budget[0] > 0 and len(found) + len(references) < MOST:
        opening = _OPENING.search(answer, at)
        if opening is None:
            break
        end = _close(answer, opening.start(), budget)
        if end is None:
            at, tries = opening.end(), tries + 1
            continue
        piece = answer[opening.start() : end]
        try:
            value = read_json(piece)
        except DocumentFault:
            if ":" in piece and '"' in piece and piece[0] == "{":
                found.append(piece)  # an object that is not well written is still what was given
                at = end
            else:
                at, tries = opening.end(), tries + 1
            continue
        plain = isinstance(value, list) and all(isinstance(item, int | float) for item in value)
        (references if plain else found).append(piece)
        at = end
    return found or references


def _close(answer: str, start: int, budget: list[int]) -> int | None:
    """Where the bracket that opens at ``start`` closes, strings heeded; None where it does not."""
    stack: list[str] = []
    quoted = False
    at = start
    while (sign := _SIGNS.search(answer, at)) is not None and budget[0] > 0:
        budget[0] -= 1
        mark, at = sign[0], sign.end()
        if mark == "\\":
            at += 1 if quoted else 0
        elif mark == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif mark in _CLOSERS:
            stack.append(_CLOSERS[mark])
        elif not stack or stack.pop() != mark:
            return None
        elif not stack:
            return at
    return None
