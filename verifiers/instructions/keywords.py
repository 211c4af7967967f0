"""IFEval's ``keywords:*``: words and letters that have to be there, or must not be."""

from __future__ import annotations

import re
from functools import lru_cache

from veritune.verifiers.instructions.check import ArgumentFault, Found, Relation, compared, instruction

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f"
"""Scripts that put no space between words (and Korean, whose particles follow the word at once)."""


@instruction("keywords:existence")
def existence(text: str, *, keywords: list[str]) -> Found:
    """Each keyword stands somewhere, in any case, also inside a longer word: ``walk`` in ``walking``."""
    missing = [word for word in keywords if not anywhere(word.strip()).search(text)]
    return Found(not missing, f"missing: {', '.join(missing)}" if missing else "every keyword is there")


@instruction("keywords:frequency")
def frequency(text: str, *, keyword: str, frequency: int, relation: Relation) -> Found:
    """A keyword so many times, in any case, also inside longer words."""
    return compared(len(anywhere(keyword.strip()).findall(text)), relation, frequency, f"times {keyword.strip()!r:.60}")


@instruction("keywords:forbidden_words")
def forbidden_words(text: str, *, forbidden_words: list[str]) -> Found:
    """None of the words stands there as a whole word, in any case."""
    said = [word for word in forbidden_words if whole(word.strip()).search(text)]
    return Found(not said, f"forbidden and there: {', '.join(said)}" if said else "no forbidden word is there")


@instruction("keywords:letter_frequency")
def letter_frequency(text: str, *, letter: str, let_frequency: int, let_relation: Relation) -> Found:
    """One letter (or any other sign) so many times, in either case."""
    sign = letter.strip().lower()
    if len(sign) != 1:
        raise ArgumentFault(f"keywords:letter_frequency: letter is no single sign: {letter!r:.60}")
    return compared(text.lower().count(sign), let_relation, let_frequency, f"times {sign!r}")


@lru_cache(maxsize=4096)
def anywhere(word: str) -> re.Pattern[str]:
    """A word as it is written, in any case; white space and apostrophes in it are any of their kind."""
    written = r"\s+".join(map(re.escape, word.split()))
    return re.compile(re.sub("['’]", "['’]", written), re.IGNORECASE)


@lru_cache(maxsize=4096)
def whole(word: str) -> re.Pattern[str]:
    """:func:`anywhere`, with no letter or digit next to it where the script parts its words."""
    before = "" if re.match(f"[{_UNSPACED}]", word) else r"(?<!\w)"
    behind = "" if re.search(f"[{_UNSPACED}]$", word) else r"(?!\w)"
    return re.compile(before + anywhere(word).pattern + behind, re.IGNORECASE)
