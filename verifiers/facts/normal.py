"""When two short texts are the same words: case, punctuation, articles, spacing and Unicode forms aside.

SQuAD's normalisation deletes every sign, so that 3.5 is 35, -5 is 5, C++ is C and "Vitamin A" is "vitamin". Here a sign
that carries meaning stays: what stands inside a number, before one, or at the end of a name.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence
from typing import Literal, TypeAlias

from veritune.plugins.unseen import visible

Normalise: TypeAlias = Literal["careful", "squad"]
Words: TypeAlias = tuple[str, ...]

MAX_LENGTH = 20_000
"""Characters of an answer that are read."""

ARTICLES = {
    "en": "a an the", "es": "un una unos unas el la los las",
    "de": "ein eine einen einem eines einer der die das den dem des",
    "fr": "un une des le la les l", "it": "un uno una il lo la i gli le l", "pt": "um uma uns umas o a os as",
    "nl": "een de het", "ar": "", "zh": "", "none": "",
}  # fmt: skip
"""What a language's articles are (MLQA's lists, and more); other languages have none here."""

_ELIDED = {
    "fr": re.compile(r"(?<!\w)(?:l|d|qu)'(?=\w)", re.IGNORECASE),
    "it": re.compile(r"(?<!\w)(?:l|un|d|dell|all|nell|sull|dall)'(?=\w)", re.IGNORECASE),
}
"""Articles, and prepositions with one, that lose their vowel: ``l'Italie``, ``dell'arte``."""
_SUPERSCRIPTS = dict(zip(map(ord, "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻"), "0123456789+-", strict=True))
_RAISED = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")
_VULGAR = re.compile(r"[¼-¾⅐-⅞↉]")
_MARKS = str.maketrans("", "", "™®©℠\u0307")
_DASHES = str.maketrans(
    {**dict.fromkeys("‐‑‒–—−﹣－", "-"), **dict.fromkeys("‘’‛′ʼ`´", "'"), **dict.fromkeys("“”„«»″", '"')}
)
_UNITS = frozenset("%‰°") | {"‱"}
_INSIDE_NUMBERS = frozenset(".:/-,")
_LATEX = re.compile(
    r"\\(?:text|mathrm|mathbf|textbf|textit|mbox|emph|mathit|rm|bf)\w*(?=\s*\{|\s|$)|\\(?=[%$&#_])|\\[,;!: ]"
)
_THOUSANDS = re.compile(r"(?<![\d.,])(\d{1,3}(?:,\d{3})+)(?![\d,])")
_WHOLE = re.compile(r"(?<![\w.])(\d+)\.0+(?![\d.])")
"""A whole number that a column made a float."""
_INITIALS = re.compile(r"(?<!\w)(?:[^\W\d_]\.\s+)+(?=[^\W\d_]\.)")
_SQUAD_ARTICLES = re.compile(r"\b(a|an|the)\b")
_SQUAD_SIGNS = frozenset(string.punctuation)


def forms(text: str, language: str = "en", normalise: Normalise = "careful") -> Sequence[Words]:
    """The ways in which a text may be written as words; two texts are equal where one way has the same words.

    In order: signs between letters deleted or read as spaces (``U.S.A.`` is ``USA``, ``well-known`` is
    ``well known``), each with and without articles; the same list for every text, so that ways correspond.
    """
    if normalise == "squad":
        return (squad(text),)
    written = spelt(text)
    articles = frozenset(ARTICLES.get(language, "").split())
    elided = _ELIDED.get(language)
    found = []
    for between in ("", " "):
        words = _words(_without_signs(written, between))
        bare = words if elided is None else _words(_without_signs(elided.sub("", written), between))
        found += [tuple(word.casefold() for word in words), _without_articles(bare, articles)]
    return found


def squad(text: str) -> Words:
    """SQuAD 1.1's ``normalize_answer``, by its letters: lower case, ``string.punctuation`` and articles deleted."""
    lowered = "".join(sign for sign in text[:MAX_LENGTH].lower() if sign not in _SQUAD_SIGNS)
    return tuple(_SQUAD_ARTICLES.sub(" ", lowered).split())


def equal(answer: Sequence[Words], gold: Sequence[Words]) -> bool:
    """Whether two texts are the same words. A unit sign (%, °, a currency) may be left out of one of them."""
    if any(one and one == other for one, other in zip(answer, gold, strict=True)):
        return True
    bare, bare_gold = [_without_units(w) for w in answer], [_without_units(w) for w in gold]
    left_out = bare[0] == answer[0] or bare_gold[0] == gold[0]
    return left_out and any(one and one == other for one, other in zip(bare, bare_gold, strict=True))


def spaceless(letter: str) -> bool:
    """Whether a letter is of a script that writes no spaces: Han, kana, Thai, Lao, Khmer, Burmese."""
    code = ord(letter)
    return (
        0x2E80 <= code <= 0x2FDF or 0x3005 <= code <= 0x30FF or 0x31F0 <= code <= 0x31FF or 0x3400 <= code <= 0x4DBF
        or 0x4E00 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x323AF
        or 0x0E00 <= code <= 0x0EFF or 0x1000 <= code <= 0x109F or 0x1780 <= code <= 0x17FF
    )  # fmt: skip


def spelt(text: str) -> str:
    """One spelling for what looks the same: Unicode's compatible forms, dashes, quotes, digits of every script."""
    text = visible(text[:MAX_LENGTH])
    text = _LATEX.sub(" ", text).replace("{", " ").replace("}", " ") if "\\" in text else text
    if not text.isascii():
        text = _RAISED.sub(lambda m: "^" + m[0].translate(_SUPERSCRIPTS), text)
        text = _VULGAR.sub(lambda m: " " + unicodedata.normalize("NFKC", m[0]).replace("⁄", "/"), text)
        text = unicodedata.normalize("NFKC", text.translate(_DASHES).translate(_MARKS))
        text = text[:MAX_LENGTH].translate(_DASHES)  # one letter may stand for eighteen
        text = "".join(_digit(letter) for letter in text)
    if "." in text:  # "J. K. Rowling" is "J.K. Rowling"
        text = _INITIALS.sub(lambda m: "".join(m[0].split()), text)
    text = _THOUSANDS.sub(lambda m: m[1].replace(",", ""), text.replace("`", "'"))
    return _WHOLE.sub(r"\1", text) if ".0" in text else text


def _digit(letter: str) -> str:
    value = unicodedata.decimal(letter, None) if not letter.isascii() else None
    return letter if value is None else str(value)


def _without_signs(text: str, between: str) -> str:
    """The text with its signs deleted (``between`` empty) or read as spaces, those with a meaning aside."""
    out: list[str] = []
    size = len(text)
    for at, sign in enumerate(text):
        kind = unicodedata.category(sign)
        if kind[0] in "LNM" or sign in _UNITS or kind == "Sc":
            out.append(sign if kind[0] in "LNM" else f" {sign} ")
            continue
        if kind[0] == "Z" or sign.isspace():
            out.append(" ")
            continue
        before = text[at - 1] if at else " "
        behind = text[at + 1] if at + 1 < size else " "
        out.append(_meant(sign, kind, before, behind, between))
    return "".join(out)


def _meant(sign: str, kind: str, before: str, behind: str, between: str) -> str:
    if sign in _INSIDE_NUMBERS and before.isdecimal() and behind.isdecimal():
        return sign
    if sign == "." and behind.isdecimal() and not before.isalnum():
        return "0."
    if sign in "+-" and behind.isdecimal() and not before.isalnum():
        return sign
    if sign in "+#" and (before.isalpha() or before == sign):
        return sign
    if sign == "!" and (behind == "=" or behind.isdecimal()):
        return "≠"
    if kind == "Sm" or sign == "^":
        return f" {sign} " if sign not in "+" else sign
    if sign == "_" or kind == "So":
        return " "
    return "" if sign == "'" else between if kind[0] in "PS" else " "


def _words(text: str) -> list[str]:
    words: list[str] = []
    for word in text.split():
        piece = ""
        for letter in word:
            if spaceless(letter) and not unicodedata.category(letter).startswith("M"):
                words += [piece] * bool(piece) + [letter]
                piece = ""
            elif words and not piece and unicodedata.category(letter).startswith("M"):
                words[-1] += letter
            else:
                piece += letter
        words += [piece] * bool(piece)
    return words


def _without_articles(words: Sequence[str], articles: frozenset[str]) -> Words:
    """The words without articles. What stands last, and a lone capital inside (``Vitamin A deficiency``), is none."""
    last = len(words) - 1
    return tuple(
        word.casefold()
        for at, word in enumerate(words)
        if word.casefold() not in articles or at == last or (at > 0 and len(word) == 1 and word.isupper())
    )


def _without_units(words: Words) -> Words:
    return tuple(word for word in words if not (len(word) == 1 and (word in _UNITS or _is_currency(word))))


def _is_currency(sign: str) -> bool:
    return unicodedata.category(sign) == "Sc"
