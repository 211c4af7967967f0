"""Dates, days of the week, months: what they are called, and which dates a text may mean."""

from __future__ import annotations

import re

from veritune.verifiers.math.text.strings import plain_words

_MONTHS = (
    "january february march april may june july august september october november december",
    "jan feb mar apr may jun jul aug sep oct nov dec",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
)
_MONTH = {name: at for line in _MONTHS for at, name in enumerate(line.split(), start=1)} | {"sept": 9}
_DAYS = (
    "monday tuesday wednesday thursday friday saturday sunday",
    "mon tue wed thu fri sat sun",
    "mon tues weds thurs fri sat sun",
    "lunes martes miércoles jueves viernes sábado domingo",
    "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "montag dienstag mittwoch donnerstag freitag samstag sonntag",
    "星期一 星期二 星期三 星期四 星期五 星期六 星期日",
    "星期1 星期2 星期3 星期4 星期5 星期6 星期7",
    "周1 周2 周3 周4 周5 周6 周7",
    "周一 周二 周三 周四 周五 周六 周日",
    "月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日",
)
_DAY = {name: at for line in _DAYS for at, name in enumerate(line.split())} | {"星期天": 6, "thur": 3}
_ORDINAL = re.compile(r"(\d)(?:st|nd|rd|th|er)\b|(\d)\^\{?(?:st|nd|rd|th)\}?")
_EAST = re.compile(r"(?:(\d{4})年)?(\d{1,2})月(\d{1,2})(?:日|号)?")
_SKIPPED = frozenset(["the", "of", "de", "del", "on", "le", "el", "am"])

Date = tuple[int | None, int, int]
"""Year if it is said, month, day."""


def day_or_month(text: str) -> tuple[str, int] | None:
    """A day of the week or a month alone, by any of its names."""
    word = plain_words(text).lower().strip(" .")
    if word in _DAY:
        return "day", _DAY[word]
    return ("month", _MONTH[word]) if word in _MONTH and len(word) > 2 else None


def dates(text: str) -> frozenset[Date]:
    """The dates that a text may mean: one, or two where only numbers stand (``7/4/2020``); none of anything else."""
    if not 3 < len(text) < 60 or not any(c.isdecimal() for c in text):
        return frozenset()
    flat = _ORDINAL.sub(lambda m: m[1] or m[2], plain_words(text).lower())
    east = _EAST.fullmatch(flat.replace(" ", ""))
    if east:
        return _dated(east[1], int(east[2]), int(east[3]))
    numbers = re.fullmatch(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})", flat)
    if numbers:
        return _dated(numbers[1], int(numbers[2]), int(numbers[3]))
    numbers = re.fullmatch(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})", flat)
    if numbers:
        a, b = int(numbers[1]), int(numbers[2])
        return _dated(numbers[3], a, b) | _dated(numbers[3], b, a)
    return _worded(flat)


def _worded(flat: str) -> frozenset[Date]:
    words = [w for w in flat.replace(",", " ").replace(".", " ").split() if w not in _SKIPPED and w not in _DAY]
    months = [w for w in words if w in _MONTH]
    digits = [w for w in words if w.isdecimal() and w.isascii()]
    if len(months) != 1 or not 1 <= len(digits) <= 2 or len(words) != len(digits) + 1:
        return frozenset()
    years = [w for w in digits if len(w) == 4]
    days = [w for w in digits if len(w) <= 2]
    if len(days) != 1 or len(years) != len(digits) - 1:
        return frozenset()
    return _dated(years[0] if years else None, _MONTH[months[0]], int(days[0]))


def _dated(year: str | None, month: int, day: int) -> frozenset[Date]:
    good = 1 <= month <= 12 and 1 <= day <= 31
    return frozenset([(int(year) if year else None, month, day)]) if good else frozenset()


def same_date(gold: frozenset[Date], prediction: frozenset[Date]) -> bool:
    """Whether two dates can be the same; a year that only one says is no difference."""
    return any(a[1:] == b[1:] and (a[0] == b[0] or None in (a[0], b[0])) for a in gold for b in prediction)
