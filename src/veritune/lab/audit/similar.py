"""Which texts are the same, and which nearly: an exact join by the Jaccard index of their pairs of words.

Every pair above the threshold is found, and no other: only the rarest pairs of words of each text are looked up (the
prefix filter of Chaudhuri, Ganti and Kaushik, 2006; Bayardo, Ma and Srikant, 2007), which is as fast as MinHash on
questions and does not guess.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

COMMON, FEW = 0.02, 10
"""Pairs of words in more than this share of the texts, and in more than ten, are a template's, and do not count."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+|[+\-*/=<>^]")
"""A word, a Chinese or Japanese character, an operator."""
_NUMBER = re.compile(r"\d+")


def normal(text: str) -> str:
    """A text without case, width, punctuation and white space: what makes two questions the same."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def numbers(text: str) -> tuple[str, ...]:
    """The numbers in it, sorted: questions with others are other questions."""
    return tuple(sorted(_NUMBER.findall(unicodedata.normalize("NFKC", text))))


def pairs_of_words(text: str) -> frozenset[tuple[str, str]]:
    """Neighbours in the normal form; one word is its own neighbour."""
    words = normal(text).split()
    if len(words) == 1:
        return frozenset([(words[0], words[0])])
    return frozenset(pairwise(words))


def near_pairs(
    texts: Sequence[str], threshold: float, firsts: Iterable[int] | None = None
) -> Iterator[tuple[int, int, float]]:
    """Pairs of indices (smaller first) whose Jaccard index is at least ``threshold``, with it.

    With ``firsts``, only pairs of which exactly one is among these.
    """
    kept = _without_templates([pairs_of_words(text) for text in texts])
    frequency = Counter(pair for one in kept for pair in one)
    first = None if firsts is None else set(firsts)
    index: dict[tuple[str, str], list[int]] = defaultdict(list)
    for here in sorted(range(len(kept)), key=lambda i: (len(kept[i]), i)):
        mine = kept[here]
        rare = sorted(mine, key=lambda pair: (frequency[pair], pair))
        prefix = rare[: len(rare) - math.ceil(threshold * len(rare)) + 1]
        for there in {other for pair in prefix for other in index[pair]}:
            if first is not None and (here in first) == (there in first):
                continue
            other = kept[there]
            if len(other) < threshold * len(mine):
                continue
            shared = len(mine & other)
            found = shared / (len(mine) + len(other) - shared)
            if found >= threshold:
                yield min(here, there), max(here, there), found
        for pair in prefix:
            index[pair].append(here)


def _without_templates(sets: list[frozenset[tuple[str, str]]]) -> list[frozenset[tuple[str, str]]]:
    frequency = Counter(pair for one in sets for pair in one)
    common = {pair for pair, count in frequency.items() if count > max(FEW, COMMON * len(sets))}
    return [one - common for one in sets]
