"""Times of day."""

from __future__ import annotations

import re

from veritune.verifiers.math.text.strings import plain_words

_HALVES = {
    "am": "am",
    "pm": "pm",
    "in the morning": "am",
    "in the afternoon": "pm",
    "in the evening": "pm",
    "at night": "pm",
    "noon": "pm",
}
_CLOCK = re.compile(
    r"(?:at )?(\d{1,2})(?:(?::|时|点|h)(\d{2})(?:(?::|分)(\d{2})?)?)?(分|秒)? ?(o'clock)? ?"
    r"(am|pm|in the morning|in the afternoon|in the evening|at night|noon)?"
)


def time_of_day(text: str) -> tuple[int, bool] | None:
    """Seconds since midnight and whether the half of the day was said; None of anything that is no time."""
    if len(text) > 60:
        return None
    flat = " ".join(plain_words(text).lower().replace(".", "").split())
    if flat in ("noon", "midday", "12 noon", "12:00 noon", "正午", "midnight", "12 midnight", "12:00 midnight", "午夜"):
        return (0 if "midnight" in flat or flat == "午夜" else 43200), True
    flat = flat.replace("a m", "am").replace("p m", "pm").replace(" :", ":").replace(": ", ":")
    for word, half in (("上午", " am"), ("下午", " pm"), ("晚上", " pm"), ("早上", " am")):
        if flat.startswith(word):
            flat = flat.removeprefix(word) + half
    found = _CLOCK.fullmatch(flat)
    if found is None:
        return None
    whole, minutes, seconds, _, clock, said = found.groups()
    half = _HALVES.get(said or "", "")
    if minutes is None and not half and not clock:
        return None
    hour, minute, second = int(whole), int(minutes or 0), int(seconds or 0)
    if minute > 59 or second > 59 or hour > 24 or (half and not 1 <= hour <= 12):
        return None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return hour * 3600 + minute * 60 + second, bool(half)


def same_time(gold: tuple[int, bool], prediction: tuple[int, bool]) -> bool:
    """Whether two times agree; where only one says which half of the day it is, either half will do for the other,
    unless its hours are those of a clock of 24 hours."""
    if gold[1] == prediction[1] or gold[0] == prediction[0]:
        return gold[0] == prediction[0]
    bare = prediction[0] if gold[1] else gold[0]
    return 3600 <= bare < 13 * 3600 and not (gold[0] - prediction[0]) % 43200
