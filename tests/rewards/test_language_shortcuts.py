"""What ``language`` leaves out for speed changes nothing: each shortcut finds what the plain way finds."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

import pytest

from veritune.verifiers.language.cjk import _INSIDE, _SWITCH, _odds, told
from veritune.verifiers.language.detectors import Said
from veritune.verifiers.language.lettered import lettered
from veritune.verifiers.language.noise import looping
from veritune.verifiers.language.segments import Segment
from veritune.verifiers.language.share import _label, _settled
from veritune.verifiers.language.switching import SWITCH, Clause, _course
from veritune.verifiers.language.switching import _settled as _words_settled

BORDERS = ("paragraph", "sentence", "clause", "word")


def rounds_by_hand(tokens: Sequence[str]) -> int:
    last: dict[tuple[str, ...], int] = {}
    period = streak = counted = 0
    if len(tokens) - 2 - len(set(zip(tokens, tokens[1:], tokens[2:], strict=False))) <= 8:
        return 0
    for i in range(2, len(tokens)):
        key = tuple(tokens[i - 2 : i + 1])
        found = i - last.get(key, i)
        last[key] = i
        streak = streak + 1 if found and found == period else int(found > 0)
        period = found
        counted += streak > max(period, 8)
    return counted


@pytest.mark.parametrize("script", ["latin", "thai"])
def test_a_loop_is_found_wherever_it_begins_and_however_long_it_is(script: str) -> None:
    rng = random.Random(script)
    loops = 0
    for _ in range(1500):
        tokens = [rng.choice("abcdefgh"[: rng.randint(1, 8)]) for _ in range(rng.randint(0, 40))]
        for _ in range(rng.randint(0, 3)):
            unit = [rng.choice("abcdefghijkl") for _ in range(rng.randint(1, 25))]
            tokens += unit * rng.randint(1, 5) + [rng.choice("mnopq") for _ in range(rng.randint(0, 9))]
        words = tokens if script == "latin" else ["".join(tokens)]
        by_hand = rounds_by_hand(tokens)
        assert sum(looping(words, [script] * len(words)).values()) == by_hand, tokens
        loops += by_hand > 0
    assert 300 < loops < 1200


def test_clauses_that_are_settled_are_what_the_whole_search_finds() -> None:
    rng = random.Random(1)
    settled = 0
    for _ in range(2000):
        scores = [
            [max((p - max(row)) * 3, -14.0) for p in row]
            for row in ([rng.gauss(2.0 * (i == 1), 1.5) for i in range(4)] for _ in range(rng.randint(1, 12)))
        ]
        segments = [Segment("latin", [], rng.choice(BORDERS), 5) for _ in scores]
        best = _settled([segment.border for segment in segments], scores)
        if best is not None:
            _label(segments, "abcd", scores)
            assert {segment.language for segment in segments} == {"abcd"[best]}
            settled += 1
    assert 500 < settled < 2000


def test_words_that_are_settled_are_what_the_whole_search_finds() -> None:
    rng = random.Random(2)
    settled = 0
    for _ in range(1500):
        clauses, said = [], []
        for _ in range(rng.randint(1, 4)):
            size = rng.randint(1, 8)
            rows = [[rng.gauss(1.5 * (i == 2), 1.5) for i in range(4)] for _ in range(size)]
            said.append(
                [
                    Said(row, [max(row) - s for s in row], [max(row[:i] + row[i + 1 :]) - s for i, s in enumerate(row)])
                    for row in rows
                ]
            )
            clauses.append(Clause(["w"] * size, rng.choice(BORDERS), 2))
        shares = [rng.random() * 0.2, 0.1, 1.0, 0.05]
        prior = [math.log(share / sum(shares)) for share in shares]
        if _words_settled(clauses, said, prior, 2):
            assert set(_course(clauses, said, prior)) == {2}
            settled += 1
    assert 300 < settled < 1500
    assert max(SWITCH.values()) == SWITCH["word"]


def best_by_letters(words: Sequence[str], borders: Sequence[str]) -> float:
    """The log-odds of the best course, with every letter looked at."""
    japanese = chinese = 0.0
    for word, border in zip(words, borders, strict=True):
        cost = _SWITCH[border]
        for letter in word:
            japanese, chinese = max(japanese, chinese - cost) + _odds(letter), max(chinese, japanese - cost)
            cost = _INSIDE
    return max(japanese, chinese)


def said_by(course: Sequence[str], words: Sequence[str], borders: Sequence[str]) -> float:
    total, at = 0.0, 0
    for word, border in zip(words, borders, strict=True):
        cost = _SWITCH[border]
        for letter in word:
            total -= cost if at and course[at] != course[at - 1] else 0.0
            total += _odds(letter) if course[at] == "ja" else 0.0
            cost, at = _INSIDE, at + 1
    return total


LETTERS = ("のはをがにで", "一人大中日本年", "们这说时间", "売買図込働", "々〇")


def test_chinese_and_japanese_in_blocks_are_as_likely_as_letter_by_letter() -> None:
    rng = random.Random(3)
    mixed = 0
    for _ in range(800):
        words = ["".join(rng.choice(rng.choice(LETTERS)) for _ in range(rng.randint(1, 9))) for _ in range(5)]
        words.append("们")  # a letter of Chinese alone, without which a block counts by its kana only
        borders = ["paragraph", *(rng.choice(BORDERS) for _ in words[1:])]
        course = [language for word in told(words, borders) for language, size in word for _ in range(size)]
        assert said_by(course, words, borders) == pytest.approx(best_by_letters(words, borders)), (words, borders)
        mixed += len(set(course)) == 2
    assert mixed > 300


def test_words_and_what_stands_between_them_are_the_text() -> None:
    for text in (
        "a, b (c) - d",
        "所以 iPhone 是は",
        "слово-word ａｂｃ",
        "é t\u02b0e ½ 〇 𠀀𠀁",
        "นี่คือ ทดสอบ",
        "ab日本cd",
        "x" * 500,
    ):
        found = lettered(text)
        joined = "".join(itertools.chain.from_iterable(zip(found.gaps, found.words, strict=True)))
        assert text.startswith(joined)
        assert len(found.words) == len(found.scripts)
        assert all(found.words)
