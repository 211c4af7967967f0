"""A penalty for saying the same again."""

from __future__ import annotations

import importlib.util
import itertools
import re
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, Literal, TypeAlias

from pydantic import NonNegativeInt, NonPositiveFloat, PositiveInt

from veritune.plugins.errors import MissingExtraError
from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score
from veritune.rewards.measure import token_ids
from veritune.rewards.text import first_message
from veritune.rewards.words import UNSPACED, words

Segmenter: TypeAlias = Literal["auto", "jieba", "characters"]

_LONG_RUN = re.compile("[一-鿕]{2000}(?=[一-鿕])")
_UNSPACED_LETTER = re.compile(f"[{UNSPACED}]")


@reward
def repetition_penalty(
    sample: Sample,
    *,
    ngram_size: PositiveInt = 3,
    max_penalty: NonPositiveFloat = -1.0,
    unit: Literal["words", "characters", "tokens"] = "words",
    language: Literal["auto", "en", "zh"] = "auto",
    segmenter: Segmenter = "auto",
    spare: NonNegativeInt = 0,
) -> Score:
    """``max_penalty`` × (1 − different n-grams / all n-grams), n = ``ngram_size``; 0 for a text shorter than n.

    ``unit`` counts words (lower case), characters (white space aside) or token ids. Words of Chinese and Japanese text
    (``language: zh``, or found there by ``auto``) come from jieba where it is installed and are single characters
    where it is not; ``segmenter`` fixes the choice, and the reason names it; other text without spaces (Thai, Lao,
    Khmer, Burmese) is read by character. ``language: en`` splits at spaces only. Else a piece of over 40 characters or
    of many parts (``so_we_add_so_we_add``) is its parts or its characters; punctuation, accents, width and what nobody
    sees do not make a word another one, and numbers that only count on (``the answer 1 the answer 2``), or that are all
    that is new the eleventh time, are one number.

    ``spare``: so many repeats of an n-gram cost nothing. By the source's formula (0) a proof by cases of 46 words costs
    0.2 and a worked table 0.4; with ``spare: 2`` a loop is as expensive, and these cost 0 and 0.2.

    Source: Demystifying Long Chain-of-Thought Reasoning (2502.03373), appendix C.2.
    """
    items, how = _items(sample, unit, language, segmenter)
    repeated, total = _repeated(items, ngram_size, spare)
    value = max_penalty * repeated / total if repeated else 0.0
    return Score(value, f"{repeated} of {total} {ngram_size}-grams of {how} repeat an earlier one")


@repetition_penalty.compat("open-r1")
def _open_r1(
    sample: Sample,
    *,
    ngram_size: PositiveInt = 3,
    max_penalty: NonPositiveFloat = -1.0,
    language: Literal["en", "zh"] = "en",
) -> Score:
    """open-r1 ``get_repetition_penalty_reward``: words at spaces, or jieba's for zh; no repetition is −0.0."""
    text = first_message(sample)
    words = text.lower().split() if language == "en" else _peer_jieba(text)
    return _peer(words if text else [], ngram_size, max_penalty, signed_zero=True)


@repetition_penalty.compat("trl")
def _trl(sample: Sample, *, ngram_size: PositiveInt = 3, max_penalty: NonPositiveFloat = -1.0) -> Score:
    """TRL ``get_repetition_penalty_reward``: token ids; no repetition is 0.0."""
    ids = token_ids("repetition_penalty", sample, "leave compat out and set unit: words")
    return _peer(ids, ngram_size, max_penalty, signed_zero=False)


def _peer(items: Sequence[Hashable], n: int, max_penalty: float, signed_zero: bool) -> Score:
    if len(items) < n:
        return Score(0.0, f"fewer than {n} pieces")
    repeated, total = _repeated(items, n)
    scaling = 1 - (total - repeated) / total
    value = scaling * max_penalty if scaling or signed_zero else 0.0
    return Score(value, f"{repeated} of {total} {n}-grams repeat an earlier one")


def _repeated(items: Sequence[Hashable], n: int, spare: int = 0) -> tuple[int, int]:
    """How many n-grams repeat an earlier one (``spare`` times for nothing), and how many there are.

    Memory is linear in the text for any n.
    """
    total = max(len(items) - n + 1, 0)
    # naming each half's n-grams by a number keeps long n-grams from being copied out at every place
    grams = _named(items, n) if n > 8 else [tuple(items[i : i + n]) for i in range(total)]
    return sum(max(count - 1 - spare, 0) for count in Counter[Hashable](grams).values()), total


def _named(items: Sequence[Hashable], n: int) -> list[int]:
    """One number per n-gram, the same exactly where the n-grams are equal (prefix doubling)."""
    names = _numbered(list(items))
    width = 1
    while width < n:
        step = min(width, n - width)
        names = _numbered([(names[i], names[i + step]) for i in range(len(names) - step)])
        width += step
    return names


def _numbered(items: Sequence[Hashable]) -> list[int]:
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(item, len(numbers)) for item in items]


def _items(sample: Sample, unit: str, language: str, segmenter: Segmenter) -> tuple[Sequence[Hashable], str]:
    if unit == "tokens":
        return token_ids("repetition_penalty", sample, "set unit: words"), "tokens"
    text = sample.text.lower()
    if unit == "characters":
        return "".join(text.split()), "characters"
    if language == "en":
        return text.split(), "words"
    if language == "auto" and not _UNSPACED_LETTER.search(text):
        return words(text, list), "words"
    if segmenter == "jieba" or (segmenter == "auto" and importlib.util.find_spec("jieba") is not None):
        # Without the hidden Markov model: it is for names, and takes the square of a run's length in time.
        jieba = _jieba()
        return words(text, lambda run: jieba.cut(run, HMM=False)), "words (jieba)"
    return words(text, list), "words (Chinese by character)"


def _peer_jieba(text: str) -> list[str]:
    """jieba's words as the peer gets them. A run of over 2,000 han without a break is cut there: our bound on time."""
    jieba = _jieba()
    ends = [0, *(found.end() for found in _LONG_RUN.finditer(text)), len(text)]
    return [word for start, end in itertools.pairwise(ends) for word in jieba.cut(text[start:end])]


def _jieba() -> Any:
    try:
        import jieba
    except ImportError:
        raise MissingExtraError("jieba", "zh", "repetition_penalty in Chinese words") from None
    jieba.setLogLevel(60)  # it logs its dictionary's loading to stderr
    return jieba


repetition_penalty.for_rows("ngram_size", "max_penalty", "unit", "language")
