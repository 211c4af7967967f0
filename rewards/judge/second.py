"""A second opinion on a completion that addresses its judge: asked in another form, and without the address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from veritune.plugins.types import Cause
from veritune.rewards.judge.disguise import folded, plain_text
from veritune.rewards.judge.injection import injections
from veritune.rewards.judge.likeness import likeness

APART = 0.25
"""Opinions agree that differ by no more than this share of the scale."""
LEFT_OUT = "[words left out]"
_PIECE = re.compile(r"[^\n]*?(?:[.!?](?=\s)|[。！？؟।])\s*|[^\n]*\n+|[^\n]+")
_PIECES = 4000
_ROUNDS = 3
_MARKS = "¦¤‡¶§※◊⁂"
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_BETWEEN = re.compile(rf"[^\S\n]+|(?<=[{_UNSPACED}])(?=[{_UNSPACED}])")


def marked(text: str, seed: str) -> tuple[str, str]:
    """The text with a mark between all its words, as data that nobody could have written so; and the mark.

    (Datamarking of Hines et al., 2403.14720.) The mark depends on ``seed`` and is none that occurs in the text.
    """
    start = sum(map(ord, seed)) % len(_MARKS)
    order = _MARKS[start:] + _MARKS[:start]
    mark = next((one for one in order if one not in text), order[0] * 2)
    return _BETWEEN.sub(mark, text), mark


def without_addresses(text: str) -> str:
    """The text with every sentence that addresses the judge replaced by a note that words were left out."""
    pieces = _PIECE.findall(text)
    if len(pieces) > _PIECES:  # of a text in a thousand crumbs, lines
        pieces = text.splitlines(keepends=True)
    for _ in range(_ROUNDS):
        bad = _addressing(pieces, 0, len(pieces))
        if not bad:
            break
        pieces = [_note(piece) if i in bad else piece for i, piece in enumerate(pieces)]
    return "".join(pieces)


def _addressing(pieces: Sequence[str], first: int, end: int) -> set[int]:
    """Which of the pieces from ``first`` to ``end`` make this part of the text an address."""
    if first >= end or not injections("".join(pieces[first:end])):
        return set()
    if end - first == 1:
        return {first}
    middle = (first + end) // 2
    found = _addressing(pieces, first, middle) | _addressing(pieces, middle, end)
    if found:
        return found
    around = range(max(first, middle - 1), min(end, middle + 1))  # it is one only where both halves meet
    if not injections("".join(pieces[around.start : around.stop])):
        return set(range(first, end))
    return {max(around, key=lambda i: likeness(folded(plain_text(pieces[i])))[0])}  # without it the other is none


def _note(piece: str) -> str:
    bare = piece.rstrip()
    return LEFT_OUT + piece[len(bare) :]


@dataclass(frozen=True)
class Opinion:
    """What one asking came to: a share of the scale with a reason, or why there is none."""

    share: float | None
    reason: str = ""
    cause: Cause | None = None
    reply: str = ""
    """What the judge wrote where no verdict is in it."""


def agreed(opinions: Sequence[Opinion]) -> Opinion:
    """The lowest of opinions that agree; no opinion, and why, where one is missing or they differ."""
    for one in opinions:
        if one.share is None:
            return one
    shares = [one.share for one in opinions if one.share is not None]
    if max(shares) - min(shares) > APART:
        said = ", ".join(f"{share:g}" for share in shares)
        reason = "; ".join(dict.fromkeys(one.reason for one in opinions if one.reason))
        why = f"it addresses the judge, and asked again in other forms the judge says otherwise ({said}): {reason}"
        return Opinion(None, why, Cause.ABSTAIN)
    return min(opinions, key=lambda one: one.share if one.share is not None else 1.0)
