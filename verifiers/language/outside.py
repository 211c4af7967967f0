"""Clauses in a language that is no candidate: the nearest candidate is not what they are in."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from functools import cache

from veritune.verifiers.language.common_words import common_words
from veritune.verifiers.language.detectors import available, detector
from veritune.verifiers.language.scripts import SCRIPT_OF
from veritune.verifiers.language.segments import Segment

WORDS, FEWEST = 15, 8
"""Clauses are heard together until they have so many words; a sentence that ends is enough from so many on."""
LEAD = 3.0
"""How far a language that is no candidate has to be ahead of all that are, in log-odds of one group. Of 4,900 groups of
MGSM and of solutions in five languages one in a thousand has more for a wrong one; 24 languages had 5 to 14."""
_SURE, _LIKELY = 0.5, 0.34
"""Of honest text half of the words are among a language's commonest; with so many nothing else is asked."""
_HEARD = ("latin", "cyrillic")
_ALPHABETS = {
    "ru": (re.compile("[^а-яёА-ЯЁ]"), "cyrillic"),
    "ar": (re.compile("[پچژگکیٹڈڑںےہھۆەڵێ]"), "arabic"),
    "bn": (re.compile("[ৰৱ]"), "assamese"),
}
"""Letters that a language does not have, and what a text with them counts as."""
_RUSSIAN = re.compile("[ыэёЫЭЁ]")
"""Bulgarian has the letters of Russian but for these; other neighbours have some of their own."""
_FOREIGN = 0.02
"""Of the letters of a text in a language: names and loans have fewer that are not its own."""


def relabel(segments: Sequence[Segment], wanted: str, candidates: Sequence[str]) -> None:
    """Say of the clauses in the script of ``wanted`` that are in a language outside the candidates, which."""
    script = SCRIPT_OF[wanted]
    if script not in _HEARD and wanted not in _ALPHABETS:
        return
    members = [s for s in segments if s.script == script]
    if wanted not in [s.language for s in members]:
        return
    for group in _groups(members):
        if wanted in [s.language for s in group]:
            words = list(itertools.chain.from_iterable([s.words for s in group]))
            other = _other(words, wanted, tuple(candidates), script) if len(words) >= FEWEST else None
            for segment in group if other else ():
                segment.language = other or segment.language


def _groups(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Clauses that are heard together: a sentence, a part of a long one, or several short ones."""
    groups: list[list[Segment]] = []
    size = 0
    for i, segment in enumerate(segments):
        ended = segment.border in ("sentence", "paragraph")
        if not groups or (ended and size >= FEWEST) or (size >= WORDS and _goes_on(segments, i)):
            groups.append([])
            size = 0
        groups[-1].append(segment)
        size += len(segment.words)
    if len(groups) > 1 and size < FEWEST:
        last = groups.pop()
        groups[-1] += last
    return groups


def _goes_on(segments: Sequence[Segment], start: int) -> bool:
    """Whether enough words of the same sentence follow to be heard alone."""
    size = 0
    for i in range(start, len(segments)):
        if i > start and segments[i].border in ("sentence", "paragraph"):
            return False
        size += len(segments[i].words)
        if size >= FEWEST:
            return True
    return False


def _other(words: Sequence[str], wanted: str, candidates: tuple[str, ...], script: str) -> str | None:
    """The language that the words are in, where that is none of the candidates."""
    alphabet = _ALPHABETS.get(wanted)
    odd = 0
    if alphabet is not None:
        text = "".join(words)
        odd = len(alphabet[0].findall(text))
        if not odd and (wanted != "ru" or _RUSSIAN.search(text)):
            return None
    elif _known(words, wanted):
        return None
    if script in _HEARD and wanted in available(script):
        everyone = tuple(sorted({*available(script), *(c for c in candidates if c in available(script))}))
        scores = dict(zip(everyone, detector("langdetect", everyone)(" ".join(words)), strict=True))
        first = max(scores, key=scores.__getitem__)
        near = max(scores[code] for code in everyone if code in candidates or code == wanted)
        if wanted == "ru" and not odd and first != "bg":
            return None
        if first != wanted and first not in candidates and scores[first] - near > LEAD:
            return first
    return alphabet[1] if alphabet is not None and odd > _FOREIGN * sum(map(len, words)) else None


def _known(words: Sequence[str], wanted: str) -> bool:
    """Whether so many are common in the wanted language, and not more in another, that it need not be heard."""
    sets = _others(wanted)
    if not sets:
        return False
    small = " ".join(words).lower().split(" ")
    own = sum(map(sets[0].__contains__, small))
    if own >= _SURE * len(words):
        return True
    return own >= _LIKELY * len(words) and all(own > sum(map(other.__contains__, small)) for other in sets[1:])


@cache
def _others(wanted: str) -> Sequence[frozenset[str]]:
    sets = common_words()
    return [sets[wanted], *(each for code, each in sets.items() if code != wanted)] if wanted in sets else []
