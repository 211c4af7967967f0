"""What has letters and is no language: words in a loop, and letters in no order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path

from veritune.verifiers.language.detectors import WORDS_KEPT, available
from veritune.verifiers.language.scripts import Run

NOISE = "none"
"""What such letters count as, beside the languages."""

_ALPHABETS = ("latin", "cyrillic")
_UNSPACED = ("han", "kana", "thai", "lao", "khmer", "myanmar")
_LOOP_TOKENS = 8
"""A loop of fewer words (of Chinese, Japanese and Thai: letters) is emphasis, or a rhyme of numbers."""
_KNOWN = 0.4
"""The share of a clause's trigrams that some language knows, at the least. Random letters have .02 to .25, letters
drawn by their frequency in English .17 to .5; of 1,360 clauses of model solutions none has less than .45, of MGSM's
problems none less than .62."""
_HEARD = 15
"""A clause of fewer letters is not judged: names of variables and units look like nothing."""


def looping(runs: Sequence[Run], text: str) -> list[int]:
    """How many letters of each run only say again what was just said: from the third round of a loop on.

    A loop has one length of its period all along: every three tokens in a row were met the same number of tokens ago.
    A sentence that comes again now and then, and lines of one form with other words in them, are none.
    """
    tokens: list[str] = []
    owner: list[int] = []
    for index, run in enumerate(runs):
        word = text[run.start : run.end]
        if run.script in _UNSPACED:
            tokens.extend(word)
            owner.extend([index] * len(word))
        else:
            tokens.append(word.lower())
            owner.append(index)
    idle = [0] * len(runs)
    distinct = len(set(zip(tokens, tokens[1:], tokens[2:], strict=False)))
    if len(tokens) - 2 - distinct <= _LOOP_TOKENS:
        return idle  # nothing was said again for that long
    last: dict[tuple[str, str, str], int] = {}
    period = streak = 0
    for i in range(2, len(tokens)):
        key = (tokens[i - 2], tokens[i - 1], tokens[i])
        found = i - last.get(key, i)
        last[key] = i
        streak = streak + 1 if found and found == period else int(found > 0)
        period = found
        if streak > max(period, _LOOP_TOKENS):
            run = runs[owner[i]]
            idle[owner[i]] += 1 if run.script in _UNSPACED else run.end - run.start
    return idle


def gibberish(words: Iterable[str], script: str) -> bool:
    """A clause of which hardly a trigram is known to any language of its script: ``xkqz wjfh plmrt vbn``."""
    if script not in _ALPHABETS:
        return False
    met = total = letters = 0
    for word in words:
        known, grams = _known(word, script)
        letters += len(word)
        met += known
        total += grams
    return letters >= _HEARD and met < _KNOWN * total


@lru_cache(maxsize=WORDS_KEPT)
def _known(word: str, script: str) -> tuple[int, int]:
    """Of how many of a word's trigrams some language knows, and how many it has."""
    known = _trigrams(script)
    padded = f" {word.lower()} "
    grams = [padded[i : i + 3] for i in range(len(padded) - 2)]
    return sum(gram in known for gram in grams), len(grams)


@cache
def _trigrams(script: str) -> frozenset[str]:
    """The frequent trigrams of langdetect's languages of a script."""
    from langdetect import detector_factory

    folder = Path(detector_factory.PROFILES_DIRECTORY)
    codes = _COMMON.intersection(available(script))
    profiles = (json.loads((folder / code).read_text(encoding="utf-8"))["freq"] for code in codes)
    return frozenset(gram for profile in profiles for gram in profile if len(gram) == 3)


_COMMON = frozenset({"en", "de", "fr", "es", "sw", "it", "pt", "nl", "pl", "tr", "vi", "id", "ru", "uk", "bg", "mk"})
