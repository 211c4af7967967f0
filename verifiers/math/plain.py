"""Which answers are so plain that no comparison of them can take long: those are settled without a worker."""

from __future__ import annotations

import re

MAX_PLAIN = 48

_PLAIN = re.compile(
    r"(?:[0-9 .,:;%$()\[\]{}+\-/=<>°]|\\(?:[dt]?frac|sqrt|pi|text|left|right|circ|[,!;%$ ])(?![a-z]))*", re.ASCII
)
_WORD = re.compile(r"[A-Za-z][A-Za-z .,'-]*", re.ASCII)
_LONG_NUMBER = re.compile(r"[0-9]{25}")


_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)


def plain_integer(text: str) -> int | None:
    """The value of a bare integer such as ``-12``; None for anything else."""
    return int(text) if _INTEGER.fullmatch(text) else None


def is_plain(text: str) -> bool:
    """Whether ``text`` is short and has nothing that grows: no power, factorial, function, sum or matrix.

    Numbers, fractions, roots, tuples, percentages, one letter, plain words.
    """
    if len(text) > MAX_PLAIN or not text.isascii():
        return False
    if _WORD.fullmatch(text):
        return True
    return _PLAIN.fullmatch(text) is not None and _LONG_NUMBER.search(text) is None
