"""From a sentence to its value and what else is said: boundaries outside formulas, clauses that only comment."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

from veritune.verifiers.math.extraction.languages import pattern
from veritune.verifiers.math.text.strings import names

Code = str
_OPENING, _CLOSING = "{[", "}]"
_BOUNDARY = re.compile(
    r":\s|(?<!\d),|,(?!\d{3}(?!\d))|[;，；、]|(?<=\s)[—–](?=\s)|(?<=\s)--?(?=\s[A-Za-z])|\.\.\.|…|(?<=\S)[—–](?=[^\W\d])|(?<=[^\s(])\s*[(（]|\s(?=[^\W\d])|[?!](?=\s)"
)
"""Where a clause may begin: a comma, a dash, a parenthesis, or any word (which must then begin a comment)."""
_VALUE = re.compile(
    r"\d|\\|\$|[+\-−±]\s?[\d\\$.a-z]|√|π|[(\[{]|∞|½|(?<![\w'’])(?:[B-HJ-Z]|[AI](?!\s+[a-z]{2}))(?![\w'’])|(?<![\w'’])[b-hj-z](?![\w'’])"
)
"""Where a value begins: a digit, a formula, a sign, a bracket, a lone letter."""
_PROSE = re.compile(r"[^\W\d_]{3,}")
_MASKED = "\x01"


class Core(NamedTuple):
    """A complement taken apart."""

    head: str
    """Words before the value: ``definitely not``, ``the number of apples,``."""
    value: str
    """Head and value, without the comments behind them."""
    rest: str
    """The comments."""


def masked(sentence: str) -> str:
    """`sentence` with formulas and braces blanked out, so that nothing inside them is taken for words."""
    return _masked(sentence) if _SPECIAL.search(sentence) else sentence


@functools.lru_cache(maxsize=32)
def _masked(sentence: str) -> str:
    out: list[str] = []
    depth = at = 0
    formula = ""
    for found in _SPECIAL.finditer(sentence):
        here = found.start()
        if here < at:
            continue  # the bracket of a delimiter
        plain = sentence[at:here]
        out.append(_MASKED * len(plain) if formula or depth > 0 else plain)
        c, two, at = found[0], sentence[here : here + 2], here + 1
        hidden = False
        if two in ("\\(", "\\[") and not formula:
            formula = "\\)" if two == "\\(" else "\\]"
        elif (formula and formula != "$" and two == formula) or (not formula and two in _ESCAPED):
            formula, at = "", here + 2
            out.append(_MASKED * 2)
            continue
        elif c == "$" and (here == 0 or sentence[here - 1] != "\\"):
            if formula == "$":
                formula, hidden = "", True
            elif not formula and sentence.find("$", here + 1) > 0:
                formula = "$"
        if c in _OPENING and not formula:
            depth += 1
        out.append(_MASKED if hidden or formula or depth > 0 else c)
        if c in _CLOSING and not formula:
            depth = max(0, depth - 1)
    rest = sentence[at:]
    out.append(_MASKED * len(rest) if formula or depth > 0 else rest)
    return "".join(out)


_SPECIAL = re.compile(r"[\\${}\[\]]")
_ESCAPED = ("\\{", "\\}", "\\$", "\\%")


def take_apart(sentence: str, code: Code) -> Core:
    """The value that a complement begins with, and the comments behind it.

    A stretch behind a comma, a dash or a parenthesis is a comment where it begins with a comment word or holds a
    finite verb; without punctuation, where a comment word begins it. ``7 apples, and the rest is 3`` is ``7 apples``.
    """
    mask = masked(sentence)
    first = _VALUE.search(_without_commands(mask))
    if first is None:
        return Core("", sentence, "")  # an answer in words: what belongs to it cannot be told by its looks
    begin = first.start()
    end = len(sentence)
    ends = [m for m in _BOUNDARY.finditer(mask, begin + 1)]
    for number, mark in enumerate(ends):
        following = next((m.start() for m in ends[number + 1 :] if m[0].strip()), len(mask))
        stretch = mask[mark.end() : following]
        if _comments(mark[0], stretch, code):
            end = mark.start()
            break
    return Core(sentence[:begin], sentence[:end].rstrip(" ,;，；、—–-"), sentence[end:])


def has_value(text: str) -> bool:
    """Whether `text` shows a value at all, rather than words alone."""
    return _VALUE.search(text) is not None


def _without_commands(mask: str) -> str:
    return mask.replace(_MASKED, "$")


def _comments(mark: str, stretch: str, code: Code) -> bool:
    """Whether the stretch behind a boundary is a clause of its own."""
    begun = stretch.lstrip(" *_—–-")
    if mark.strip() == ":":
        return _PROSE.search(stretch) is not None
    comment = pattern("comments", code).match(begun)
    if comment is not None:
        return bool(mark.strip()) or comment[0].lower() not in _ONLY_AFTER_COMMA
    if not mark.strip():
        return bool(pattern("hedges", code).match(begun))
    if mark.strip() in ("(", "（"):
        inside = re.split(r"[)）]", begun, maxsplit=1)[0]
        if re.match(r"(?:mod|or|base|或)(?!\w)", inside, re.I):
            return False
        return any(pattern(row, code).search(inside) for row in ("verbs", "denials", "hedges")) or (
            len(_PROSE.findall(inside)) >= (1 if re.search(r"\d", inside) else 2)
        )
    if re.match(r"(?:and|or|y|o|et|ou|und|oder|и|или|e)\b", begun) and not pattern("verbs", code).search(stretch):
        return False
    return any(pattern(row, code).search(stretch) for row in ("verbs", "denials"))


_ONLY_AFTER_COMMA = names(
    "if for as so that is when after before this these those there it he she they we you until where no never "
    "right common let note check verify found some many most others people students who given and i da es er sie "
    "das was wenn que qui il lui eso esto a что это он она они"
)
"""Comment words that may as well stand inside a value: ``5 for each``, ``7 when rounded``."""


def sentences(text: str, limit: int = 8) -> Iterator[str]:
    """The first sentences of `text`, split outside formulas."""
    mask = masked(text)
    at = 0
    for _ in range(limit):
        found = _END.search(mask, at)
        end = found.end() if found else len(mask)
        if mask[at:end].strip():
            yield text[at:end]
        at = end
        if at >= len(mask):
            return


_END = re.compile(r"[.!?](?=\s|$)|[。！？।؟]|\n")


def sentence_start(text: str, at: int) -> int:
    """Where the sentence that holds `at` begins, within reason."""
    low = max(0, at - 400)
    begin = max(low, text.rfind("\n", low, at) + 1)
    window = text[begin:at]
    last = 0
    for sign, marks in _STOPS:
        if sign in window:
            last = max(last, *[window.rfind(mark) + len(mark) for mark in marks if mark in window], 0)
    if not window.isascii():
        last = max(last, *[window.rfind(mark) + 1 for mark in _OTHER_STOPS])
    return begin + last


_STOPS = ((".", (". ", ".$ ", ".) ", ".** ")), ("!", ("! ",)), ("?", ("? ",)))
_OTHER_STOPS = ("。", "！", "？", "।", "؟")


def clause_start(text: str) -> int:
    """Where the last clause of `text` begins: behind a comma, a semicolon, a colon or a dash."""
    begin = 0
    for mark in ",;:(" if text.isascii() else ",;:(，；：、—（":
        begin = max(begin, text.rfind(mark) + 1)
    return begin
