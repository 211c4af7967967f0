"""Where in a text the words of the lexicon stand: sentence by sentence, the parts that are played in it."""

from __future__ import annotations

import bisect
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from veritune.rewards.judge import lexicon, lexicon_acts, lexicon_claims, lexicon_more
from veritune.rewards.judge.disguise import folded

_SENTENCE = re.compile(r"[.!?](?=[\s\"'”»)<\]])|[。！？؟।॥]|\n+")
_SCHOOL_YEAR = re.compile(r"(?:first|second|third|th|\d\w\w)[ -]$")  # "fifth-graders" go to school
_WORD = re.compile(r"\w+")
_LONGEST = 400  # characters that count as one sentence where nothing ends it
_KEY = 6
_SPACED_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "DEVANAGARI", "DIGIT")


@dataclass(frozen=True)
class Needle:
    """One entry: what to find, and what may stand beside it."""

    text: str
    role: str
    from_start: bool
    to_end: bool


@dataclass(frozen=True)
class Hit:
    """Where an entry was found."""

    start: int
    end: int


Sentence = dict[str, list[Hit]]


@lru_cache(maxsize=1)
def needles() -> tuple[Needle, ...]:
    """Every entry of the lexicon once per role."""
    found: dict[tuple[str, str], Needle] = {}
    for texts in (lexicon.ROLE_TEXTS, lexicon_acts.ROLE_TEXTS, lexicon_claims.ROLE_TEXTS, lexicon_more.ROLE_TEXTS):
        for role, text in texts.items():
            for entry in text.replace("\n", " ").split(" / "):
                plain = folded(unicodedata.normalize("NFKC", entry.strip().rstrip("/").strip()))
                whole = plain.endswith("|")
                word = plain.rstrip("|").strip()
                if word:
                    spaced = unicodedata.name(word[0], "").startswith(_SPACED_SCRIPTS)
                    spaced = spaced and not (word[0].isdecimal() and not word.isascii())
                    found[word, role] = Needle(word, role, spaced, whole)
    return tuple(found.values())


def sentences(text: str) -> list[tuple[int, int]]:
    """Start and end of every sentence of a folded text; none longer than 400 characters."""
    spans: list[tuple[int, int]] = []
    start = 0
    for end in [*(match.end() for match in _SENTENCE.finditer(text)), len(text)]:
        while end - start > _LONGEST:
            spans.append((start, start + _LONGEST))
            start += _LONGEST
        if text[start:end].strip():
            spans.append((start, end))
            start = end
    return spans or [(0, len(text))]


@lru_cache(maxsize=2)  # the rules and the weights read one text after the other
def cast(text: str) -> list[tuple[int, int, Sentence]]:
    """Per sentence of a folded text its start, its end and role → hits."""
    spans = sentences(text)
    starts = [start for start, _ in spans]
    parts: list[Sentence] = [{} for _ in spans]
    anywhere = _index()[1]
    plain = text.isascii()
    for word in _WORD.finditer(text):
        at = word.start()
        near = _starting(text[at : at + _KEY])
        if not near or (not plain and at and _in_word(text[at - 1])):
            continue
        for needle in near:
            if text.startswith(needle.text, at):
                _keep(text, at, needle, starts, parts)
    for char in set(text) if not plain else ():
        for needle in anywhere.get(char, ()):
            at = text.find(needle.text)
            while at >= 0:
                _keep(text, at, needle, starts, parts)
                at = text.find(needle.text, at + len(needle.text))
    return [(start, end, part) for (start, end), part in zip(spans, parts, strict=True)]


@lru_cache(maxsize=50_000)
def _starting(letters: str) -> tuple[Needle, ...]:
    """The entries that may begin where a word begins with these characters."""
    started = _index()[0]
    return tuple(needle for size in range(1, len(letters) + 1) for needle in started.get(letters[:size], ()))


@lru_cache(maxsize=1)
def _index() -> tuple[dict[str, list[Needle]], dict[str, list[Needle]]]:
    """Entries by what they start with: those that start a word (six characters), and those found anywhere (one)."""
    started: dict[str, list[Needle]] = {}
    anywhere: dict[str, list[Needle]] = {}
    for needle in needles():
        if needle.from_start:
            started.setdefault(needle.text[:_KEY], []).append(needle)
        else:
            anywhere.setdefault(needle.text[0], []).append(needle)
    return started, anywhere


def _keep(text: str, at: int, needle: Needle, starts: list[int], parts: list[Sentence]) -> None:
    end = at + len(needle.text)
    if needle.to_end and end < len(text) and _in_word(text[end]):
        return
    if needle.text[0].isdecimal() and at and text[at - 1].isdecimal():
        return
    if needle.text == "grader" and _SCHOOL_YEAR.search(text[max(0, at - 12) : at]):
        return
    index = max(0, bisect.bisect_right(starts, at) - 1)
    parts[index].setdefault(needle.role, []).append(Hit(at, end))


def _in_word(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char)[0] == "M"
