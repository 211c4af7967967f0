"""From what was found to the smallest case of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from veritune.lab.search.candidate import Candidate

MOST = 250
"""Candidates that one shrinking may try."""


def shrink(candidate: Candidate, still: Callable[[Candidate], bool], most: int = MOST) -> Candidate:
    """The smallest candidate for which ``still`` holds: fewer pieces, fewer lines and words, simpler pieces.

    ``still`` is asked at most ``most`` times. The first step that works is taken, then all are tried again from there.
    """
    left = most
    progress = True
    while progress and left > 0:
        progress = False
        for smaller in _smaller(candidate):
            if left <= 0:
                break
            left -= 1
            if still(smaller):
                candidate, progress = smaller, True
                break
    return candidate


def _smaller(one: Candidate) -> Iterator[Candidate]:
    """Smaller candidates, the greatest steps first."""
    if one.times > 1:
        yield replace(one, times=1)
    for times in sorted({2, 3, 5, one.times // 2, one.times - 1}):
        if 1 < times < one.times:
            yield replace(one, times=times)
    if len(one.pieces) > 1 or one.lines:
        for piece in one.pieces:
            yield one.without(piece)
    yield from _fewer_lines(one)
    for piece in one.pieces:
        if not piece.canary:
            for text in piece.simpler:
                if len(text) < len(piece.text):
                    yield one.swapped(piece, text)
    if len(one.lines) <= 4:
        yield from _fewer_words(one)


def _fewer_lines(one: Candidate) -> Iterator[Candidate]:
    """Without all lines, then without halves, quarters, …, single ones."""
    count = len(one.lines)
    if not count:
        return
    yield replace(one, lines=())
    size = count // 2
    while size >= 1:
        for start in range(0, count, size):
            yield replace(one, lines=one.lines[:start] + one.lines[start + size :])
        size //= 2


def _fewer_words(one: Candidate) -> Iterator[Candidate]:
    if one.fenced:  # a program without some of its words is another one
        return
    for index, line in enumerate(one.lines):
        words = line.split(" ")
        if len(words) < 2:
            continue
        size = len(words) // 2
        while size >= 1:
            for start in range(0, len(words), size):
                left = " ".join(words[:start] + words[start + size :])
                yield replace(one, lines=(*one.lines[:index], left, *one.lines[index + 1 :]))
            size //= 2
