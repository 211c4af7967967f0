"""The clauses of a text: words of one script between two marks of punctuation, without what is in no language."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from veritune.verifiers.language.lettered import CJK, WORDS_KEPT, Lettered
from veritune.verifiers.language.noise import looping

_MATH = """
sin cos tan cot sec csc arcsin arccos arctan log ln lg exp lim max min mod gcd lcm sup inf arg det
deg rad mm cm dm km kg mg ml kw mol
"""
MATH_WORDS = frozenset(_MATH.split())
CHUNK = 12
"""A clause of Latin script is heard in pieces of at most so many words: models forget punctuation."""

_SENTENCE = re.compile(r"[!?。！？…।\n]|\.(?=\s|$)")
_CLAUSE = re.compile(r"[,;:，；：、()（）\"“”«»|—–]|\s-\s")
_RANK = {"word": 0, "clause": 1, "sentence": 2, "paragraph": 3}
_GAP_KEPT = 16
_CALL = re.compile(r"\([^()\s]{0,30}\)(?!\w)")
"""Behind the name of a function: its arguments."""
_COMPOUND = re.compile(r"(?=[A-Z]*[a-z])(?:[A-Z][a-z]?){2,3}")
"""A chemical formula such as ``NaCl``."""
_SYMBOLIC = ("latin", "greek", "hebrew")
_SYMBOL, _CAPITALS, _LOUD = 1, 2, 4


@dataclass(slots=True)
class Segment:
    """Words of one script between two marks of punctuation."""

    script: str
    words: list[str]
    border: str
    """What parts it from the segment before: paragraph, sentence, clause or word."""
    letters: int
    first: int = 0
    last: int = 0
    """Which of the text's words are its first and its last; of a part of one those of the whole."""
    idle: int = 0
    """Of these letters, how many only say again what was just said."""
    language: str = ""


def clauses(text: Lettered, natural: str) -> list[Segment]:
    """The segments of a text, which is given as words and as it stands."""
    words, scripts, gaps = text
    if not words:
        return []
    neutral = _neutral(text, natural)
    idle = looping(words, scripts)
    borders = {gap: border for gap in set(gaps) if (border := _border(gap)) != "word"}
    before = ("", *scripts[:-1])
    breaks = [
        i
        for i, (gap, script, last) in enumerate(zip(gaps, scripts, before, strict=True))
        if script != last or gap in borders
    ]
    found: list[Segment] = []
    border = "paragraph"
    for start, stop in itertools.pairwise((*breaks, len(words))):
        if border != "paragraph":
            border = _stronger(border, borders.get(gaps[start], "word"))
        members = [i for i in range(start, stop) if i not in neutral] if neutral else range(start, stop)
        if not members:
            continue
        _add(found, members, border, words, scripts[start], idle)
        border = "word"
    return _without_names(found)


def _add(
    found: list[Segment],
    members: Sequence[int],
    border: str,
    words: Sequence[str],
    script: str,
    idle: Mapping[int, int],
) -> None:
    """Put words of one script behind the segments: into the last where nothing parts them, else into new ones."""
    room = len(members) if script == CJK else CHUNK
    at = 0
    if border == "word" and found and script == found[-1].script:
        last = found[-1]
        at = len(members) if script == CJK else CHUNK - len(last.words)
        if at > 0:
            taken = members[:at]
            said = [words[i] for i in taken]
            last.words += said
            last.letters += sum(map(len, said))
            last.last = taken[-1]
            if idle:
                last.idle += sum([idle.get(i, 0) for i in taken])
    for start in range(at, len(members), room):
        taken = members[start : start + room]
        said = [words[i] for i in taken]
        again = sum([idle.get(i, 0) for i in taken]) if idle else 0
        found.append(Segment(script, said, border, sum(map(len, said)), taken[0], taken[-1], again))
        border = "word"


def _without_names(found: list[Segment]) -> list[Segment]:
    """Names in Latin letters inside a clause of another script belong to it, not to a language: ``本的 iPhone``."""
    if all(segment.script == "latin" for segment in found):
        return found
    kept: list[Segment] = []
    for i, segment in enumerate(found):
        inside = (segment.border == "word" and i > 0 and found[i - 1].script != "latin") or (
            i + 1 < len(found) and found[i + 1].border == "word" and found[i + 1].script != "latin"
        )
        if not (inside and _is_name(segment)):
            kept.append(segment)
        elif i + 1 < len(found):
            found[i + 1].border = _stronger(segment.border, found[i + 1].border)
    return kept


def _is_name(segment: Segment) -> bool:
    words = segment.words
    return segment.script == "latin" and len(words) <= 3 and not any(word.islower() for word in words)


def _border(gap: str) -> str:
    return _short_border(gap) if len(gap) <= _GAP_KEPT else _short_border.__wrapped__(gap)


@lru_cache(maxsize=WORDS_KEPT)
def _short_border(gap: str) -> str:
    if _SENTENCE.search(gap):
        return "paragraph" if "\n" in gap else "sentence"
    return "clause" if _CLAUSE.search(gap) else "word"


def _stronger(one: str, other: str) -> str:
    return one if _RANK[one] >= _RANK[other] else other


def _neutral(text: Lettered, natural: str) -> set[int]:
    """Names of variables and points, units and functions belong to no language: ``x``, ``AB``, ``sin``, ``α``."""
    words, scripts, _ = text
    found: set[int] = set()
    if "latin" in scripts or "greek" in scripts or "hebrew" in scripts:
        kinds = [_kind(word) if script in _SYMBOLIC else 0 for word, script in zip(words, scripts, strict=True)]
        if any(kinds):
            symbols = _SYMBOL
            if 2 * sum(kind & _LOUD > 0 for kind in kinds) <= len(words):
                symbols |= _CAPITALS
            found = {i for i, kind in enumerate(kinds) if kind & symbols}
        if "(" in natural:
            found |= _calls(text, natural)
    return found


@lru_cache(maxsize=WORDS_KEPT)
def _kind(word: str) -> int:
    upper = word.isupper()
    loud = _LOUD if upper and len(word) >= 4 else 0
    if len(word) == 1 or word in MATH_WORDS or (len(word) < 7 and _COMPOUND.fullmatch(word) is not None):
        return loud | _SYMBOL
    return loud | _CAPITALS if upper and len(word) < 5 else loud


def _calls(text: Lettered, natural: str) -> set[int]:
    """Names of functions, before their arguments; none in a thought that is all calls."""
    starts = {match.start() for match in _CALL.finditer(natural)}
    if not starts:
        return set()
    words, _, gaps = text
    ends = itertools.accumulate(len(gap) + len(word) for gap, word in zip(gaps, words, strict=True))
    found = {i for i, end in enumerate(ends) if end in starts and words[i].isascii()}
    return set() if 8 * len(found) > len(words) + 16 else found
