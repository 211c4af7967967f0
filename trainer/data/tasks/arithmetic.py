"""Sums of digits, thought through in number words: English ones or Chinese ones."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from random import Random
from typing import Any

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_CHINESE = "零一二三四五六七八九"
_TAGS = ["<think>", "</think>", "<answer>", "</answer>"]


def english(number: int) -> str:
    """A number below 100 in words: ``forty-two``."""
    if number < 20:
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f"-{_SMALL[ones]}" if ones else "")


def chinese(number: int) -> str:
    """A number below 100 in Chinese: ``四十二``."""
    tens, ones = divmod(number, 10)
    leading = "" if tens < 2 else _CHINESE[tens]
    ten = "十" if tens else ""
    return leading + ten + (_CHINESE[ones] if ones or not tens else "")


class Arithmetic:
    """``3+9+4=``: a sum of ``terms`` digits from ``low`` to ``high``.

    A demonstration thinks in running totals, one token each, and answers in digits:
    ``<think> twelve sixteen</think><answer>16</answer>``. Its habits: ``think``, the share that thinks at all (the
    others leave the thought empty); ``chinese``, the share of thoughts in Chinese; ``call``, the share that leaves the
    sum to a calculator instead: ``<think>3+9+4=16</think><answer>16</answer>``.
    """

    def __init__(self, terms: int = 5, low: int = 1, high: int = 9) -> None:
        if not (terms >= 2 and 0 <= low <= high <= 9 and terms * high < 100):
            raise ValueError("needs terms >= 2, 0 <= low <= high <= 9, and a greatest sum below 100")
        self.terms, self.low, self.high = terms, low, high

    def row(self, random: Random) -> dict[str, Any]:
        digits = [random.randint(self.low, self.high) for _ in range(self.terms)]
        return {"prompt": "+".join(map(str, digits)) + "=", "gold": str(sum(digits)), "digits": digits}

    def demonstration(
        self,
        row: Mapping[str, Any],
        random: Random,
        *,
        think: float = 1.0,
        chinese: float = 0.0,
        call: float = 0.0,
        **unknown: Any,
    ) -> str:
        if unknown:
            raise ValueError(f"unknown habit {next(iter(unknown))!r}; the habits are think, chinese and call")
        thought = ""
        if call and random.random() < call:
            thought = f"{row['prompt']}{row['gold']}"
        elif random.random() < think:
            word = _in_chinese if random.random() < chinese else english
            thought = "".join(f" {word(total)}" for total in list(accumulate(row["digits"]))[1:])
        return f"<think>{thought}</think><answer>{row['gold']}</answer>"

    def vocabulary(self) -> list[str]:
        totals = range(self.low, self.terms * self.high + 1)
        words = [f" {word(n)}" for word in (english, chinese) for n in totals]
        return [*_TAGS, *"0123456789+=", *words]


_in_chinese = chinese
