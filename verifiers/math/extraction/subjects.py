"""Where a text speaks of "the answer": the subject, and what links it to a value."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from veritune.verifiers.math.extraction.clauses import Code, masked
from veritune.verifiers.math.extraction.languages import LANGUAGES, pattern
from veritune.verifiers.math.text.strings import names

TAIL = 24_000
_TRIED = 10
STEMS: dict[str, tuple[Code, ...]] = {
    "final answer": ("en",), "最终答案": ("zh",),
    "answer": ("en",), "solution": ("en", "fr"), "option": ("en",), "choice": ("en",),
    "antwort": ("de",), "lösung": ("de",), "ergebnis": ("de",), "réponse": ("fr",), "reponse": ("fr",),
    "résultat": ("fr",), "respuesta": ("es",), "solución": ("es",), "resultado": ("es", "pt"), "ответ": ("ru",),
    "решение": ("ru",), "jibu": ("sw",), "risposta": ("it",), "soluzione": ("it",), "risultato": ("it",),
    "resposta": ("pt",), "solução": ("pt",), "答案": ("zh",), "正确选项": ("zh",), "答え": ("ja",), "正解": ("ja",),
    "解答": ("ja",), "정답": ("ko",), "답": ("ko",), "উত্তর": ("bn",), "సమాధానం": ("te",), "జవాబు": ("te",),
    "คำตอบ": ("th",), "उत्तर": ("hi",), "जवाब": ("hi",),
    "الإجابة النهائية": ("ar",), "الإجابة الصحيحة": ("ar",), "الجواب النهائي": ("ar",),
    "الإجابة": ("ar",), "الاجابة": ("ar",), "الجواب": ("ar",),
    "odpowiedź": ("pl",), "cevap": ("tr",), "antwoord": ("nl",), "đáp án": ("vi",),
    "câu trả lời": ("vi",), "đáp số": ("vi",), "jawaban": ("id",),
    "求める値": ("ja",),
}  # fmt: skip
DIRECT = tuple(
    [
        "故选",
        "应选",
        "应该选",
        "因此选择",
        "因此选项",
        "因此选",
        "所以选择",
        "所以选",
        "应选择",
        "应该选择",
        "本题选",
        "此题选",
    ]
)
"""Chinese verbs that choose: what follows is the answer."""
FINAL = ("final answer", "最终答案")
"""Subjects that mark an answer as strongly as a box does."""
ANSWERS = tuple(stem for stem in STEMS if stem not in ("solution", "option", "choice", "解答", "答", "답"))
"""Subjects that cannot be part of a value, as ``no solution`` is."""
_ASCII_STEMS = tuple(stem for stem in STEMS if stem.isascii() and stem not in FINAL)
_OTHER_STEMS = tuple(stem for stem in STEMS if not stem.isascii() and stem not in FINAL)
_BRIDGES = names(
    "to for of in at on by from we you i that here there which must should would will can could may might has "
    "have had ought need needs turns turned comes came works then thus therefore hence so now also definitely "
    "clearly obviously surely certainly indeed simply actually just really probably likely evidently finally "
    "ultimately still never not cannot can't can’t couldn't couldn’t won't wouldn't shouldn't shouldn’t isn't "
    "letter value set only quite most absolutely as possibly perhaps maybe conceivably is"
)
"""Words that may stand between an English subject and its verb; others make a compound, such as answer choices."""
_VERBLESS = ("bn", "te", "hi", "ru", "ar", "ko", "ja", "th", "tr")
_BROKEN = re.compile(r"[.!?](?:\s|$)|[。！？।\n]")
_NUMBERED = re.compile(r"(?:question|problem|part|exercise|number|no\.?|case|step|equation|of|to|for)\W*$|[(#]$", re.I)


def subjects(tail: str, stems: tuple[str, ...] | None) -> Iterator[tuple[int, str]]:
    low = tail.lower()
    if len(low) != len(tail):  # a character that has no lower case of one character
        low = tail
    places: list[tuple[int, str]] = []
    wanted = stems or (_ASCII_STEMS if tail.isascii() else (*_ASCII_STEMS, *_OTHER_STEMS, *DIRECT))
    for stem in [stem for stem in wanted if stem in low]:
        at = low.rfind(stem)
        for _ in range(_TRIED):
            if at < 0:
                break
            if stem in DIRECT or not stem[0].isascii() or not low[max(0, at - 1) : at].isalpha():
                places.append((at, stem))
            at = low.rfind(stem, 0, at)
    places.sort(key=lambda place: (-place[0], -len(place[1])))
    seen: set[int] = set()
    for at, stem in places[: 2 * _TRIED]:
        if at + len(stem) not in seen:
            seen.update(range(at, at + len(stem) + 1))
            yield at, stem


@functools.lru_cache(maxsize=32)
def _links(code: Code) -> re.Pattern[str]:
    return re.compile(pattern("links", code).expression + r"|[:：=]|\s[—–|-]\s", re.IGNORECASE)


def link(text: str, end: int, code: Code) -> tuple[str, int] | None:
    """What stands between a subject that ends at `end` and its value, and where the value begins."""
    spaced = LANGUAGES[code].spaced
    window = text[end : end + (110 if spaced else 40)]
    mask = masked(window)
    if code in _VERBLESS:
        denied = re.match(r"[\s*_]*", mask)
        first = pattern("denials", code).match(mask, denied.end() if denied else 0)
        if first is not None:
            return first[0], end + first.end()
        bare = re.match(r"[\s*_]*(?=[\d$\\(+\-−√])", mask)
        if bare is not None:
            return "", end + bare.end()
    broken = _BROKEN.search(mask)
    found = _links(code).search(mask, 0, broken.start() if broken else len(mask))
    if found is None:
        return None
    bridge = window[: found.start()]
    if not _bridges(bridge, code) or (found[0].strip() in (":", "：", "=") and not _announces(bridge, spaced)):
        return None
    return bridge + found[0], end + found.end()


def heading(text: str, end: int) -> tuple[str, int] | None:
    """A subject that is a line by itself: its value is on the next one that says something."""
    found = re.compile(r"[ \t*_#:：]*\n[\s*_]*").match(text, end)
    return ("", found.end()) if found else None


def _bridges(bridge: str, code: Code) -> bool:
    said = bridge.strip(" *_,()")
    if not said:
        return True
    if len(said.split()) > 10 or (not LANGUAGES[code].spaced and (len(said) > 10 or re.search("[，,、]", said))):
        return False
    digit = re.search(r"\d|\$|\\", bridge)
    if digit is not None and not _NUMBERED.search(bridge[: digit.start()].lower()):
        return False
    first = re.split(r"[\s,*_]", said.lower(), maxsplit=1)[0]
    return code != "en" or first in _BRIDGES or first.startswith(("(", "*"))


def _announces(bridge: str, spaced: bool) -> bool:
    """Whether a subject with these words behind it stands before a colon as a heading does: ``Answer to part (a):``."""
    said = bridge.strip(" *_,").lower()
    return not said or (spaced and said.startswith(("to ", "for ", "of ", "(", "is", "there", "thus", "then", "=")))
