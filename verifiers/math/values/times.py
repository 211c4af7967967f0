"""Times of day."""

from __future__ import annotations

from veritune.verifiers.math.text.strings import plain_words


def time_of_day(text: str) -> tuple[int, bool] | None:
    """Seconds since midnight and whether a.m. or p.m. was said; None of anything that is no time."""
    flat = plain_words(text).lower().replace(".", "").replace(" ", "")
    half = ""
    for suffix in ("am", "pm"):
        if flat.endswith(suffix):
            flat, half = flat[:-2], suffix
    parts = flat.split(":")
    if (
        not (1 <= len(parts) <= 3)
        or not all(p.isdecimal() and len(p) <= 2 for p in parts)
        or (len(parts) == 1 and not half)
    ):
        return None
    numbers = [int(p) for p in parts] + [0, 0]
    hour, minute, second = numbers[:3]
    if minute > 59 or second > 59 or hour > 24 or (half and not 1 <= hour <= 12):
        return None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return hour * 3600 + minute * 60 + second, bool(half)
