"""The words of a text as a reader counts them when something is said again, however they are joined or dressed."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from veritune.plugins.unseen import visible

UNSPACED = "぀-ヿ㐀-䶿一-鿿豈-﫿𠀀-𯿿ｦ-ﾟ฀-๿຀-໿ក-៿က-႟"
"""Scripts that put no spaces between words: kana, han, Thai, Lao, Khmer, Burmese."""
LONGEST = 40
"""Characters of a piece without a space or joint that may still be one word: German's longest in use has 36."""
RULE = 120
"""Marks in a row that may still be a line across the page."""
TAKEN = 10
"""So often may a number be all that is new after the same two words; the times table has as many lines."""
LISTED = 30
"""Numbers side by side that may still be a list: the divisors of a number, the members of a set."""

_STRETCHED = re.compile(r"([^\W\d_ivx])\1{2,}")
_UNDERSCORES = re.compile("_+")
_INNER = re.compile(r"(?<=[^\W\d_])['’‘\-‐‑·_]+(?=[^\W\d_])")
_RUNS = re.compile(rf"[{UNSPACED}]+|[^\s{UNSPACED}]+")
_ACCENTS = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]")
_PUNCTUATION = r"!-/:-@\[-`{-¿×÷։،؛؟।॥་-༔\u2010-\u205e\u2190-\u2bff\u3001-\u303f\ufe30-\ufe6f\uff01-\uff0f"
_JOINTS = re.compile(rf"[{_PUNCTUATION}\U0001f000-\U0001faff]+")
_EDGES = ".,;:!?()[]\"'“”‘’«»"
_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
_LETTERS = re.compile(r"[^\W\d_]{2}|[^\x00-\u2e7f]")


def words(text: str, unspaced: Callable[[str], Iterable[str]]) -> list[str]:
    """Words at spaces, lower case, punctuation at their ends aside; ``unspaced`` cuts scripts without spaces.

    A piece over ``LONGEST`` or with several ``_`` is its parts, and a part that is still longer its characters. What
    nobody sees, accents and the width of letters make no other word, nor do stretched letters, a hyphen or apostrophe
    inside, a number that only counts on, and what fills the same sentence again and again.
    """
    text = text.lower()
    if not text.isascii():
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", visible(text))))
    return _fillings_aside(_numbers_aside(_pieces(text, unspaced)))


def _pieces(text: str, unspaced: Callable[[str], Iterable[str]]) -> Iterator[str]:
    for run in _RUNS.finditer(text):
        piece = run[0]
        if re.match(f"[{UNSPACED}]", piece):
            yield from unspaced(piece)
        elif len(piece) <= LONGEST and len(_UNDERSCORES.findall(piece)) <= 2:
            yield _INNER.sub("", _STRETCHED.sub(r"\1\1", piece)).strip(_EDGES) or piece
        else:
            yield from _parts(piece)


def _parts(piece: str) -> Iterator[str]:
    parts = [part for part in _JOINTS.split(piece) if part]
    for part in parts:
        yield from part if len(part) > LONGEST else (part,)
    if not parts:
        for _, same in itertools.groupby(piece):
            run = "".join(same)
            yield from run if len(run) > RULE else (run,)


def _numbers_aside(pieces: Iterable[str]) -> list[str]:
    """The words, a number written as ``#`` where it says nothing new.

    That is one that is the last plus one (of numbers side by side only from the ``LISTED``-th on), and, after two words
    that have stood before a number ``TAKEN`` times, any.
    """
    found: list[str] = []
    met: Counter[tuple[str, str, str]] = Counter()
    last = None
    listed = 0
    first = second = ""
    for word in pieces:
        shape = _DIGITS.sub("#", word)
        if shape != word:
            number = int(word) if word.isdecimal() and len(word) < 10 else None
            listed = listed + 1 if second == "#" else 0
            if number is not None and (last is None or number == last + 1) and not 0 < listed < LISTED:
                word = shape
            last = number if number is not None else last
            met[first, second, shape] += 1
            if met[first, second, shape] > TAKEN and _LETTERS.search(first + second + shape):
                word = shape
        first, second = second, shape
        found.append(word)
    return found


def _fillings_aside(found: list[str]) -> list[str]:
    """The words, those written as ``*`` that are all that is new between the same two before and two behind.

    From the ``TAKEN``-th on: so long may a list of one form be.
    """
    if len(found) < 5 * TAKEN:
        return found
    frames: dict[tuple[str, str, str, str], set[str]] = {}
    kept = list(found)
    for i in range(2, len(found) - 2):
        frame = (found[i - 2], found[i - 1], found[i + 1], found[i + 2])
        fillings = frames.setdefault(frame, set())
        if found[i] not in fillings and len(fillings) >= TAKEN:
            kept[i] = "*"
        fillings.add(found[i])
    return kept
