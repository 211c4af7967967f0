"""The words that say what the answer is, deny it, doubt it, suppose it or take it back, language by language.

Languages that write spaces are matched by words, the others by substrings. A new language is a new entry; a new way of
saying something is a word in a row. Nothing here knows of any grammar: :mod:`assertion` does.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from veritune.verifiers.math.extraction.language import Language
from veritune.verifiers.math.extraction.languages_mgsm import MGSM
from veritune.verifiers.math.extraction.languages_more import MORE

LANGUAGES: dict[str, Language] = {**MGSM, **MORE}


class Row:
    """The words of one row of the table, to be looked for in a text: whole words where the language writes spaces.

    Most texts hold none of them: their words are looked up in a set before any expression is tried.
    """

    def __init__(self, row: str, languages: tuple[Language, ...]) -> None:
        spaced = [part for lang in languages if lang.spaced for part in _parts(getattr(lang, row))]
        others = [part for lang in languages if not lang.spaced for part in _parts(getattr(lang, row))]
        both = [rf"(?<![\w'’])(?:{'|'.join(_longest(spaced))})(?!\w)"] if spaced else []
        self.expression = "|".join([*both, *_longest(others)]) or r"(?!)"
        self._compiled = re.compile(self.expression, re.IGNORECASE)
        heads = [part.replace(" ?", "?").split(" ")[0] for part in spaced]
        self._plain = not others and all(head[:1].isalpha() for head in heads)
        self._heads = frozenset(head.lower() for head in heads if _WORD.fullmatch(head))
        self._stems = tuple({_STEM.match(head)[0].lower() for head in heads if not _WORD.fullmatch(head)})  # type: ignore[index]

    def search(self, text: str) -> re.Match[str] | None:
        return self._compiled.search(text) if self._may_hold(text) else None

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        return self._compiled.finditer(text) if self._may_hold(text) else iter(())

    def match(self, text: str, at: int = 0) -> re.Match[str] | None:
        return self._compiled.match(text, at)

    def _may_hold(self, text: str) -> bool:
        if not self._plain:
            return True
        said = tokens(text)
        return not self._heads.isdisjoint(said) or (
            bool(self._stems) and any(word.startswith(self._stems) for word in said)
        )


_WORD = re.compile(r"[^\W\d_]+")
_STEM = re.compile(r"[^\W\d_]*[^\W\d_](?![?*])|[^\W\d_]*")
_TOKEN = re.compile(r"[^\W\d_]+")


@functools.lru_cache(maxsize=64)
def tokens(text: str) -> frozenset[str]:
    """The words of a text, in lower case."""
    return frozenset(_TOKEN.findall(text.lower()))


@functools.lru_cache(maxsize=256)
def pattern(row: str, code: str) -> Row:
    """The words of one row of the table in one language; of all languages for the empty code."""
    return Row(row, (LANGUAGES[code],) if code else tuple(LANGUAGES.values()))


def _parts(row: str) -> list[str]:
    return [part for part in re.split(r"\|(?![^(]*\))", row) if part]


def _longest(parts: list[str]) -> list[str]:
    return sorted(dict.fromkeys(parts), key=len, reverse=True)
