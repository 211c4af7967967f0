"""The instruction types that open-instruct's training set (IF-RLVR) adds to IFEval's."""

from __future__ import annotations

import re
from itertools import pairwise

from veritune.verifiers.instructions.check import Found, Relation, compared, instruction
from veritune.verifiers.instructions.ifbench_words import bare_words, tokens
from veritune.verifiers.instructions.keywords import anywhere, whole
from veritune.verifiers.instructions.lengths import number_paragraphs
from veritune.verifiers.instructions.texts import sentences


@instruction("copy:copy", "copy:copying_simple")
def copied(text: str, *, prompt_to_repeat: str) -> Found:
    """The request and nothing else, in any case."""
    return Found(text.strip().lower() == prompt_to_repeat.strip().lower(), f"it begins {text.strip()[:40]!r}")


@instruction("copy:copying_multiple")
def copied_times(text: str, *, prompt_to_repeat: str, N: int) -> Found:
    """The request so many times, ``******`` between them."""
    parts = [part.strip().lower() for part in text.split("******")]
    same = all(part == prompt_to_repeat.strip().lower() for part in parts)
    return Found(same and len(parts) == N, f"{len(parts)} parts, {N} copies are asked for")


@instruction("new:copy_span_idx")
def copied_span(text: str, *, prompt_to_repeat: str, n_start: int, n_end: int) -> Found:
    """The request's characters from one index up to another, which may stand among them."""
    said = text.strip().lower()
    spans = [prompt_to_repeat[n_start : n_end + more].strip().lower() for more in (0, 1)]
    return Found(bool(said) and said in spans, f"it says {said[:60]!r}")


@instruction("copy:repeat_phrase")
def repeat_phrase(text: str, *, phrase: str, small_n: int) -> Found:
    """The phrase exactly so many times, each time with one word of its middle changed."""
    wanted = phrase.split()
    if len(wanted) < 3:
        return Found(None, "a phrase of fewer than three words has no middle")
    said = text.split()
    clean = [word.strip(".,;:!?\"'") for word in said]
    ends = wanted[0].strip(".,;:!?\"'"), wanted[-1].strip(".,;:!?\"'")
    runs = [clean[at : at + len(wanted)] for at in range(len(clean) - len(wanted) + 1) if clean[at] == ends[0]]
    near = [run for run in runs if run[-1] == ends[1]]
    changed = [sum(a != b.strip(".,;:!?\"'") for a, b in zip(run, wanted, strict=True)) for run in near]
    close = [count for count in changed if count <= 1]
    return Found(
        len(close) == small_n and all(count == 1 for count in close), f"{len(close)} times, {small_n} asked for"
    )


@instruction("detectable_format:sentence_hyphens")
def sentence_hyphens(text: str) -> Found:
    """Hyphens join the sentences, and no space stands between them."""
    parts = text.strip().split("-")
    good = len(parts) > 1 and all(part == part.strip() and part for part in parts)
    ended = all(part[-1:] in ".?!" for part in parts)
    return Found(
        good and ended and all(len(sentences(part)) == 1 for part in parts), f"{len(parts)} parts between hyphens"
    )


@instruction("detectable_format:square_brackets")
def square_brackets(text: str) -> Found:
    """Every word stands in square brackets."""
    bad = next((word for word in text.split() if not re.fullmatch(r"\[[^\[\]]+\]", word)), None)
    return Found(bad is None, f"{bad!r:.40} does not" if bad else "every word")


@instruction("detectable_format:bigram_wrapping")
def bigram_wrapping(text: str) -> Found:
    """Every two words stand in ``<<double angular brackets>>``; one may be left at the end."""
    words = text.split()
    pairs = [(words[at], words[at + 1]) for at in range(0, len(words) - 1, 2)]
    bad = next((f"{a} {b}" for a, b in pairs if not (a.startswith("<<") and b.endswith(">>"))), None)
    return Found(bad is None and bool(pairs), f"{bad!r:.60} is not wrapped" if bad else "every two words")


@instruction("keywords:no_adjacent_consecutive")
def no_adjacent_consecutive(text: str) -> Found:
    """No two words in a row begin with letters that follow one another in the alphabet."""
    bad = next(((a, b) for a, b in pairwise(bare_words(text)) if ord(b[0]) - ord(a[0]) == 1), None)
    return Found(bad is None, f"{bad[0]} {bad[1]}"[:60] if bad else "none")


@instruction("keywords:word_once")
def word_once(text: str, *, keyword: str) -> Found:
    return compared(len(anywhere(keyword.strip()).findall(text)), "exactly", 1, f"times {keyword.strip()!r:.40}")


@instruction("keywords:word_count_different_numbers")
def word_count_different_numbers(text: str, *, keyword: str, frequency: int, relation: Relation) -> Found:
    return compared(len(anywhere(keyword.strip()).findall(text)), relation, frequency, f"times {keyword.strip()!r:.40}")


@instruction("keywords:exclude_word_harder")
def exclude_word_harder(text: str, *, keyword: str) -> Found:
    """The word does not stand there as a whole word, in any case."""
    said = whole(keyword.strip()).search(text) is not None
    return Found(not said, f"{keyword.strip()!r:.40} {'stands there' if said else 'does not stand there'}")


@instruction("keywords:palindrome")
def palindrome(text: str) -> Found:
    """A word of three letters or more that reads the same backwards."""
    found = next((word for word in bare_words(text) if len(word) > 2 and word == word[::-1]), None)
    return Found(found is not None, f"{found!r:.40}" if found else "no palindrome")


@instruction("keywords:keyword_specific_position")
def keyword_specific_position(text: str, *, keyword: list[str], n: int, m: int) -> Found:
    """A keyword as the m-th word of the n-th sentence, counted from 1."""
    parts = sentences(text)
    said = tokens(parts[n - 1]) if 0 < n <= len(parts) else []
    return Found(0 < m <= len(said) and said[m - 1] == keyword[0].strip(), f"{len(parts)} sentences, {len(said)} words")


@instruction("keywords:start_end")
def start_end(text: str) -> Found:
    """The first word is the last, case aside, and nothing stands behind it, no full stop either."""
    words = bare_words(text)
    return Found(
        len(words) > 1 and words[0] == words[-1] and text.strip()[-1].isalnum(),
        f"{' '.join(words[:1] + words[-1:])}"[:60],
    )


@instruction("paragraphs:paragraphs")
def two_paragraphs(text: str) -> Found:
    """Two paragraphs, ``***`` between them."""
    return number_paragraphs(text, num_paragraphs=2)


@instruction("paragraphs:paragraphs2")
def two_paragraphs_by_lines(text: str) -> Found:
    """Two paragraphs, a blank line between them."""
    parts = [part for part in re.split(r"\n[^\S\n]*\n", text) if part.strip()]
    return compared(len(parts), "exactly", 2, "paragraphs")


@instruction("first_word:first_word_sent")
def first_word_sent(text: str, *, first_word: list[str]) -> Found:
    firsts = [(bare_words(sentence) or [""])[0] for sentence in sentences(text)]
    wanted = (bare_words(first_word[0]) or [""])[0]
    bad = next((first for first in firsts if first != wanted), None)
    return Found(
        bad is None and bool(firsts), f"a sentence begins with {bad!r:.40}" if bad is not None else "each does"
    )


@instruction("first_word:first_word_answer")
def first_word_answer(text: str, *, first_word: list[str]) -> Found:
    first = (bare_words(text) or [""])[0]
    return Found(first == (bare_words(first_word[0]) or [" "])[0], f"it begins with {first!r:.40}")


@instruction("last_word:last_word_sent")
def last_word_sent(text: str, *, last_word: list[str]) -> Found:
    lasts = [(bare_words(sentence) or [""])[-1] for sentence in sentences(text)]
    wanted = (bare_words(last_word[0]) or [""])[-1]
    bad = next((last for last in lasts if last != wanted), None)
    return Found(bad is None and bool(lasts), f"a sentence ends in {bad!r:.40}" if bad is not None else "each does")


@instruction("last_word:last_word_answer")
def last_word_answer(text: str, *, last_word: list[str]) -> Found:
    last = (bare_words(text) or [""])[-1]
    return Found(last == (bare_words(last_word[0]) or [" "])[-1], f"it ends in {last!r:.40}")


@instruction("punctuation:punctuation_dot")
def punctuation_dot(text: str) -> Found:
    return Found(not re.search("[.。．]", text), "no full stop is asked for")


@instruction("punctuation:punctuation_exclamation")
def punctuation_exclamation(text: str) -> Found:
    return Found(not re.search("[!！]", text), "no exclamation mark is asked for")


@instruction("count:lowercase_counting")
def lowercase_counting(text: str, *, N: int) -> Found:
    """At most so many words in small letters."""
    return compared(len(re.findall(r"(?<!\w)[a-z]+(?!\w)", text)), "at most", N, "words in small letters")


@instruction("letters:letter_counting")
def letter_counting(text: str, *, N: int, relation: Relation) -> Found:
    return compared(sum(map(str.isalpha, text)), relation, N, "letters")


@instruction("letters:letter_counting2")
def letter_counting2(text: str, *, letter: str, let_frequency: int, let_relation: Relation) -> Found:
    return compared(text.lower().count(letter.strip().lower()), let_relation, let_frequency, f"times {letter!r:.10}")


@instruction("count:counting_composition")
def counting_composition(text: str, *, n_sent: int, n_words: int) -> Found:
    """Three paragraphs with ``***`` between them, each of so many sentences of so many words."""
    parts = [part.strip() for part in re.split(r"\s?\*\*\*\s?", text)]
    parts = parts[not parts[0] : len(parts) - (not parts[-1])]
    said = [[len(bare_words(sentence)) for sentence in sentences(part)] for part in parts]
    good = len(said) == 3 and all(counts == [n_words] * n_sent for counts in said)
    return Found(good, f"words by sentence and paragraph: {said[:5]}"[:120])


@instruction("count:count_unique")
def count_unique(text: str) -> Found:
    """No word stands there twice, case aside."""
    words = bare_words(text)
    return Found(bool(words) and len(words) == len(set(words)), f"{len(words)} words, {len(set(words))} different")


@instruction("count:count_increment_word")
def count_increment_word(text: str, *, keyword1: str, keyword2: str) -> Found:
    """One keyword once, the other twice."""
    counts = [len(anywhere(word.strip()).findall(text)) for word in (keyword1, keyword2)]
    return Found(counts == [1, 2], f"{counts[0]} and {counts[1]} times, once and twice are asked for")
