"""Answers that are words: names, yes and no, number words."""

from __future__ import annotations

import re
from fractions import Fraction

from veritune.verifiers.math.text.commands import said, same_formula, says_formula
from veritune.verifiers.math.text.strings import names, plain_words

_ARTICLES = frozenset(["a", "an", "the"])
_FILLERS = names(
    "function functions number numbers is it are answer day person student team only there in on of be will"
)
_ORDINALS = frozenset(["st", "nd", "rd", "th"])
_MONTHS = names("january february march april may june july august september october november december")
_SYNONYMS = {
    "true": "yes",
    "correct": "yes",
    "false": "no",
    "none": "no solution",
    "no real solution": "no solution",
    "no solution exist": "no solution",
    "there is no solution": "no solution",
    "there are no solution": "no solution",
    "no real root": "no solution",
    "empty set": "no solution",
    "emptyset": "no solution",
    "no such value": "no solution",
    "无解": "no solution",
    "dne": "doe not exist",
    "undefined": "undefined",
    "infinitely many solution": "infinitely many",
    "infinitely many": "infinitely many",
    "infinite": "infinitely many",
    "all real": "all real number",
    "real number": "all real number",
    "all real number": "all real number",
    "是": "yes",
    "对": "yes",
    "正确": "yes",
    "否": "no",
    "错": "no",
    "错误": "no",
}
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_TENTHS = "twenty thirty forty fifty sixty seventy eighty ninety"
_UNITS = {word: value for value, word in enumerate(_ONES.split())}
_PARTS = {
    "half": 2,
    "third": 3,
    "fourth": 4,
    "quarter": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
}
_ORDER = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_NTH = {word: str(number) for number, word in enumerate(_ORDER.split(), start=1)}
_THERE = re.compile(r"^there (?:is|are|exist) (?=no )")
_MISSING = "doe not exist"
_SUBJECTS = names("limit derivative integral inverse it value function solution number sum such function's")
_LARGE = {"thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_TENS = {word: 10 * (value + 2) for value, word in enumerate(_TENTHS.split())}


def normal_words(text: str) -> str:
    """Words for comparison: lower case, no punctuation, no articles, no plural s, synonyms as one."""
    flat = plain_words(text).lower()
    words = "".join(c if c.isalnum() or c in "-'/" else " " for c in flat).replace("-", " ").split()
    kept = [_stem(w) for w in words if w not in _ARTICLES] or words
    kept = [w[:-2] if w[0].isdecimal() and w[:-2].isdecimal() and w[-2:] in _ORDINALS else w for w in kept]
    if len(words) <= 3 and words[:1] not in (["a"], ["an"], ["one"]):
        kept = [_NTH.get(w, w) if w != "second" or w == kept[0] else w for w in kept]
    joined = _THERE.sub("", " ".join(kept).removesuffix("条件"))
    return _SYNONYMS.get(joined, joined)


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def same_words(gold: str, prediction: str) -> bool | None:
    """Whether two texts say the same; None where both are prose that may or may not mean the same."""
    a, b = normal_words(gold), normal_words(prediction)
    if says_formula(gold) or says_formula(prediction):
        return _same_with_signs(gold, prediction)
    if a == b and a:
        return None if _symbols_differ(gold, prediction) else True
    x, y = a.split(), b.split()
    if a == _MISSING and b.endswith(_MISSING) and _SUBJECTS.issuperset(b.removesuffix(_MISSING).split()):
        return True
    if _joined_by_and(gold) is not None and _joined_by_and(gold) == _joined_by_and(prediction):
        return True
    if _MONTHS.intersection(x) and sorted(x) == sorted(y):
        return True
    if a.replace(" ", "") == b.replace(" ", ""):
        return True
    if x and y[: len(x)] == x and all(w in _FILLERS for w in y[len(x) :]):
        return True
    if x and len(y) > len(x) and y[-len(x) :] == x and all(w in _FILLERS for w in y[: -len(x)]):
        return True
    return _prose(x, y)


def _joined_by_and(text: str) -> list[str] | None:
    """The words that an "and" joins, in alphabetical order; None where their order is said to matter."""
    parts = re.split(r"[,;&]|\band\b", plain_words(text))
    found = sorted(normal_words(part) for part in parts if part.strip(" ."))
    ordered = re.search(r"\b(?:respectively|then|before|after|first|from|between)\b", text)
    return found if len(found) > 1 and "and" in text and not ordered else None


def _symbols_differ(gold: str, prediction: str) -> bool:
    """``Co`` and ``CO``: two letters whose case may be all the difference there is."""
    a, b = plain_words(gold).strip(" ."), plain_words(prediction).strip(" .")
    return (
        len(a) == 2
        and a != b
        and a.lower() == b.lower()
        and a.lower() not in ("no", "ok")
        and a[:1].isupper() == b[:1].isupper()
    )


def _same_with_signs(gold: str, prediction: str) -> bool | None:
    """Texts with signs in them: the same if every token is; open where the same formulas stand in other prose."""
    if same_formula(gold, prediction):
        return True
    signs = [[t for t in said(text) if not t[0].isalpha()] for text in (gold, prediction)]
    if signs[0] != signs[1]:
        return False
    return _prose(normal_words(gold).split(), normal_words(prediction).split())


def _prose(x: list[str], y: list[str]) -> bool | None:
    if len(x) < 5 or len(y) < 4 or sorted(x) == sorted(y):
        return False
    common = len(set(x) & set(y)) / len(set(x) | set(y))
    return None if common >= 0.25 and _negations(x) == _negations(y) and _digits(x) == _digits(y) else False


def _negations(words: list[str]) -> int:
    return sum(w in ("not", "no", "never", "cannot", "without", "neither") or w.endswith("n't") for w in words) % 2


def _digits(words: list[str]) -> set[str]:
    return {w for w in words if w.isdecimal()}


def word_number(text: str) -> Fraction | None:
    """The number that words write: ``twenty-one``, ``one hundred and five``, ``two thirds``."""
    words = plain_words(text).lower().replace("-", " ").split()
    if not words or len(words) > 12:
        return None
    if "and" in words[1:-1] and _stem(words[-1]) in (*_PARTS, "halve"):
        at = words.index("and")
        count, rest = _whole_number(words[:at]), word_number(" ".join(words[at + 1 :]))
        if count is not None and rest is not None and 0 < rest < 1:
            return count + rest
    part = _PARTS.get(_stem(words[-1]) if words[-1] != "halves" else "half")
    if part is not None and len(words) > 1:
        over = _whole_number(words[:-1]) if words[:-1] not in (["a"], ["an"]) else 1
        return None if over is None else Fraction(over, part)
    whole = _whole_number(words)
    return None if whole is None else Fraction(whole)


def _whole_number(words: list[str]) -> int | None:
    """``one thousand two hundred and five``; a half of a size too: ``half a million``."""
    if words[:1] == ["half"] and words[1:2] == ["a"] and len(words) == 3 and words[2] in _LARGE:
        return _LARGE[words[2]] // 2
    total, section, seen = 0, 0, False
    for word in words:
        if word in _UNITS:
            section += _UNITS[word]
        elif word in _TENS:
            section += _TENS[word]
        elif word == "hundred" and 0 < section < 100:
            section *= 100
        elif word in _LARGE and 0 < section < 1000:
            total, section = total + section * _LARGE[word], 0
        elif word == "and" and seen:
            continue
        elif word == "a" and not seen and len(words) > 1:
            section = 1
        else:
            return None
        seen = True
    return total + section
