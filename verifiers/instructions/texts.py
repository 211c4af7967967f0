"""Words, sentences and paragraphs of a text, as the instruction types count them. Everything here is linear in time."""

from __future__ import annotations

import re
import string
import unicodedata
from functools import lru_cache

_MARKS = "".join(
    chr(code)
    for first, last in ((0x300, 0x1E00), (0x20D0, 0x20F1), (0xA66F, 0xABEE))
    for code in range(first, last)
    if unicodedata.category(chr(code))[0] == "M"
)
"""Vowel signs and accents, which Python's ``\\w`` leaves out: words of Hindi, Thai or Arabic would fall apart."""
WORD = re.compile(rf"[\w{_MARKS}\u200c\u200d]+")
PUNCTUATION = string.punctuation


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_END = re.compile(r"(?P<ascii>(?<![.?!])[.?!]+|…)[\"'”’»)\]}*_`]*(?=\s|$)|(?P<wide>[。！？｡।॥؟۔]+[\"'”’」』）)]*)")
_LAST_WORD = re.compile(r"\S{1,40}$")
_NEXT_WORD = re.compile(r"\s*[\"'“‘«(\[*_`]*(\S{1,30})")
_LETTERS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_NUMERAL = re.compile(r"(?:^|\n)[ \t>*_#]*(?:\d{1,4}|[A-Za-z]|[ivxIVX]{1,5})[.)]$")
"""A list's numeral: ``1.`` at the start of a line is no sentence."""
_DOTTED = re.compile(r"(?<!\w)(?:(?:[^\W\d_]\.){2,}(?:[^\W\d_]\.?)?|[A-ZÀ-Þ]\.)$")
"""``e.g.``, ``U.S.``, ``a.m.``, and the initial of a name."""
_ABBREVIATIONS = _set(
    "adm al apt approx apr aug ave blvd bros brig ca capt cf cie cmdr co col conn corp cpl cpt cu dec dept dist "
    "div dr drs esq est ext feb fr fri ft gen gov hon hr hrs inc incl jan jr jul jun km lb "
    "lbs lt ltd maj messrs mgr misc mr mrs ms msgr mt nov oct oz p pg ph.d pp pl pres prof pt "
    "pvt rep reps rev sec sen sens sep sept sgt sir sq sr st ste supt tel temp thu thur thurs tue tues univ viz "
    "vol vols vs wed yr yrs"
)
_ALWAYS = _set("adm capt col dr drs fr gen gov hon lt maj messrs mr mrs ms msgr mt pres prof rep rev sen sgt st")
"""Titles: a name follows."""
_BEFORE_DIGITS = _set("art ch fig figs no nos op p para pp sec vol vols")
_STARTERS = _set(
    "a about according after all also although among an and another any are as at because before being both but by can "
    "could despite did do does during each even every few finally first for from furthermore given has have he her "
    "here his how however i if in indeed instead is it its last later less let lets like many meanwhile more moreover "
    "most much my nevertheless next no nonetheless nor not now of on once one only or other others our over overall "
    "perhaps please rather second she similarly since so some soon still such than that the their then there therefore "
    "these they third this those though through thus to today together too under unfortunately unless until upon very "
    "was we well were what whatever when where whether which while who why will with without would yes yet you your"
)
"""Words that begin a sentence where they are capitalised behind an abbreviation."""


def words(text: str) -> list[str]:
    """Runs of letters, digits and underscores: ``don't`` is two, as IFEval counts."""
    return WORD.findall(text)


@lru_cache(maxsize=64)
def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text, stripped.

    One ends in ``. ? ! …`` before white space, or in a mark of a script that puts none (``。！？।؟``). No end: a list's
    numeral, an abbreviation or initial before a name or a small letter, dots that trail off before a small letter. A
    line break alone ends none.
    """
    found = []
    start = 0
    for end in _END.finditer(text):
        if end["ascii"] and not _ends(text, start, end):
            continue
        said = text[start : end.end()].strip()
        if said:
            found.append(said)
        start = end.end()
    rest = text[start:].strip()
    return (*found, rest) if rest else tuple(found)


def _ends(text: str, start: int, end: re.Match[str]) -> bool:
    marks = end["ascii"]
    if marks not in (".", "…") and marks.strip("."):
        return True  # a question or an exclamation
    following = _NEXT_WORD.match(text, end.end())
    if following is None:
        return True
    word = following[1]
    if marks == "…" or len(marks) > 1:
        return not word[0].islower()
    before = _LAST_WORD.search(text, max(start, end.end("ascii") - 41), end.end("ascii"))
    last = before[0] if before is not None else ""
    if _NUMERAL.search(text, max(start, end.end("ascii") - 30), end.end("ascii")):
        return False
    bare = last.rstrip(".").lstrip("\"'“‘«([*_`").lower()
    if _DOTTED.search(last):
        return _starts(word)
    if bare in _ALWAYS or ((len(bare) == 1 or bare in _BEFORE_DIGITS) and word[0].isdecimal()):
        return False
    if bare in _ABBREVIATIONS:
        return _starts(word)
    if bare == "etc":
        return not word[0].islower()
    return True


def _starts(word: str) -> bool:
    """Whether a word behind an abbreviation begins a sentence: capitalised, and one that sentences begin with."""
    found = _LETTERS.match(word)
    return found is not None and word[0].isupper() and found[0].lower().split("'")[0].split("’")[0] in _STARTERS
