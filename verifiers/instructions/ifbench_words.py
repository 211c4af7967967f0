"""IFBench's ``count:*``, ``words:*`` and what it counts in ``ratio:*``: words, letters, numbers."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from itertools import pairwise

from veritune.verifiers.instructions.check import Found, compared, instruction
from veritune.verifiers.instructions.keywords import anywhere
from veritune.verifiers.instructions.texts import PUNCTUATION, WORD, sentences

_STRIPPED = str.maketrans("", "", PUNCTUATION + "“”‘’…—–")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
_CLUSTER = re.compile(r"[bcdfghjklmnpqrstvwxyz]{2}")
_LETTER = re.compile(r"[^\W\d_]")
_NAMES = (
    "Emma Liam Sophia Jackson Olivia Noah Ava Lucas Isabella Mason Mia Ethan Charlotte Alexander Amelia Benjamin "
    "Harper Leo Zoe Daniel Chloe Samuel Lily Matthew Grace Owen Abigail Gabriel Ella Jacob Scarlett Nathan Victoria "
    "Elijah Layla Nicholas Audrey David Hannah Christopher Penelope Thomas Nora Andrew Aria Joseph Claire Ryan "
    "Stella Jonathan"
)
"""The names that the instruction lists."""
_CONJUNCTIONS = "and but for nor or so yet"
_PRONOUNS = (
    "i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her "
    "hers herself it its itself they them their theirs themselves"
)
_STOP_WORDS = (
    "a about above after again against ain all am an and any are aren as at be because been before being below "
    "between both but by can couldn d did didn do does doesn doing don down during each few for from further had "
    "hadn has hasn have haven having he her here hers herself him himself his how i if in into is isn it its itself "
    "just ll m ma me mightn more most mustn my myself needn no nor not now o of off on once only or other our ours "
    "ourselves out over own re s same shan she should shouldn so some such t than that the their theirs them "
    "themselves then there these they this those through to too under until up ve very was wasn we were weren what "
    "when where which while who whom why will with won wouldn y you your yours yourself yourselves"
)
_CLOSED = (
    "the a an this that these those my your his her its our their i he she it we they you and but or so yet nor for "
    "in on at by to from with of as if when while because although though since after before there here what which "
    "who whose how why where yes no not also however first second finally therefore thus moreover"
)
"""Words that no sentence's verb is."""
_VERBS = (
    "be is are was were do does did have has had can could will would shall should may might must go get make take "
    "give find use try let keep put set run see look come think know tell ask say show write read create consider "
    "remember imagine ensure choose add start begin begin stop avoid include provide explain describe build help "
    "learn follow check visit"
)


def bare_words(text: str) -> list[str]:
    """The words between white space, without the punctuation on and in them; in small letters."""
    return [word for word in (piece.translate(_STRIPPED) for piece in text.lower().split()) if word]


@instruction("count:word_count_range")
def word_count_range(text: str, *, min_words: int, max_words: int) -> Found:
    count = sum(1 for _ in WORD.finditer(text))
    return Found(min_words <= count <= max_words, f"{count} words, asked for {min_words} to {max_words}")


@instruction("count:unique_word_count")
def unique_word_count(text: str, *, N: int) -> Found:
    return compared(len(set(bare_words(text))), "at least", N, "different words")


@instruction("ratio:stop_words")
def stop_words(text: str, *, percentage: int) -> Found:
    said = WORD.findall(text.lower())
    known = frozenset(_STOP_WORDS.split())
    share = 100 * sum(word in known for word in said) / max(len(said), 1)
    return Found(bool(said) and share <= percentage, f"{share:.1f} % stop words, at most {percentage} % are asked for")


@instruction("count:conjunctions")
def conjunctions(text: str, *, small_n: int) -> Found:
    said = set(bare_words(text)) & set(_CONJUNCTIONS.split())
    return compared(len(said), "at least", small_n, "different coordinating conjunctions")


@instruction("count:person_names")
def person_names(text: str, *, N: int) -> Found:
    """Different names of the list, each as a whole word: ``Leo`` is not in ``Leopard``."""
    said = set(re.findall(r"[^\W\d_]+", text)) & set(_NAMES.split())
    return compared(len(said), "at least", N, "different names of the list")


@instruction("ratio:overlap")
def overlap(text: str, *, reference_text: str, percentage: int) -> Found:
    """The share of the answer's different runs of three characters that the reference has, two points either way."""
    ours = {text[i : i + 3] for i in range(len(text) - 2)}
    theirs = {reference_text[i : i + 3] for i in range(len(reference_text) - 2)}
    share = 100 * len(ours & theirs) / len(ours) if ours else 0.0
    return Found(bool(ours) and abs(share - percentage) <= 2, f"{share:.1f} % overlap, {percentage} % is asked for")


@instruction("count:numbers")
def numbers(text: str, *, N: int) -> Found:
    """Exactly so many numbers; ``1,000`` and ``3.5`` are one each, ``10-20`` is two."""
    return compared(len(_NUMBER.findall(text)), "exactly", N, "numbers")


@instruction("words:alphabet")
def alphabet(text: str) -> Found:
    """Each word begins with the next letter of the alphabet, Z with A behind it."""
    firsts = [word[0] for word in bare_words(text)]
    if not firsts or not all("a" <= first <= "z" for first in firsts):
        return Found(False, "a word begins with no letter of the alphabet")
    steps = [(ord(b) - ord(a)) % 26 == 1 for a, b in pairwise(firsts)]
    return Found(all(steps), f"the first letters are {''.join(firsts)[:60]}")


@instruction("words:vowel")
def vowel(text: str) -> Found:
    """One paragraph with at most three of the five vowels."""
    said = sorted(set(text.lower()) & set("aeiou"))
    return Found("\n" not in text.strip() and len(said) <= 3, f"the vowels {' '.join(said)}")


@instruction("words:consonants")
def consonants(text: str) -> Found:
    """Each word has two consonants side by side; what has no letter is no word."""
    bad = [word for word in text.lower().split() if _LETTER.search(word) and not _CLUSTER.search(word)]
    return Found(
        not bad and _LETTER.search(text) is not None, f"no cluster in {bad[0]!r:.40}" if bad else "in every word"
    )


@instruction("words:palindrome")
def palindrome(text: str) -> Found:
    said = [word for word in bare_words(text) if len(word) >= 5 and word == word[::-1] and word.isalpha()]
    return compared(len(said), "at least", 10, "palindromes of five letters or more")


@instruction("words:prime_lengths")
def prime_lengths(text: str) -> Found:
    bad = [word for word in bare_words(text) if not _prime(len(word))]
    return Found(
        not bad and bool(text.strip()), f"{bad[0]!r:.40} has {len(bad[0])} letters" if bad else "all are prime"
    )


def _prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))


@instruction("words:repeats")
def repeats(text: str, *, small_n: int) -> Found:
    most = Counter(bare_words(text)).most_common(1)
    word, count = most[0] if most else ("", 0)
    return Found(count <= small_n, f"{word!r:.40} stands {count} times, at most {small_n} are asked for")


@instruction("words:no_consecutive")
def no_consecutive(text: str) -> Found:
    twice = next(((a, b) for a, b in pairwise(bare_words(text)) if a[0] == b[0]), None)
    return Found(twice is None, f"{twice[0]} {twice[1]}"[:60] if twice else "no two in a row share a first letter")


@instruction("words:last_first")
def last_first(text: str) -> Found:
    """The last word of each sentence is the first of the next."""
    parts = [bare_words(sentence) for sentence in sentences(text)]
    bad = next((i for i, (a, b) in enumerate(pairwise(parts)) if not a or not b or a[-1] != b[0]), None)
    if len(parts) < 2:
        return Found(False, "there is no second sentence")
    return Found(bad is None, "each begins as the last one ended" if bad is None else f"sentence {bad + 2} does not")


@instruction("words:paragraph_last_first")
def paragraph_last_first(text: str) -> Found:
    parts = [bare_words(line) for line in text.split("\n") if line.strip()]
    bad = next((part for part in parts if not part or part[0] != part[-1]), None)
    return Found(bad is None, "each ends as it begins" if bad is None else f"{' '.join(bad[:1] + bad[-1:])}"[:60])


@instruction("words:start_verb")
def start_verb(text: str) -> Found:
    """The first word is a verb; None for a word that no list of ours tells of."""
    first = (bare_words(text) or [""])[0]
    followed = True if first in _VERBS.split() else False if first in _CLOSED.split() or not first else None
    return Found(followed, f"it begins with {first!r:.40}" + ("" if followed is not None else ", which may be a verb"))


@instruction("words:odd_even_syllables")
def odd_even_syllables(text: str) -> Found:
    """None: no rule tells the syllables of every English word."""
    return Found(None, "syllables are not counted")


@instruction("count:words_japanese")
def words_japanese(text: str, *, N: int) -> Found:
    said = [word.strip(PUNCTUATION) for word in text.split()]
    asked = [word for at, word in enumerate(said, 1) if N and at % N == 0 and word and not word.isdecimal()]
    bad = next((word for word in asked if not _JAPANESE.search(word)), None)
    return Found(bad is None and N > 0, f"{bad!r:.40} is not Japanese" if bad else f"{len(asked)} words in Japanese")


@instruction("count:pronouns")
def pronouns(text: str, *, N: int) -> Found:
    known = frozenset(_PRONOUNS.split())
    return compared(sum(word in known for word in bare_words(text.replace("/", " "))), "at least", N, "pronouns")


@instruction("count:punctuation")
def punctuation(text: str) -> Found:
    """``. , ! ? ; :`` and an interrobang, whose own marks do not count."""
    left, found = re.subn(r"\?!|!\?|‽", "", text, count=1)
    missing = [mark for mark in ".,!?;:" if mark not in left]
    return Found(bool(found) and not missing, "no interrobang" if not found else f"missing: {' '.join(missing)}")


@instruction("count:keywords_multiple")
def keywords_multiple(text: str, *, keyword1: str, keyword2: str, keyword3: str, keyword4: str, keyword5: str) -> Found:
    """Five keywords once, twice, three, five and seven times."""
    asked = zip((keyword1, keyword2, keyword3, keyword4, keyword5), (1, 2, 3, 5, 7), strict=True)
    for word, wanted in asked:
        count = len(anywhere(word.strip()).findall(text))
        if count != wanted:
            return Found(False, f"{word.strip()!r:.40} stands {count} times, {wanted} are asked for")
    return Found(True, "each as often as asked for")


@instruction("words:keywords_specific_position")
def keywords_specific_position(text: str, *, keyword: str, n: int, m: int) -> Found:
    """A keyword as the m-th word of the n-th sentence, counted from 1."""
    parts = sentences(text)
    said = tokens(parts[n - 1]) if 0 < n <= len(parts) else []
    return Found(
        0 < m <= len(said) and said[m - 1] == keyword.strip(), f"{len(parts)} sentences, {len(said)} words there"
    )


@instruction("words:words_position")
def words_position(text: str, *, keyword: str) -> Found:
    """The second word and the one before the last, punctuation aside."""
    said = tokens(text)
    words = [word for word in said if _LETTER.search(word)]
    there = len(words) > 1 and words[1] == words[-2] == keyword.strip()
    return Found(there, f"{' '.join(words[1:2] + words[-2:-1])}"[:60])


def tokens(text: str) -> list[str]:
    """Words and signs, each by itself."""
    return re.findall(r"\w+(?:[-'’]\w+)*|[^\w\s]", text)


def plain(text: str) -> str:
    """Letters without their accents."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


@instruction("sentence:keyword")
def sentence_keyword(text: str, *, word: str, N: int) -> Found:
    """A keyword somewhere in the N-th sentence."""
    parts = sentences(text)
    there = 0 < N <= len(parts) and word.strip().lower() in parts[N - 1].lower()
    return Found(
        there, f"{len(parts)} sentences; sentence {N} has it" if there else f"not in sentence {N} of {len(parts)}"
    )


@instruction("sentence:increment")
def sentence_increment(text: str, *, small_n: int) -> Found:
    """Each sentence has exactly so many words more than the one before."""
    counts = [len(bare_words(sentence)) for sentence in sentences(text)]
    return Found(all(b - a == small_n for a, b in pairwise(counts)) and len(counts) > 1, f"words: {counts[:20]}")


@instruction("sentence:alliteration_increment")
def alliteration_increment(text: str) -> Found:
    """The longest run of words with one first letter grows from sentence to sentence."""
    longest = []
    for sentence in sentences(text):
        best = run = 1
        for a, b in pairwise(bare_words(sentence)):
            run = run + 1 if a[0] == b[0] else 1
            best = max(best, run)
        longest.append(best if best > 1 else 0)
    return Found(all(a < b for a, b in pairwise(longest)) and len(longest) > 1, f"runs: {longest[:20]}")


@instruction("ratio:sentence_type")
def sentence_type(text: str) -> Found:
    """Twice as many statements as questions, and a question."""
    ends = [sentence.rstrip("\"'”’)*_ ")[-1:] for sentence in sentences(text)]
    said, asked = sum(end in (".", "。") for end in ends), sum(end in ("?", "？") for end in ends)
    return Found(said == 2 * asked and asked > 0, f"{said} statements, {asked} questions")


@instruction("ratio:sentence_balance")
def sentence_balance(text: str) -> Found:
    """As many statements as questions as exclamations, and one of each."""
    ends = [sentence.rstrip("\"'”’)*_ ")[-1:] for sentence in sentences(text)]
    counts = [sum(end in marks for end in ends) for marks in (".。", "?？", "!！")]
    return Found(
        len(set(counts)) == 1 and counts[0] > 0, "{} statements, {} questions, {} exclamations".format(*counts)
    )


@instruction("ratio:sentence_words")
def sentence_words(text: str) -> Found:
    """Three sentences of equally many characters, no word of which stands in two of them."""
    parts = sentences(text)
    if len(parts) != 3 or len({len(part) for part in parts}) != 1:
        return Found(False, f"{len(parts)} sentences of {', '.join(str(len(part)) for part in parts[:5])} characters")
    said = [word for part in parts for word in set(bare_words(part))]
    return Found(
        len(said) == len(set(said)), "a word stands in two sentences" if len(said) != len(set(said)) else "three"
    )


@instruction("custom:sentence_alphabet")
def sentence_alphabet(text: str) -> Found:
    """26 sentences that begin with A to Z."""
    firsts = "".join((bare_words(sentence) or [" "])[0][0] for sentence in sentences(text))
    return Found(firsts == "abcdefghijklmnopqrstuvwxyz", f"the sentences begin with {firsts[:40]}")
