"""Back-ends that tell languages of one script apart: langdetect, and the faster py3langid."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from operator import add
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from veritune.plugins.errors import MissingExtraError, ParameterError
from veritune.verifiers.language.common_words import listed
from veritune.verifiers.language.lettered import WORDS_KEPT
from veritune.verifiers.language.scripts import SCRIPT_OF

Backend: TypeAlias = Literal["langdetect", "py3langid"]

_SMOOTHING = 0.5 / 10_000
_GRAM_SCALE = 3.0
_RANK_SCALE = 3.0
"""Both scales put a wrong clause of a dozen words at about the same log-odds; measured on MGSM's Latin languages."""
_FLOOR = -14.0
_INDIC = "".join(f"{chr(first)}-{chr(first + 0x63)}" for first in range(0x900, 0xD80, 0x80))
_WORDS = re.compile(rf"(?:[^\W\d_]|[{_INDIC}])+")
"""Letters; in the scripts of India with the vowel signs between them, which are no letters to Unicode."""
GRAIN = 0.35
"""Of the 1- to 3-grams of a word most share their letters with others: three are one witness."""
NAME = 0.25
"""What a word with a capital weighs: names are in no language."""
COMMON = 7.0
"""What being one of a language's commonest words is worth."""
_load = threading.Lock()


class Detector(Protocol):
    """Log-probabilities of the languages it was made for, in their order; the same for the same text, always."""

    def __call__(self, text: str) -> list[float]: ...

    def of_words(self, words: Sequence[str]) -> list[float] | None:
        """The same of the words of a text; None for a back-end that has to see the text."""


def detector(backend: Backend, languages: tuple[str, ...]) -> Detector:
    """A back-end that knows these languages alone. Loaded once a process; safe to call from any thread."""
    with _load:
        return _langdetect(languages) if backend == "langdetect" else _py3langid(languages)


@cache
def available(script: str) -> tuple[str, ...]:
    """The languages of a script that langdetect has a profile of."""
    from langdetect import detector_factory

    folder = Path(detector_factory.PROFILES_DIRECTORY)
    written = (code for code, of in SCRIPT_OF.items() if of == script)
    return tuple(code for code in written if (folder / code).is_file())


@cache
def _langdetect(languages: tuple[str, ...]) -> Detector:
    """langdetect's profiles in a factory of our own; the package's global factory and seed stay untouched.

    langdetect draws a random sample of n-grams and a random smoothing for each of seven trials, and so says different
    things about the same short clause from one seed to the next. Here every n-gram of the text counts once, with the
    mean smoothing: nothing is drawn, so there is no seed to choose. Scores are log-likelihoods over the best, scaled
    by 1/√(number of n-grams), because neighbouring n-grams are no independent witnesses.
    """
    return _Profiles(languages)


class _Profiles:
    def __init__(self, languages: tuple[str, ...]) -> None:
        self._heard = _heard(languages)
        self._nothing = [0.0] * len(languages)

    def __call__(self, text: str) -> list[float]:
        return self.of_words(_WORDS.findall(text))

    def of_words(self, words: Sequence[str]) -> list[float]:
        count, *totals = map(sum, zip(*map(self._heard, words), strict=True)) if words else (0,)
        if not count:
            return list(self._nothing)
        best, scale = max(totals), _GRAM_SCALE / math.sqrt(count)
        return [score if (score := (total - best) * scale) > _FLOOR else _FLOOR for total in totals]


class Said(NamedTuple):
    """What one word says for each language, in log-odds."""

    scores: Sequence[float]
    behind: Sequence[float]
    """How far each language is behind the best one."""
    ahead: Sequence[float]
    """How far the best other one is ahead of each."""


@cache
def evidence(languages: tuple[str, ...]) -> Callable[[str], Said]:
    """What one word says for each language: by its letters, and as one of the commonest words.

    Letters go by langdetect's profiles. A word with a capital that is none of the commonest may be a name.
    """
    with _load:
        heard = _heard(languages)
    common = listed(languages)

    @lru_cache(maxsize=WORDS_KEPT)
    def said(word: str) -> Said:
        row = heard(word)[1:]
        small = word.lower()
        known = [small in words for words in common]
        if any(known):
            scores = [GRAIN * score + COMMON * mine for score, mine in zip(row, known, strict=True)]
        else:
            weight = GRAIN * NAME if word[0].isupper() else GRAIN
            scores = [weight * score for score in row]
        second, best = sorted(scores)[-2:]
        return Said(scores, [best - s for s in scores], [second - s if s == best else best - s for s in scores])

    return said


@cache
def _heard(languages: tuple[str, ...]) -> Callable[[str], Sequence[float]]:
    """How many n-grams of a word langdetect knows in these languages, and then the log-likelihoods of all."""
    from langdetect import detector_factory

    folder = Path(detector_factory.PROFILES_DIRECTORY)
    files = [folder / ("zh-cn" if code == "zh" else code) for code in languages]
    _check("langdetect", [code for code, file in zip(languages, files, strict=True) if not file.is_file()])
    factory = detector_factory.DetectorFactory()
    factory.load_json_profile([file.read_text(encoding="utf-8") for file in files])
    table = {
        gram: [math.log(p + _SMOOTHING) for p in probabilities]
        for gram, probabilities in factory.word_lang_prob_map.items()
    }

    nothing = (0, *(0.0,) * len(languages))

    @lru_cache(maxsize=WORDS_KEPT)
    def heard(word: str) -> Sequence[float]:
        known = list(filter(None, map(table.get, _grams(word))))
        return (len(known), *map(sum, zip(*known, strict=True))) if known else nothing

    return heard


def _grams(word: str) -> list[str]:
    """The 1- to 3-grams of a word, a space on either side, as langdetect's profiles were counted."""
    padded = f" {word.lower() if len(word) > 1 and word.isupper() else word} "
    after = padded[1:]
    return [*after[:-1], *map(add, padded, after), *map(add, map(add, padded, after), padded[2:])]


@cache
def _py3langid(languages: tuple[str, ...]) -> Detector:
    """py3langid's model restricted to these languages, in an identifier of our own."""
    try:
        from py3langid import langid
    except ImportError:
        raise MissingExtraError("py3langid", "lang", "language(backend: py3langid)") from None
    kind: Any = langid.LanguageIdentifier
    make = getattr(kind, "from_model_file", None) or kind.from_pickled_model
    identifier = make(langid.MODEL_FILE, norm_probs=True)
    _check("py3langid", sorted(set(languages) - set(identifier.nb_classes)))
    identifier.set_languages(list(languages))

    return _Ranked(identifier, languages)


class _Ranked:
    def __init__(self, identifier: Any, languages: tuple[str, ...]) -> None:
        self._identifier = identifier
        self._languages = languages

    def __call__(self, text: str) -> list[float]:
        found = dict(self._identifier.rank(text))
        shares = (max(float(found.get(code, 0.0)), 1e-9) for code in self._languages)
        return [max(_RANK_SCALE * math.log(share), _FLOOR) for share in shares]

    def of_words(self, words: Sequence[str]) -> None:
        return None


def _check(backend: str, missing: Sequence[str]) -> None:
    if missing:
        raise ParameterError(f"{backend} has no model of {', '.join(missing)}; take them out of languages")
