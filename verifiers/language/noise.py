"""What has letters and is no language: words in a loop, and letters in no order."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Hashable, Sequence
from functools import cache, lru_cache
from pathlib import Path

from veritune.verifiers.language.detectors import available
from veritune.verifiers.language.lettered import CJK, WORDS_KEPT

NOISE = "none"
"""What such letters count as, beside the languages."""

_ALPHABETS = ("latin", "cyrillic")
_UNSPACED = frozenset({CJK, "thai", "lao", "khmer", "myanmar"})
_LOOP_TOKENS = 8
"""A loop of fewer words (of Chinese, Japanese and Thai: letters) is emphasis, or a rhyme of numbers."""
_REPEATED, _ALIGNED = _LOOP_TOKENS + 3, 6
"""Tokens that a loop has said before when it begins to count, nine times three of them; and tokens looked for first."""
_SEARCHED = 16_000
"""Characters of a text that is searched."""
_KNOWN = 0.4
"""The share of a clause's trigrams that some language knows, at the least. Random letters have .02 to .25, letters
drawn by their frequency in English .17 to .5; of 1,360 clauses of model solutions none has less than .45, of MGSM's
problems none less than .62."""
_HEARD = 15
"""A clause of fewer letters is not judged: names of variables and units look like nothing."""


def looping(words: Sequence[str], scripts: Sequence[str]) -> dict[int, int]:
    """How many letters of which words only say again what was just said: from the third round of a loop on.

    A loop has one length of its period all along: every three tokens in a row were met the same number of tokens ago.
    A sentence that comes again now and then, and lines of one form with other words in them, are none.
    """
    tokens = _tokens(words, scripts)
    if len(tokens) < _REPEATED or not _may_loop(tokens):
        return {}
    threes: list[Hashable]
    if isinstance(tokens, str):
        threes = [tokens[i : i + 3] for i in range(len(tokens) - 2)]
    else:
        threes = list(zip(tokens, tokens[1:], tokens[2:], strict=False))
    size = len(threes)
    first = dict(zip(reversed(threes), range(size - 1, -1, -1), strict=True))
    if size - len(first) <= _LOOP_TOKENS:
        return {}  # nothing was said again for that long
    owner = _owners(words, scripts)
    idle: dict[int, int] = {}
    last: dict[Hashable, int] = {}
    done = 0
    # of so many in a row that were met before, one stands at a multiple of their number
    for probe in range(_LOOP_TOKENS, size, _LOOP_TOKENS + 1):
        if probe < done or first[threes[probe]] == probe:
            continue
        start, stop = probe, probe + 1
        while start > done and first[threes[start - 1]] < start - 1:
            start -= 1
        while stop < size and first[threes[stop]] < stop:
            stop += 1
        if stop - start <= _LOOP_TOKENS:
            continue
        last.update(zip(threes[done:start], range(done, start), strict=True))
        period = streak = 0
        for i in range(start, stop):
            found = i - last[threes[i]]
            last[threes[i]] = i
            streak = streak + 1 if found == period else 1
            period = found
            if streak > max(period, _LOOP_TOKENS):
                at = owner[i + 2]
                idle[at] = idle.get(at, 0) + (1 if scripts[at] in _UNSPACED else len(words[at]))
        done = stop
    return idle


def _may_loop(tokens: Sequence[str]) -> bool:
    """Whether a text may have a loop that counts: eleven tokens that stood before, in a stretch as long as their way.

    They are looked for only around six of them that stood before: six that begin at a multiple of six are in any
    eleven. A text is searched as quickly as that; a long one is gone through at once.
    """
    ends: Sequence[int]
    if isinstance(tokens, str):
        text, gap, ends = tokens, 0, range(len(tokens) + 1)
    else:
        text, gap = f" {' '.join(tokens)} ", 1
        ends = list(itertools.accumulate([len(token) + 1 for token in tokens], initial=1))
    if len(text) > _SEARCHED:
        return True
    last = len(tokens) - _REPEATED
    for start in range(0, len(tokens) - _ALIGNED + 1, _ALIGNED):
        end = ends[start + _ALIGNED]
        if text.find(text[ends[start] - gap : end], 0, end - 1) < 0:
            continue
        for i in range(max(start + _ALIGNED - _REPEATED, 0), min(start, last) + 1):
            if _comes_round(text, ends[i] - gap, ends[i + _REPEATED]):
                return True
    return False


def _comes_round(text: str, start: int, end: int) -> bool:
    """Whether a piece of a text stood before, and what is beside it too, as far as a loop of that period is long."""
    before = text.rfind(text[start:end], 0, end - 1)
    if before < 0:
        return False
    period = start - before
    beside = max(period - (end - start), 0) // 2  # of what is left of the period one half at least, on one side
    after = text[end : end + beside]
    if len(after) == beside and after == text[end - period : end - period + beside]:
        return True
    return before >= beside and text[start - beside : start] == text[before - beside : before]


def _tokens(words: Sequence[str], scripts: Sequence[str]) -> Sequence[str]:
    """Words in lower case; of scripts without spaces letters."""
    unspaced = _UNSPACED.intersection(scripts)
    if not unspaced:
        return " ".join(words).lower().split(" ")
    if len(unspaced) == len(set(scripts)):
        return "".join(words)
    tokens: list[str] = []
    for word, script in zip(words, scripts, strict=True):
        if script in unspaced:
            tokens.extend(word)
        else:
            tokens.append(word.lower())
    return tokens


def _owners(words: Sequence[str], scripts: Sequence[str]) -> list[int]:
    """Which word each token is of."""
    sizes = (len(word) if script in _UNSPACED else 1 for word, script in zip(words, scripts, strict=True))
    return [i for i, size in enumerate(sizes) for _ in range(size)]


def gibberish(words: Sequence[str], script: str) -> bool:
    """A clause of which hardly a trigram is known to any language of its script: ``xkqz wjfh plmrt vbn``."""
    if script not in _ALPHABETS or sum(map(len, words)) < _HEARD:
        return False
    met, total = map(sum, zip(*map(_knower(script), words), strict=True))
    return met < _KNOWN * total


@cache
def _knower(script: str) -> Callable[[str], tuple[int, int]]:
    """Of how many of a word's trigrams some language of a script knows, and how many it has."""
    known = _trigrams(script)

    @lru_cache(maxsize=WORDS_KEPT)
    def counts(word: str) -> tuple[int, int]:
        padded = f" {word.lower()} "
        grams = [padded[i : i + 3] for i in range(len(padded) - 2)]
        return sum(gram in known for gram in grams), len(grams)

    return counts


@cache
def _trigrams(script: str) -> frozenset[str]:
    """The frequent trigrams of langdetect's languages of a script."""
    from langdetect import detector_factory

    folder = Path(detector_factory.PROFILES_DIRECTORY)
    codes = _COMMON.intersection(available(script))
    profiles = (json.loads((folder / code).read_text(encoding="utf-8"))["freq"] for code in codes)
    return frozenset(gram for profile in profiles for gram in profile if len(gram) == 3)


_COMMON = frozenset({"en", "de", "fr", "es", "sw", "it", "pt", "nl", "pl", "tr", "vi", "id", "ru", "uk", "bg", "mk"})
