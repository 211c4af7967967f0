"""The words that say what the answer is, deny it, doubt it, suppose it or take it back, language by language.

Languages that write spaces are matched by words, the others by substrings. A new language is a new entry; a new way of
saying something is a word in a row. Nothing here knows of any grammar: :mod:`assertion` does.
"""

from __future__ import annotations

import re

from veritune.verifiers.math.extraction.language import Language
from veritune.verifiers.math.extraction.languages_mgsm import MGSM
from veritune.verifiers.math.extraction.languages_more import MORE

LANGUAGES: dict[str, Language] = {**MGSM, **MORE}


def words(row: str, languages: tuple[Language, ...] = tuple(LANGUAGES.values())) -> re.Pattern[str]:
    """One expression for a row of the table, over all languages: whole words where the language has them."""
    spaced = [part for lang in languages if lang.spaced for part in _parts(getattr(lang, row))]
    others = [part for lang in languages if not lang.spaced for part in _parts(getattr(lang, row))]
    both = [rf"(?<![\w'’])(?:{'|'.join(_longest(spaced))})(?!\w)"] if spaced else []
    return re.compile("|".join([*both, *_longest(others)]) or r"(?!)", re.IGNORECASE)


def _parts(row: str) -> list[str]:
    return [part for part in re.split(r"\|(?![^(]*\))", row) if part]


def _longest(parts: list[str]) -> list[str]:
    return sorted(dict.fromkeys(parts), key=len, reverse=True)
