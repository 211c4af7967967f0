"""Pieces of a secret in a text: wherever they were cut from it, and however a library or a server writes them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

TOLD = 12
"""So many characters of a secret in a row are hidden, and so is a secret of so many or more."""
_MIXED = 8
"""So many are where letters and digits are among them, which no word has."""
_LETTER = re.compile(
    r"\\+(?:u([0-9a-f]{4})|x([0-9a-f]{2})|[rn])?|%(?:25)*([0-9a-f]{2})|&(?:amp;)*#x([0-9a-f]{1,4});"
    r"|&(?:amp;)*#([0-9]{1,4});|&(?:amp;)*(quot|lt|gt|apos|amp);|\r?\n[ \t]{0,8}",
    re.IGNORECASE,
)
"""A letter as programs, addresses and pages write it, escaped once or several times; or the end of a line."""
_APART = re.compile(r"(?:[^\s,:;'\"|]{1,2}[ ,:;'\"|\t]{1,4}){11,4000}[^\s,:;'\"|]{1,2}")
"""Letters or bytes with something between each, as debuggers print them."""
_BETWEEN = re.compile(r"[ ,:;'\"|\t]+")
_WIDE = {0xFEE0 + code: code for code in range(0x21, 0x7F)}
_NAMED = {"quot": '"', "lt": "<", "gt": ">", "apos": "'", "amp": "&"}


@dataclass(frozen=True)
class _Form:
    grams: frozenset[str]
    width: int
    enough: int
    """A run of so many letters is hidden; a shorter one of ``width`` or more where letters and digits are in it."""


@dataclass(frozen=True)
class Pieces:
    """Finds the pieces of some secrets."""

    forms: tuple[_Form, ...]
    parts: frozenset[str]
    """Some letters of each piece, of which one stands at every ``stride`` letters: most texts have none of these."""
    part: int
    stride: int

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, secrets: tuple[str, ...]) -> Pieces:
        """For secrets of at least :data:`TOLD` characters."""
        forms = [form for secret in secrets for form in _forms(secret)]
        least = min(form.width for form in forms)
        part = min(4, least)
        parts = frozenset(gram[i : i + part] for form in forms for gram in form.grams for i in range(form.width))
        return cls(tuple(forms), frozenset(each for each in parts if len(each) == part), part, least - part + 1)

    def hidden(self, text: str, mark: str) -> str:
        """The text with the mark for each piece, also where something stands between all its letters."""
        return self._found(_APART.sub(lambda apart: self._closed(apart[0], mark), text), mark)

    def _closed(self, text: str, mark: str) -> str:
        closed = _BETWEEN.sub("", text)
        return text if self._found(closed, mark) == closed else mark

    def _found(self, text: str, mark: str) -> str:
        letters, part = _fold(_LETTER.sub(_meant, text)), self.part
        if not any(letters[i : i + part] in self.parts for i in range(0, len(letters), self.stride)):
            return text
        spans = _spans(text)
        out, done = [], 0
        for first, last in _joined(sorted(run for form in self.forms for run in _runs(letters, form))):
            start, end = spans[first][0], spans[last - 1][1]
            out += [text[done:start], mark]
            done = end
        return "".join([*out, text[done:]])


def _forms(secret: str) -> Iterator[_Form]:
    bare = secret.replace("\\", "")
    folded = {_fold(bare), *(_fold(_LETTER.sub(_meant, each)) for each in (bare, secret))}
    folded |= {_fold(each.encode(errors="replace").decode("latin-1")) for each in folded}  # an address writes bytes,
    folded |= {each.replace(" ", "-") for each in folded}  # and a blank as +, which is folded to -
    for letters in filter(None, folded):
        lost = len(secret) - len(letters)  # backslashes and escapes
        yield _form(letters, min(_MIXED, len(letters)), max(min(_MIXED, len(letters)), TOLD - max(0, lost)))
    data = secret.encode(errors="replace")
    yield _form(data.hex(), 2 * _MIXED, 2 * _MIXED)
    for shift in range(3):
        yield _form(_fold(_middle_of_base64(data, shift)), TOLD, TOLD)


def _form(letters: str, width: int, enough: int) -> _Form:
    return _Form(frozenset(letters[i : i + width] for i in range(len(letters) - width + 1)), width, enough)


def _middle_of_base64(secret: bytes, shift: int) -> str:
    """What base64 makes of a secret that begins ``shift`` bytes into a group of three, whatever stands around it."""
    data = b"\0" * shift + secret
    whole = len(data) // 3 * 3
    return base64.b64encode(data[:whole]).decode()[(0, 2, 3)[shift] :]


def _fold(text: str) -> str:
    """Letter for letter, without what differs between cases and between the alphabets of base64."""
    lower = text.lower() if text.isascii() else text.translate(_WIDE).lower()
    if len(lower) != len(text):
        lower = "".join(letter.lower()[0] for letter in text)
    return lower.replace("+", "-").replace("/", "_")


def _meant(found: re.Match[str]) -> str:
    """The letter that is meant; nothing for the end of a line and for backslashes, of which escapes add some."""
    wide, narrow, address, hexadecimal, decimal, name = found.groups()
    if code := wide or narrow or address or hexadecimal:
        letter = chr(int(code, 16))
    else:
        letter = chr(int(decimal)) if decimal else _NAMED.get((name or "").lower(), "")
    return "" if letter in "\\\r\n" else letter


def _spans(text: str) -> list[tuple[int, int]]:
    """From where to where each letter is written that is meant."""
    spans: list[tuple[int, int]] = []
    done = 0
    for found in _LETTER.finditer(text):
        spans += [(i, i + 1) for i in range(done, found.start())]
        done = found.end()
        if _meant(found):
            spans.append(found.span())
    return [*spans, *((i, i + 1) for i in range(done, len(text)))]


def _runs(letters: str, form: _Form) -> Iterator[tuple[int, int]]:
    """Where the letters of a form stand, from the first to behind the last of each run that tells enough of it."""
    starts = (i for i in range(len(letters) - form.width + 1) if letters[i : i + form.width] in form.grams)
    for first, last in _joined((i, i + form.width) for i in starts):
        run = letters[first:last]
        if last - first >= form.enough or (any(map(str.isdecimal, run)) and any(map(str.isalpha, run))):
            yield first, last


def _joined(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Sorted spans, those that meet as one."""
    first, last = -1, -1
    for start, end in spans:
        if start > last:
            if last > first:
                yield first, last
            first, last = start, end
        last = max(last, end)
    if last > first:
        yield first, last
