"""Characters that nobody sees, and texts of nothing else."""

from __future__ import annotations

import re
import unicodedata

UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
_SPACING = re.compile(
    r"\\[,;:! ]|\\q?quad\b|\\(?:text|mbox|hbox|mathrm|phantom|vphantom|hphantom)\w*(?=\s*\{)|[{}$~\s]"
)

_SAYS = re.compile(r"(?<![A-Za-z0-9_\\])[A-Za-z0-9]")
"""A letter or digit that is part of no command: of most texts among the first, and the rest need not be read."""


def visible(text: str) -> str:
    """The text without characters that leave no mark: zero width, fillers, directions, variation selectors."""
    return UNSEEN.sub("", text)


def blank(text: str) -> bool:
    r"""Whether a text says nothing: white space, what is not seen, punctuation, LaTeX's spaces (``\quad``, ``\,``)."""
    if text.isascii() and _SAYS.search(text) is not None:
        return False
    return not any(unicodedata.category(letter)[0] in "LNS" for letter in _SPACING.sub("", visible(text)))
