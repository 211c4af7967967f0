"""The words that say what the answer is, deny it, doubt it, suppose it or take it back, language by language.

Languages that write spaces are matched by words, the others by substrings. A new language is a new entry; a new way of
saying something is a word in a row. Nothing here knows of any grammar: :mod:`assertion` does.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence

from veritune.verifiers.math.extraction.language import Language
from veritune.verifiers.math.extraction.languages_mgsm import MGSM
from veritune.verifiers.math.extraction.languages_more import MORE
from veritune.verifiers.math.text.strings import names

LANGUAGES: dict[str, Language] = {**MGSM, **MORE}


class Words:
    """Words and phrases to be looked for in a text: whole words where the language writes spaces.

    Most texts hold none of them: a set of their rarest words is held against the words of the text before any
    expression is tried, and what is not written in ASCII is not looked for in a text that is.
    """

    def __init__(self, spaced: Sequence[str], others: Sequence[str] = (), before: str = r"(?<![\w'’])") -> None:
        whole = [rf"{before}(?:{'|'.join(_longest(spaced))})(?!\w)"] if spaced else []
        self.expression = "|".join([*whole, *_longest(others)]) or r"(?!)"
        self._spaced = whole[0] if whole else r"(?!)"
        self._foreign = bool(others)
        keys = [_keys(part) for part in spaced]
        self.guarded = all(keys) and not any(part.isascii() for part in others)
        self.keys = frozenset(key for found in keys for key in found)
        """Where it is guarded and none of these is among a text's words, no spaced word or phrase is in it."""
        heads = [part.replace(" ?", "?").split(" ")[0] for part in spaced]
        self._headed = all(head[:1].isalpha() for head in heads)
        self._heads = frozenset(head.lower() for head in heads if _TOKEN.fullmatch(head))
        self._stems = tuple(
            {found[0].lower() for head in heads if not _TOKEN.fullmatch(head) and (found := _STEM.match(head))}
        )

    @functools.cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.expression, re.IGNORECASE)

    @functools.cached_property
    def _ascii(self) -> re.Pattern[str]:
        return re.compile(self._spaced, re.IGNORECASE) if self._foreign else self._compiled

    def search(self, text: str) -> re.Match[str] | None:
        found = self._expression_for(text)
        return None if found is None else found.search(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        found = self._expression_for(text)
        return iter(()) if found is None else found.finditer(text)

    def without(self, text: str) -> str:
        """`text` with all of them taken out."""
        found = self._expression_for(text)
        return text if found is None else found.sub("", text)

    def match(self, text: str, at: int = 0) -> re.Match[str] | None:
        if self._headed and not (self._foreign and not text.isascii()):
            first = _TOKEN.match(text, at)
            if first is None:
                return None
            word = first[0].lower()
            if word not in self._heads and not word.startswith(self._stems):
                return None
            return self._ascii.match(text, at)
        return self._compiled.match(text, at)

    def _expression_for(self, text: str) -> re.Pattern[str] | None:
        """What is to be tried on `text`; None where nothing can be found in it."""
        if not self.guarded or (self._foreign and not text.isascii()):
            return self._compiled
        return None if self.keys.isdisjoint(tokens(text)) else self._ascii


_TOKEN = re.compile(r"[^\W\d_]+")
_STEM = re.compile(r"[^\W\d_]*[^\W\d_](?![?*])|[^\W\d_]*")
_COMMON = names(
    "a an the of to in is it be i can any all every number numbers value values integer answer answers answered right "
    "correct true possible mean exact solution result that this one un una mi from less greater more fewer larger "
    "smaller bigger would have"
)
_OPTIONAL = re.compile(r"(\[[^\]]*\]|[^()\[\]])\?|\[([^\]]*)\]")
_EXPRESSION = re.compile(r"[()\[\]?*+{}|\\.^$]")


def _keys(part: str) -> frozenset[str]:
    """Words of which at least one is in every text that `part` is found in: the rarest of each spelling.

    Empty where that cannot be told.
    """
    spellings = [part.replace("\\.", " ")]
    while any(_OPTIONAL.search(spelling) for spelling in spellings):
        spellings = [short for spelling in spellings for short in _spelt_out(spelling)]
        if len(spellings) > 64:
            return frozenset()
    found = [_TOKEN.findall(spelling.lower()) for spelling in spellings if not _EXPRESSION.search(spelling)]
    if len(found) < len(spellings) or not all(found):
        return frozenset()
    return frozenset(min(words, key=lambda word: (word in _COMMON, -len(word))) for words in found)


def _spelt_out(spelling: str) -> list[str]:
    found = _OPTIONAL.search(spelling)
    if found is None:
        return [spelling]
    ways = [found[1], ""] if found[1] else list(found[2])
    return [spelling[: found.start()] + way + spelling[found.end() :] for way in ways]


@functools.lru_cache(maxsize=64)
def tokens(text: str) -> frozenset[str]:
    """The words of a text, in lower case."""
    if text.isascii():
        return frozenset(text.translate(_LETTERS).split())
    return frozenset(_TOKEN.findall(text.lower()))


_LETTERS = "".join(chr(code).lower() if chr(code).isalpha() else " " for code in range(128))
"""ASCII letters in lower case, and a space for everything else."""


@functools.lru_cache(maxsize=256)
def pattern(row: str, code: str) -> Words:
    """The words of one row of the table in one language; of all languages for the empty code."""
    languages = (LANGUAGES[code],) if code else tuple(LANGUAGES.values())
    return Words(
        [part for lang in languages if lang.spaced for part in _parts(getattr(lang, row))],
        [part for lang in languages if not lang.spaced for part in _parts(getattr(lang, row))],
    )


def words(spaced: str, others: str = "") -> Words:
    """Words and phrases separated by ``|`` that stand beside the table."""
    return Words(_parts(spaced), _parts(others), before=r"(?<!\w)")


def _parts(row: str) -> list[str]:
    return [part for part in re.split(r"\|(?![^(]*\))", row) if part]


def _longest(parts: Sequence[str]) -> list[str]:
    return sorted(dict.fromkeys(parts), key=len, reverse=True)
