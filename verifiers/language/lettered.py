"""A text as the words of its scripts and what stands between them: everything after reads these, not the characters."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from veritune.verifiers.language.scripts import KNOWN_LETTERS, runs

WORDS_KEPT = 20_000
"""Words that something is remembered of, by what it is: a text says the same few over and over."""
LONGEST = 200
"""A longer word is several: no language has one, and what is remembered of words has to be short."""
CJK = "cjk"
"""The script of a stretch of Han and kana, which are told apart letter by letter."""

_ASCII = re.compile("([A-Za-z]+)")
_WORDS = re.compile(r"([^\W\d_]+)")
_RARE = re.compile("[\U00020000-\U000323af]")
_RARE_WORDS = re.compile("((?:[^\\W\\d_]+|[\U00020000-\U000323af]+)+)")
"""Letters, and Han that a Python's own tables may be too old for."""
_FIRST_CJK = "\u2e80"
_CJK = re.compile(f"[{KNOWN_LETTERS['han']}{KNOWN_LETTERS['kana']}]+")


class Lettered(NamedTuple):
    """Words of one script each, in order."""

    words: Sequence[str]
    scripts: Sequence[str]
    gaps: Sequence[str]
    """What stands before each word: the two are the text, but for what follows the last word."""

    def text(self, first: int, last: int) -> str:
        """The text from one word to another, both included."""
        pairs = zip(self.gaps[first + 1 : last + 1], self.words[first + 1 : last + 1], strict=True)
        return self.words[first] + "".join(itertools.chain.from_iterable(pairs))


def lettered(text: str) -> Lettered:
    """The words and gaps of a text; digits, marks and punctuation are gaps."""
    if text.isascii():
        parts = _ASCII.split(text)
    else:
        parts = (_WORDS if _RARE.search(text) is None else _RARE_WORDS).split(text)
    words, gaps = parts[1::2], parts[:-1:2]
    scripts = ["latin"] * len(words)
    if not text.isascii():
        scripts = [
            "latin"
            if word.isascii()
            else ""
            if len(word) > LONGEST
            else _script(word)
            if word[0] < _FIRST_CJK
            else _dense(word)
            for word in words
        ]
    if "" not in scripts and max(map(len, words), default=0) <= LONGEST:
        return Lettered(words, scripts, gaps)
    found: list[tuple[str, str, str]] = []
    gap = ""
    for word, script, before in zip(words, scripts, gaps, strict=True):
        gap += before
        for piece, name in ((word, script),) if script and len(word) <= LONGEST else _pieces(word):
            if not name:  # a mark that Unicode calls a letter
                gap += piece
                continue
            found.append((piece, name, gap))
            gap = ""
    if not found:
        return Lettered([], [], [])
    pieces, names, between = zip(*found, strict=True)
    return Lettered(pieces, names, between)


def _dense(word: str) -> str:
    return CJK if _CJK.fullmatch(word) is not None else _script(word)


@lru_cache(maxsize=WORDS_KEPT)
def _script(word: str) -> str:
    """The script of all letters of a word; empty where they are of several."""
    found = _pieces(word)
    return found[0][1] if len(found) == 1 else ""


def _pieces(word: str) -> list[tuple[str, str]]:
    """The parts of a word by script; what is of none has an empty name."""
    found: list[tuple[str, str]] = []
    end = 0
    for script, start, stop in runs(word):
        if start > end:
            found.append((word[end:start], ""))
        name = CJK if script in ("han", "kana") else script
        if found and found[-1][1] == name:
            found[-1] = (found[-1][0] + word[start:stop], name)
        else:
            found.append((word[start:stop], name))
        end = stop
    found += [(word[end:], "")] if end < len(word) else []
    return [(piece[i : i + LONGEST], name) for piece, name in found for i in range(0, len(piece), LONGEST)]
