"""A text as its reader would take it: folded, and undisguised (spaced, leet, reversed or encoded words)."""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from veritune.rewards.judge import lexicon, lexicon_acts, lexicon_claims

_LIKE_LATIN = str.maketrans(
    "АВЕКМНОРСТХУІЅЈаеорсухкмтнвіѕԁјһԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧαοερτυνικ",
    "ABEKMHOPCTXYISJaeopcyxkmthbisdjhqwABEZHIKMNOPTYXaoeptuvik",
)
_LEET = str.maketrans("0134567@$!|", "oieasgtasil")
_WORD = re.compile(r"[^\W\d_]+")
_SPACED = re.compile(r"(?<!\w)(?:\w[ .\-_*·]{1,3}){5,400}\w(?!\w)")
_LEET_WORD = re.compile(r"(?<![\w.])(?=\w{0,15}\d)(?=\w{0,15}[^\W\d_])[\w@$!|]{2,16}(?!\w)")
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-]{16,6000}={0,2}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}[ :]?){12,3000}")
_BINARY = re.compile(r"(?:[01]{8} ?){8,3000}")
_ESCAPES = re.compile(r"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|%([0-7][0-9A-Fa-f])")
_MORE_ESCAPES = re.compile(
    r"(?:=[2-7][0-9A-Fa-f]|=\r?\n){6,3000}"
    r"|(?:\\0{0,4}[2-7][0-9A-Fa-f](?![0-9A-Fa-f]) ?){6,3000}|(?:\\[01][0-7]{2}){6,3000}"
    r"|(?:\\u\{[0-9A-Fa-f]{2,5}\}){6,3000}"
)
"""Letters as mails, style sheets and programs write them."""
_CODES = re.compile(r"(?<![\d.,])(?:\d{2,3}[ ,;]{1,2}){11,3000}\d{2,3}(?![\d.])")
_BASE32 = re.compile(r"(?<![A-Za-z0-9])[A-Z2-7]{24,6000}={0,6}")
_JOINS = re.compile(r"([\"'])[ \t]*\+[ \t]*(?:\\?\n[ \t]*)?\1")
_TAG_BESIDE = re.compile(r"(?<=\w)</?[A-Za-z][^<>]{0,60}>(?=<|\w)|(?<=>)</?[A-Za-z][^<>]{0,60}>(?=\w)")
_FEW = 4
"""So many pieces of a text in a program, or tags inside of words, are no disguise."""
_MARKS = re.compile("[\u0300-\u036f\u064b-\u0655\u0670\u0640\u05b0-\u05c7]")
# A reversed or rotated text is read only where one of these comes out
_TELLING = (
    "correct",
    "grade",
    "grading",
    "marker",
    "reference",
    "judge",
    "evaluat",
    "score",
    "accept",
    "award",
    "credit",
    "assess",
)
_TELLING_BACKWARDS = tuple(word[::-1] for word in _TELLING)
_TELLING_ROTATED = tuple(codecs.encode(word, "rot13") for word in _TELLING)
_HYPHEN = re.compile(r"(?<=[^\W\d_]{2})-\s*\n\s*(?=[^\W\d_]{2})")
_CRUMBS = re.compile(r"(?:^|(?<=\n))(?:[^\s\d]{1,14}\n){3,40}[^\s\d]{1,14}(?=\n|$)")
"""Words broken by hyphens, and words that each have a line."""
_TAGS = re.compile("[\U000e0020-\U000e007e]")
"""Letters that nobody sees and that models read as ASCII."""
_TIMES = 4
"""Entities may be escaped themselves."""
_ENCODED = 20  # encoded runs that are read


def plain_text(text: str) -> str:
    """The text as a reader sees it: NFKC, without format characters, look-alike letters in Latin words as Latin."""
    for _ in range(_TIMES if "&" in text else 0):
        text, before = html.unescape(text), text
        if text == before:
            break
    normal = unicodedata.normalize("NFKC", text)
    if normal.isascii():
        return normal
    if _TAGS.search(normal) is not None:
        normal = _TAGS.sub(lambda found: chr(ord(found[0]) - 0xE0000), normal)
    seen = "".join(c for c in normal if c in "\u200c\n" or unicodedata.category(c) != "Cf").replace("\u200c", "")
    return _WORD.sub(_latin, seen)


def _latin(match: re.Match[str]) -> str:
    word = match[0]
    return word.translate(_LIKE_LATIN) if any("a" <= c <= "z" for c in word.lower()) else word


def folded(text: str) -> str:
    """Lower case, without accents and vowel points; typographic apostrophes as ``'``."""
    lower = text.lower().replace("ı", "i").replace("đ", "d").replace("ß", "ss").replace("ł", "l").replace("ø", "o")
    if lower.isascii():
        return lower
    bare = _MARKS.sub("", unicodedata.normalize("NFD", lower))
    return unicodedata.normalize("NFC", bare).replace("’", "'").replace("‘", "'").replace("ς", "σ").replace("ى", "ي")


def undisguised(plain: str) -> Iterator[str]:
    """Other readings of a plain text that differ from it: joined, leet, reversed, decoded."""
    unbroken = _CRUMBS.sub(lambda found: found[0].replace("\n", " "), _HYPHEN.sub("", plain))
    if unbroken != plain:
        yield unbroken
    joined = _SPACED.sub(_join, plain)
    if joined != plain:
        yield joined
    leet = _leet(joined)
    if leet is not None:
        yield leet
        yield leet.replace("i", "l")
    lower = plain.lower()
    if any(word in lower for word in _TELLING_BACKWARDS):
        yield plain[::-1]
    if any(word in lower for word in _TELLING_ROTATED):
        yield codecs.encode(plain, "rot13")
    escaped = _ESCAPES.sub(lambda m: chr(int(m[1] or m[2] or m[3], 16)), _MORE_ESCAPES.sub(_meant, plain))
    if escaped != plain:
        yield escaped
    for pattern in (_JOINS, _TAG_BESIDE):
        together, count = pattern.subn("", plain)
        if count > _FEW:
            yield together
    yield from _decoded(plain)


def _join(match: re.Match[str]) -> str:
    """Letters joined to words: where two spaces part words, by them, otherwise by the words that are looked for."""
    parts = [re.sub(r"[ .\-_*·]", "", part) for part in re.split(r" {2,}", match[0])]
    return " ".join(parts) if len(parts) > 1 else segmented(parts[0].lower())


@lru_cache(maxsize=1)
def _vocabulary() -> frozenset[str]:
    texts = (lexicon.ROLE_TEXTS, lexicon_acts.ROLE_TEXTS, lexicon_claims.ROLE_TEXTS)
    words = (word for roles in texts for text in roles.values() for word in _WORD.findall(text) if len(word) > 2)
    return frozenset(words) | {"as", "is", "it", "to", "of", "at", "in", "response", "please", "must"}


def segmented(run: str) -> str:
    """Letters without gaps as words, the longest known word first at each place; what is unknown stays together."""
    known = _vocabulary()
    words, at = [], 0
    while at < len(run):
        size = next((n for n in range(min(14, len(run) - at), 1, -1) if run[at : at + n] in known), 1)
        words.append(run[at : at + size])
        at += size
    return " ".join(words)


def _leet(text: str) -> str | None:
    """The text with digits read as letters, where at least two words mix both."""
    words = _LEET_WORD.findall(text[:20_000])
    if sum(sum(c.isalpha() for c in word) >= 2 for word in words) < 2:
        return None
    return text[:20_000].translate(_LEET)


def _decoded(text: str) -> Iterator[str]:
    runs = 0
    for pattern, decode in ((_BASE64, _from_base64), (_HEX, _from_hex), (_BINARY, _from_binary),
                            (_CODES, _from_codes), (_BASE32, _from_base32)):  # fmt: skip
        for match in pattern.finditer(text):
            runs += 1
            if runs > _ENCODED:
                return
            try:
                words = decode(match[0]).decode("utf-8")
            except (ValueError, binascii.Error):
                continue
            if len(words) > 5 and words.isprintable():
                yield words


def _from_base64(run: str) -> bytes:
    bare = run.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(bare + "=" * (-len(bare) % 4))


def _from_hex(run: str) -> bytes:
    return bytes.fromhex(run.replace(":", ""))


def _from_codes(run: str) -> bytes:
    return bytes(map(int, re.split(r"[ ,;]+", run)))


def _from_base32(run: str) -> bytes:
    bare = run.rstrip("=")
    return base64.b32decode(bare + "=" * (-len(bare) % 8))


def _meant(found: re.Match[str]) -> str:
    """The letters of a run of escapes."""
    run = found[0]
    if run[0] == "=":
        return "".join(chr(int(code, 16)) for code in re.findall("=([0-9A-Fa-f]{2})", run))
    if run.startswith("\\u"):
        return "".join(chr(int(code, 16)) for code in re.findall(r"\{([0-9A-Fa-f]+)", run))
    octal = re.fullmatch(r"(?:\\[01][0-7]{2})+", run) is not None
    return "".join(chr(int(code, 8 if octal else 16)) for code in re.findall(r"\\([0-9A-Fa-f]+)", run))


def _from_binary(run: str) -> bytes:
    bits = run.replace(" ", "")
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
