"""Characters that nobody sees, and texts of nothing else."""

from __future__ import annotations

import html
import re
import unicodedata

UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
_SPACING = re.compile(
    r"\\[,;:! ]|\\(?:q?quad|relax|strut|null|hfill?|par|newline|noindent|displaystyle|(?:big|med|small)skip)\b"
    r"|\\(?:text|mbox|hbox|mathrm)\w*(?=\s*\{)|[{}$~`\s]|(?m:^[ \t]*\|(?:[ \t:-]+\|)+[ \t]*$)"
)
_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)|</?[A-Za-z][\w:-]*(?:\s[^<>]*)?/?>|^[ \t]*(?:```|~~~)[\w+#.-]*[ \t]*$"
    r"|\x1b\[[0-9;?]*[A-Za-z]|!?\[\s*\]\([^()\s]*\)|^[ \t]*%[^\n]*\n"
    r"|\\(?:begin|end|color|pagecolor|label|index|pagestyle|usepackage|documentclass|includegraphics|rule\s*\{[^{}]*\})"
    r"\s*(?:\[[^\[\]{}]*\]\s*)?\{[^{}]*\}|\\textcolor\s*\{\s*white\s*\}\s*\{[^{}]*\}"
    r"|\\[vh]?phantom\s*\{[^{}]*\}|\\[hv]space\*?\s*\{[^{}]*\}|\\[A-Za-z]+\s*\{\s*\}|\\[nrt](?![A-Za-z])",
    re.DOTALL | re.MULTILINE,
)
"""What a page shows nothing of: comments, tags, the marks of a code block, a terminal's colours, links without a text,
LaTeX's phantoms and settings, a line break's escape."""
_CODE_POINT = re.compile(r"\\u\{?([0-9a-fA-F]{4,6})\}?|\\x([0-9a-fA-F]{2})")
_WRITES = re.compile(r"[<&\\`~\x1b]|\]\(|^[ \t]*%", re.MULTILINE)
_SAYS = re.compile(r"(?<![A-Za-z0-9_\\])[A-Za-z0-9]")
"""A letter or digit that is part of no command: of most texts among the first, and the rest need not be read."""


def visible(text: str) -> str:
    """The text without characters that leave no mark: zero width, fillers, directions, variation selectors."""
    return UNSEEN.sub("", text)


def shown(text: str) -> str:
    r"""The text as a reader sees it: entities and escapes as their characters, without comments, tags, phantoms."""
    if _WRITES.search(text) is not None:
        text = html.unescape(_CODE_POINT.sub(_character, _MARKUP.sub(" ", text)))
    return visible(text)


def _character(found: re.Match[str]) -> str:
    code = int(found[1] or found[2], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "?"


def blank(text: str) -> bool:
    r"""Whether a text shows nothing: white space, what is not seen, punctuation, LaTeX's spaces (``\quad``, ``\,``).

    Nor does it by tags without a text (``<br>``), comments, entities of such characters (``&nbsp;``), an empty fence, a
    table's bars, a link without a text, or LaTeX that only sets (``\\color{white}``).
    """
    if _SAYS.search(text[:_FIRST]) is not None and _WRITES.search(text[:_FIRST]) is None:
        return False
    text = shown(text)
    if text.isascii() and _SAYS.search(text) is not None:
        return False
    return not any(unicodedata.category(letter)[0] in "LNS" for letter in _SPACING.sub("", text))


_FIRST = 200
