"""IFEval's ``change_case:*`` and ``language:*``; the language is told by our own detector."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from veritune.verifiers.instructions.check import ArgumentFault, Found, Relation, compared, instruction

_CAPITAL = re.compile(r"[^\s\"“”()\[\]{}<>?!,;:*@#$%&…]+")
_CONTRACTION = re.compile(r"(?<=\w)(?:n['’]t|['’](?:s|m|d|ll|re|ve))$", re.IGNORECASE)
SHARE = 0.75
"""The share of the letters that has to be in the language asked for: names and quoted words stay foreign."""
MOST = 100_000
"""Characters whose language is looked at."""
_DOUBT, _SHORT_DOUBT, _SHORT = 4.0, 8.0, 80
"""Log-odds from which on a text reads like another language without doubt; the second for fewer letters. Of pieces of
real English answers 2 % of 50 letters or more are beyond (they quote another language), of MGSM's German, French,
Spanish and Swahili 98 % of 100 letters."""
_BRIEF, _CLOSE = 120, 2.5
"""Below so many letters, a language ahead of the next by less log-odds is not told from it."""
_DENSE, _DENSE_NAMES = 3, ("zh", "ja", "ko", "han", "kana", "hangul")
"""A letter of Chinese, Japanese or Korean says as much as so many of an alphabet."""
_FEW = 20
"""Fewer letters tell languages of one script apart only without doubt."""


@instruction("change_case:capital_word_frequency")
def capital_word_frequency(text: str, *, capital_frequency: int, capital_relation: Relation) -> Found:
    """Words in which every letter is a capital; ``I`` and ``A`` are such words, ``WELL-BEING`` is one."""
    count = 0
    if not text.islower():
        for found in _CAPITAL.findall(text.replace("--", " ")):
            short = _CONTRACTION.search(found)
            stem = found[: short.start()] if short else found
            count += stem.isupper() + (short is not None and short[0].isupper())
    return compared(count, capital_relation, capital_frequency, "words in capitals")


@instruction("change_case:english_capital")
def english_capital(text: str) -> Found:
    """English, without a small letter."""
    return Found(False, "it has small letters") if not text.isupper() else english(text)


@instruction("change_case:english_lowercase")
def english_lowercase(text: str) -> Found:
    """English, without a capital."""
    return Found(False, "it has capitals, or no letters") if not text.islower() else english(text)


@instruction("language:response_language")
def response_language(text: str, *, language: str) -> Found:
    """Three quarters of the letters are in the language; None where that cannot be told: too few letters, or a short
    text that reads as well like another language of its script."""
    from veritune.verifiers.language.scripts import language_code

    code = language_code(language)
    if code is None:
        raise ArgumentFault(f"language:response_language: {language!r:.40} is no language we know")
    share, letters = _share(text[:MOST], code)
    if not letters:
        return Found(False, "it has no letters")
    if letters < _FEW and 0.0 < share < 1.0:
        return Found(None, f"{letters} letters are too few to tell its language by")
    said = f"{share:.0%} of the letters are {code}"
    unsure = _unsure(text[:MOST], code, share, letters)
    return Found(None, f"{said}, and it reads like {unsure}") if unsure else Found(share >= SHARE, said)


def _unsure(text: str, code: str, share: float, letters: int) -> str:
    """The language that a text may be in instead of the one told by its pieces; empty where there is no doubt."""
    from veritune.verifiers.language.detectors import available, detector
    from veritune.verifiers.language.scripts import SCRIPT_OF, runs

    script = SCRIPT_OF[code]
    group = available(script) if script in ("latin", "cyrillic", "arabic", "devanagari") else ()
    if len(group) < 2 or code not in group:
        return ""
    if sum(run.end - run.start for run in runs(text) if run.script == script) < SHARE * letters:
        return ""
    scores = dict(zip(group, detector("langdetect", group)(text), strict=True))
    ahead = scores[code] - max(score for name, score in scores.items() if name != code)
    best = max(scores, key=scores.__getitem__)
    if share >= SHARE:
        near = max((name for name in scores if name != code), key=scores.__getitem__)
        return near if letters < _BRIEF and ahead < _CLOSE else ""
    if letters < _BRIEF:
        return best if ahead > -_SHORT_DOUBT else ""
    return best if 0 > ahead > -_DOUBT and share < 1 - SHARE else ""  # a text of two languages is in neither


def english(text: str) -> Found:
    """Whether a text is in English: letters of its script, and no other language's words beyond doubt."""
    from veritune.verifiers.language.detectors import available, detector
    from veritune.verifiers.language.scripts import runs

    text = text[:MOST]
    latin = sum(run.end - run.start for run in runs(text) if run.script == "latin")
    letters = latin if text.isascii() else sum(map(str.isalpha, text))
    if latin < SHARE * letters:
        return Found(False, "it is in another script than English")
    languages = available("latin")
    scores = dict(zip(languages, detector("langdetect", languages)(text), strict=True))
    best = max(scores, key=scores.__getitem__)
    other = scores[best] - scores["en"] > (_SHORT_DOUBT if letters < _SHORT else _DOUBT)
    return Found(not other, f"it reads like {best}" if other else "it is in English")


@lru_cache(maxsize=64)
def _share(text: str, code: str) -> tuple[float, int]:
    """The share of the letters in a language, and how many letters there are."""
    from veritune.verifiers.language.detectors import available, detector
    from veritune.verifiers.language.scripts import SCRIPT_OF
    from veritune.verifiers.language.share import shares

    script = SCRIPT_OF[code]
    group: Sequence[str] = available(script) if script in ("latin", "cyrillic", "arabic", "devanagari") else (code,)
    if len(group) > 1 and code in group:
        found = shares(text, [], {script: detector("langdetect", tuple(group))}, {script: group}, code)
    else:
        found = shares(text, [code], {}, {}, code)
    weighed = {name: count * (_DENSE if name in _DENSE_NAMES else 1) for name, count in found.letters.items()}
    return weighed.get(code, 0) / max(sum(weighed.values()), 1), sum(found.letters.values())
