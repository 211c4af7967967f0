"""Chinese and Japanese told apart letter by letter: kana, and the forms of Han that only one of them writes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache

_SWITCH = {"paragraph": 1.2, "sentence": 1.6, "clause": 3.0, "word": 3.5}
"""What a change of language costs in log-odds, by what parts the letters."""
_INSIDE = 5.0
"""What it costs where nothing does."""
_KANA = 4.6
_SIMPLIFIED = -4.0
_SHINJITAI = 2.5
_SHARED = -0.29
"""Log-odds of Japanese: Chinese has no kana, 们 is in no Japanese standard and 売 in no Chinese one; and Japanese, of
which half is kana, seldom goes long without."""
_TO_JAPANESE, _TO_CHINESE = 1, 2
_ITERATION = "々〆〇"
_KANA_LETTERS = "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_HAS_KANA = re.compile(f"[{_KANA_LETTERS}]")
_BETWEEN = 4
"""Shared letters between two that are Japanese: together they say less against it than either says for it, and than
two changes cost, so that all are in one language."""
_RUNS = re.compile(f"[{_KANA_LETTERS}]+(?:[^{_KANA_LETTERS}]{{1,{_BETWEEN}}}[{_KANA_LETTERS}]+)*|[^{_KANA_LETTERS}]+")


def has_kana(words: Iterable[str]) -> bool:
    """Whether any has; without kana all is Chinese."""
    return _HAS_KANA.search("".join(words)) is not None


def told(words: Sequence[str], borders: Sequence[str]) -> list[list[tuple[str, int]]]:
    """Of each stretch of Han and kana, in order, the language (``zh`` or ``ja``) of its letters and how many are in it.

    ``borders``: what parts each stretch from the one before. The most probable course of two languages (Viterbi),
    linear in the letters.
    """
    blocks, odds = (_RUNS, _by_kana) if _in("".join(words), "shift_jis") else (_one_sided(), _by_letter)
    return _course([blocks.findall(word) for word in words], borders, odds)


def _course(
    words: Sequence[Sequence[str]], borders: Sequence[str], odds: Callable[[str], float]
) -> list[list[tuple[str, int]]]:
    """The same of stretches in blocks, inside of which a change never pays."""
    japanese = chinese = 0.0
    back: list[int] = []
    for word, border in zip(words, borders, strict=True):
        cost = _SWITCH[border]
        for weight in map(odds, word):
            ahead = japanese - chinese
            if ahead < -cost:
                japanese = chinese - cost
                back.append(_TO_JAPANESE)
            elif ahead > cost:
                chinese = japanese - cost
                back.append(_TO_CHINESE)
            else:
                back.append(0)
            japanese += weight
            cost = _INSIDE
    at = japanese > chinese
    found: list[list[tuple[str, int]]] = []
    for word in reversed(words):
        pieces: list[tuple[str, int]] = []
        language, size = "ja" if at else "zh", 0
        for block in reversed(word):
            mine = "ja" if at else "zh"
            if mine != language:
                pieces.append((language, size))
                language, size = mine, 0
            size += len(block)
            if (came := back.pop()) and at == (came == _TO_JAPANESE):
                at = not at
        pieces.append((language, size))
        pieces.reverse()
        found.append(pieces)
    found.reverse()
    return found


@lru_cache(maxsize=20_000)
def _by_kana(block: str) -> float:
    """Where no letter is Chinese alone, kana against Han."""
    return sum(_KANA if "\u3041" <= c <= "\u30ff" or _HAS_KANA.match(c) else _SHARED for c in block)


@lru_cache(maxsize=20_000)
def _by_letter(block: str) -> float:
    return sum(map(_odds, block))


@cache
def _one_sided() -> re.Pattern[str]:
    """Blocks of letters that are Japanese, with few shared ones between them, or of which none is."""
    letters = (bytes([high, low]).decode("shift_jis", "ignore") for high in _HIGH for low in range(0x40, 0xFD))
    han = sorted({c for pair in letters for c in pair if "\u3400" <= c <= "\u9fff"})
    japanese = _KANA_LETTERS + "".join(c for c in han if _odds(c) > 0)
    shared = "".join(c for c in han if _odds(c) == _SHARED)
    return re.compile(f"[{japanese}]+(?:[{shared}]{{1,{_BETWEEN}}}[{japanese}]+)*|[^{japanese}]+")


_HIGH = (*range(0x81, 0xA0), *range(0xE0, 0xF0))
"""The first bytes of the letters of two bytes."""


@lru_cache(maxsize=20_000)
def _odds(letter: str) -> float:
    """The log-odds that a letter is Japanese rather than Chinese, by the character sets of both."""
    if _HAS_KANA.match(letter):
        return _KANA
    if letter in _ITERATION:
        return 0.0
    if not _in(letter, "shift_jis"):
        return _SIMPLIFIED
    return _SHARED if _in(letter, "gb2312") or _in(letter, "big5") else _SHINJITAI


def _in(letters: str, charset: str) -> bool:
    try:
        letters.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
