"""Which answers are so plain that no comparison of them can take long: those are settled without a worker."""

from __future__ import annotations

import re

MAX_PLAIN = 48

_PLAIN = re.compile(
    r"(?:[0-9 .,:;%$()\[\]{}+\-/=<>°]|(?<![A-Za-z\\])[A-DF-Za-df-z](?![A-Za-z])|\\text\{[A-Za-z .]*\}"
    r"|\\(?:[dt]?frac|sqrt|pi|text|left|right|circ|[,!;%$ ])(?![a-z]))*",
    re.ASCII,
)
_WORD = re.compile(r"[A-Za-z][A-Za-z .,'-]*", re.ASCII)
_LONG_NUMBER = re.compile(r"[0-9]{25}")


_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)


def plain_integer(text: str) -> int | None:
    """The value of a bare integer such as ``-12``; None for anything else."""
    return int(text) if _INTEGER.fullmatch(text) else None


_DECIMAL = re.compile(r"(-?[0-9]{1,12})\.([0-9]{1,6})", re.ASCII)


def is_whole(text: str) -> bool | None:
    """Whether a short decimal such as ``41.50`` is a whole number; None for anything else."""
    found = _DECIMAL.fullmatch(text)
    return None if found is None else not found[2].strip("0")


_FRACTION = re.compile(r"(-?)\\[dt]?frac\{([0-9]{1,18})\}\{([1-9][0-9]{0,17})\}", re.ASCII)


def plain_fraction(text: str) -> tuple[int, int] | None:
    """Numerator and denominator of ``\\frac{3}{8}``; None for anything else."""
    found = _FRACTION.fullmatch(text)
    if found is None:
        return None
    return (-int(found[2]) if found[1] else int(found[2])), int(found[3])


def is_plain(text: str) -> bool:
    """Whether ``text`` is short and has nothing that grows: no power, factorial, function, sum or matrix.

    Numbers, fractions, roots, tuples, percentages, variables of one letter, plain words.
    """
    if len(text) > MAX_PLAIN or not text.isascii():
        return False
    if _WORD.fullmatch(text):
        return True
    return _PLAIN.fullmatch(text) is not None and _LONG_NUMBER.search(text) is None
