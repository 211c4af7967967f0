"""IFEval's ``length_constraints:*``: words, sentences, paragraphs."""

from __future__ import annotations

import re

from veritune.verifiers.instructions.check import ArgumentFault, Found, Relation, compared, instruction
from veritune.verifiers.instructions.texts import WORD, sentences

_DIVIDER = re.compile(r"\s?\*\*\*\s?")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_QUOTES = "'\"“”‘’«»„*_([{#"
_AFTER = re.compile(r"[.,?!:;…'\"”’»)\]}*_]")


@instruction("length_constraints:number_words")
def number_words(text: str, *, num_words: int, relation: Relation) -> Found:
    """Runs of letters, digits and underscores."""
    return compared(sum(1 for _ in WORD.finditer(text)), relation, num_words, "words")


@instruction("length_constraints:number_sentences")
def number_sentences(text: str, *, num_sentences: int, relation: Relation) -> Found:
    """Sentences as :func:`veritune.verifiers.instructions.texts.sentences` tells them."""
    return compared(len(sentences(text)), relation, num_sentences, "sentences")


@instruction("length_constraints:number_paragraphs")
def number_paragraphs(text: str, *, num_paragraphs: int) -> Found:
    """Exactly so many paragraphs with the divider ``***`` between them; none of them empty."""
    parts = [part.strip() for part in _DIVIDER.split(text)]
    if not all(parts[1:-1]):
        return Found(False, "nothing stands between two dividers")
    return compared(sum(map(bool, parts)), "exactly", num_paragraphs, "paragraphs")


@instruction("length_constraints:nth_paragraph_first_word")
def nth_paragraph_first_word(text: str, *, num_paragraphs: int, nth_paragraph: int, first_word: str) -> Found:
    """Exactly so many paragraphs with blank lines between them, of which the nth (from 1) begins with a word."""
    if not 1 <= nth_paragraph <= num_paragraphs:
        raise ArgumentFault(f"there is no paragraph {nth_paragraph} of {num_paragraphs}")
    parts = [part.strip() for part in _BLANK_LINE.split(text) if part.strip()]
    if len(parts) != num_paragraphs:
        return compared(len(parts), "exactly", num_paragraphs, "paragraphs")
    word = parts[nth_paragraph - 1].split()[0].lstrip("'\"“‘«„").lower()
    wanted = first_word.strip().lower()
    followed = wanted in (word, _AFTER.split(word)[0], word.rstrip(".,?!:;…'\"”’»)"))
    return Found(followed, f"paragraph {nth_paragraph} begins with {word!r:.60}")
