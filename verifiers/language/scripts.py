"""Which script a letter belongs to, and which languages are written in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from veritune.plugins.errors import ParameterError, did_you_mean
from veritune.plugins.unseen import visible

_BLOCKS = {
    "latin": ((0x41, 0x24F), (0x1E00, 0x1EFF), (0xFF21, 0xFF5A)),
    "han": ((0x3005, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF)),
    "kana": ((0x3041, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F)),
    "hangul": ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7A3)),
    "cyrillic": ((0x400, 0x52F),),
    "greek": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    "arabic": ((0x600, 0x6FF), (0x750, 0x77F)),
    "hebrew": ((0x590, 0x5FF),),
    "devanagari": ((0x900, 0x97F),),
    "bengali": ((0x980, 0x9FF),),
    "gurmukhi": ((0xA00, 0xA7F),),
    "gujarati": ((0xA80, 0xAFF),),
    "tamil": ((0xB80, 0xBFF),),
    "telugu": ((0xC00, 0xC7F),),
    "kannada": ((0xC80, 0xCFF),),
    "malayalam": ((0xD00, 0xD7F),),
    "thai": ((0xE00, 0xE7F),),
}
_CODES = {
    "latin": "af ca cs cy da de en es et fi fr hr hu id it lt lv nl no pl pt ro sk sl so sq sv sw tl tr vi",
    "han": "zh",
    "kana": "ja",
    "hangul": "ko",
    "cyrillic": "bg mk ru uk",
    "greek": "el",
    "arabic": "ar fa ur",
    "hebrew": "he",
    "devanagari": "hi mr ne",
    "bengali": "bn",
    "gurmukhi": "pa",
    "gujarati": "gu",
    "tamil": "ta",
    "telugu": "te",
    "kannada": "kn",
    "malayalam": "ml",
    "thai": "th",
}
_NAMES = {
    **{"arabic": "ar", "bengali": "bn", "chinese": "zh", "english": "en", "french": "fr", "german": "de"},
    **{"hindi": "hi", "italian": "it", "japanese": "ja", "korean": "ko", "portuguese": "pt", "russian": "ru"},
    **{"spanish": "es", "swahili": "sw", "telugu": "te", "thai": "th", "turkish": "tr", "vietnamese": "vi"},
    **{"cmn": "zh", "zho": "zh", "jp": "ja", "cn": "zh", "eng": "en"},
}
SCRIPT_OF = {code: script for script, codes in _CODES.items() for code in codes.split()}
"""Language code → the script it is written in (``kana`` stands for Japanese, which also uses Han)."""

_WHOLE = 0x2E80
"""From here on a block is taken whole: its letters lie together, and there are too many to look at each."""


def _letters(script: str) -> str:
    """A character class of the script's letters; 〇, a number to Unicode, counts as Han."""
    parts = []
    for first, last in _BLOCKS[script]:
        if first >= _WHOLE and script in ("han", "hangul"):
            parts.append(f"{chr(first)}-{chr(last)}")
        else:
            parts.extend(re.escape(chr(c)) for c in range(first, last + 1) if chr(c).isalpha())
    return "".join(parts)


KNOWN_LETTERS = {script: _letters(script) for script in _BLOCKS}
"""Script → its letters, as they stand in a character class."""
_KNOWN = "".join(KNOWN_LETTERS.values())
_RUNS = re.compile(
    "|".join(f"(?P<{script}>[{letters}]+)" for script, letters in KNOWN_LETTERS.items())
    + rf"|(?P<other>(?:(?![{_KNOWN}])[^\W\d_])+)"
)
_ASCII = re.compile("[A-Za-z]+")
_NO_SCRIPT = ("modifier", "combining")


class Run(NamedTuple):
    """Letters of one script next to one another: of Latin script, a word."""

    script: str
    start: int
    end: int


def runs(text: str) -> list[Run]:
    """The runs of letters in order; digits, marks and punctuation lie between them.

    A letter of a script that is in no table has the first word of its name in Unicode for a script (``georgian``).
    """
    if text.isascii():
        return [Run("latin", *match.span()) for match in _ASCII.finditer(text)]
    found = [Run(match.lastgroup or "", *match.span()) for match in _RUNS.finditer(text)]
    if not any(script == "other" for script, _, _ in found):
        return found
    named = (run if run.script != "other" else run._replace(script=_script(text[run.start])) for run in found)
    return [run for run in named if run.script not in _NO_SCRIPT]


@lru_cache(maxsize=1024)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "unnamed").split()[0].lower()


def composed(text: str) -> str:
    """Letters in their common form (NFKC), so that ``é`` counts once however it was typed and a bold 𝐞 is an ``e``.

    What is not seen goes: a zero-width space in a word would make two of it.
    """
    return visible(unicodedata.normalize("NFKC", text))


def language_code(name: str) -> str | None:
    """The ISO 639-1 code of ``en``, ``zh-CN``, ``English`` …; None for what is no language we know."""
    key = name.strip().lower().replace("_", "-")
    key = _NAMES.get(key) or _NAMES.get(key.split("-")[0]) or key.split("-")[0]
    return key if key in SCRIPT_OF else None


def known_code(name: str, what: str) -> str:
    """:func:`language_code`, or a ParameterError that names the nearest."""
    code = language_code(name)
    if code is None:
        names = [*SCRIPT_OF, *_NAMES]
        known = " ".join(sorted(SCRIPT_OF))
        raise ParameterError(f"{what} {name!r} is no language we know.{did_you_mean(name, names)} Known: {known}.")
    return code


def rivals(code: str, languages: Iterable[str]) -> tuple[str, ...]:
    """The languages that share the script of ``code``, itself among them: a detector has to tell these apart."""
    script = SCRIPT_OF[code]
    return tuple(sorted({code, *(other for other in languages if SCRIPT_OF[other] == script)}))
