"""Chinese and Japanese told apart letter by letter: kana, and the forms of Han that only one of them writes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

from veritune.verifiers.language.scripts import Run

_SWITCH = {"paragraph": 1.2, "sentence": 1.6, "clause": 3.0, "word": 3.5, "": 5.0}
"""What a change of language costs in log-odds, by what parts the letters (nothing: inside a run)."""
_KANA = 4.6
_SIMPLIFIED = -4.0
_SHINJITAI = 2.5
_SHARED = -0.29
"""Log-odds of Japanese: Chinese has no kana, 们 is in no Japanese standard and 売 in no Chinese one; and Japanese, of
which half is kana, seldom goes long without."""
_ITERATION = "々〆〇"


def told(runs: Sequence[Run], borders: Sequence[str], text: str) -> list[list[tuple[str, Run]]]:
    """Of each run of Han or kana the pieces that are in one language (``zh`` or ``ja``); most often it is one.

    ``borders``: what parts each run from the one before, empty for nothing. The most probable course of two languages
    (Viterbi), linear in the letters. Without kana all is Chinese.
    """
    if not any(run.script == "kana" for run in runs):
        return [[("zh", run)] for run in runs]
    if _in("".join(text[run.start : run.end] for run in runs), "shift_jis"):
        return [[(language, run)] for run, language in zip(runs, _by_run(runs, borders), strict=True)]
    japanese = chinese = 0.0
    back: list[tuple[bool, bool]] = []
    for run, border in zip(runs, borders, strict=True):
        cost = _SWITCH[border]
        for letter in text[run.start : run.end]:
            to_japanese, to_chinese = chinese - cost > japanese, japanese - cost > chinese
            back.append((to_japanese, to_chinese))
            japanese, chinese = (
                (chinese - cost if to_japanese else japanese) + _odds(letter),
                japanese - cost if to_chinese else chinese,
            )
            cost = _SWITCH[""]
    course = _traced(japanese > chinese, back)
    found: list[list[tuple[str, Run]]] = []
    place = 0
    for run in runs:
        pieces, start = [], run.start
        for is_japanese, group in groupby(course[place : place + run.end - run.start]):
            end = start + sum(1 for _ in group)
            pieces.append(("ja" if is_japanese else "zh", Run(run.script, start, end)))
            start = end
        found.append(pieces)
        place += run.end - run.start
    return found


def _by_run(runs: Sequence[Run], borders: Sequence[str]) -> list[str]:
    """The same where no letter is Chinese alone: a run is one language."""
    japanese = chinese = 0.0
    back: list[tuple[bool, bool]] = []
    for run, border in zip(runs, borders, strict=True):
        cost = _SWITCH[border]
        to_japanese, to_chinese = chinese - cost > japanese, japanese - cost > chinese
        back.append((to_japanese, to_chinese))
        odds = (_KANA if run.script == "kana" else _SHARED) * (run.end - run.start)
        japanese, chinese = (
            (chinese - cost if to_japanese else japanese) + odds,
            japanese - cost if to_chinese else chinese,
        )
    return ["ja" if at else "zh" for at in _traced(japanese > chinese, back)]


def _traced(at: bool, back: Sequence[tuple[bool, bool]]) -> list[bool]:
    course = []
    for to_japanese, to_chinese in reversed(back):
        course.append(at)
        at = at ^ (to_japanese if at else to_chinese)
    course.reverse()
    return course


@lru_cache(maxsize=20_000)
def _odds(letter: str) -> float:
    """The log-odds that a letter is Japanese rather than Chinese, by the character sets of both."""
    if "\u3041" <= letter <= "\u30ff" or "\u31f0" <= letter <= "\u31ff" or "\uff66" <= letter <= "\uff9f":
        return _KANA
    if letter in _ITERATION:
        return 0.0
    if not _in(letter, "shift_jis"):
        return _SIMPLIFIED
    return _SHARED if _in(letter, "gb2312") or _in(letter, "big5") else _SHINJITAI


def _in(letters: str, charset: str) -> bool:
    try:
        letters.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
