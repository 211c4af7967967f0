"""What every room asks of a text: words as a set, words without their commands."""

from __future__ import annotations

import functools


def names(text: str) -> frozenset[str]:
    """The words of `text`."""
    return frozenset(text.split())


@functools.lru_cache(maxsize=256)
def plain_words(content: str) -> str:
    """What is read in the argument of ``\\text``: nested text commands and braces dropped, spaces single."""
    if "\\" in content or "{" in content or "$" in content or "~" in content:
        out: list[str] = []
        at = 0
        while at < len(content):
            c = content[at]
            if c == "\\":
                end = at + 1
                while end < len(content) and content[end].isalpha():
                    end += 1
                if end == at + 1:
                    out.append(" " if content[end : end + 1] in ",;:! " else content[end : end + 1])
                    end += 1
                at = end
                continue
            out.append(" " if c in "{}$~" else c)
            at += 1
        content = "".join(out)
    return " ".join(content.split())


def is_code(text: str) -> bool:
    """Whether `text` is a row of digits rather than a number: four and more of them, the first a zero.

    Three digits (``073``) are how a contest writes the number 73.
    """
    return text[:1] == "0" and len(text) > 3 and text.isdecimal() and text.isascii()
