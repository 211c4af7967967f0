"""Numbers as they are printed: thousands, decimals, repeating decimals, exponents, ordinals."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from veritune.verifiers.math.syntax.nodes import Num

Kind = Literal["num", "sym", "cmd", "op", "text", "begin", "end", "group", "based", "eof"]
Commas = Literal["auto", "always", "never"]


class LexError(ValueError):
    """The text holds something that is no mathematics."""


_ORDINALS = tuple(
    form.replace("th", ending)
    for ending in ("th", "st", "nd", "rd")
    for form in ("th", "^{th}", "^th", "^{\\text{th}}", "^\\text{th}", "\\text{th}", "^{\\mathrm{th}}")
)
_ORDINAL_STARTS = frozenset("tsnr^\\")
_GROUPING = ("{,}", ",\\!", "\\,", ",\\,", ", \\!", "\\!,", "\\;", "\\ ", "~", "'", "{ }", "\\:")


class Numerals:
    """The part of the lexer that reads numbers."""

    text: str
    at: int
    commas: Commas
    brackets: int

    def put(self, kind: Kind, value: str, number: Num | None = None) -> None:
        """Add a token."""
        raise NotImplementedError

    def number(self) -> None:
        start = self.at
        whole = self._digits()
        groups = 0
        if whole and len(whole) <= 3 and whole[0] != "0":
            whole, groups = self._groups(whole)
        places = ""
        text = self.text
        if text.startswith(".", self.at) and text[self.at + 1 : self.at + 2].isdecimal():
            self.at += 1
            places = self._digits()
        repeating = self._repeating(places, bool(places) or text[self.at : self.at + 1] == ".")
        if repeating is not None:
            self.put("num", whole + "." + places, _repeated(whole, places, repeating))
            return
        shift = self._exponent()
        self._ordinal()
        if len(whole) + len(places) > 2000 or abs(shift) > 2000:
            raise LexError("a number of more than 2000 digits")
        if not places and not shift:
            self.put("num", whole if not groups else text[start : self.at], Num(Fraction(int(whole))))
            return
        self.put("num", text[start : self.at], _decimal(whole, places, shift))

    def _digits(self) -> str:
        start = self.at
        text, size = self.text, len(self.text)
        while self.at < size and text[self.at].isdecimal():
            self.at += 1
        return text[start : self.at]

    def _groups(self, first: str) -> tuple[str, int]:
        """Thousands separators: ``1,000``, ``1{,}000``, ``1,\\!000``, ``1\\,000``, ``1 000``."""
        text, at, digits, count = self.text, self.at, first, 0
        plain = self.commas == "always" or (self.commas == "auto" and self.brackets <= 0)
        style = ""
        while True:
            separator = next((s for s in _GROUPING if text.startswith(s, at)), "")
            if not separator and plain and text.startswith(",", at):
                separator = ","
            if not separator and text.startswith(" ", at):
                separator = " "
            if not separator or (style and (separator in ", ") != (style in ", ")):
                break
            begin = at + len(separator)
            while separator not in ", " and text.startswith(" ", begin):
                begin += 1
            group = text[begin : begin + 3]
            if len(group) < 3 or not group.isdecimal() or text[begin + 3 : begin + 4].isdecimal():
                break
            digits, at, count, style = digits + group, begin + 3, count + 1, separator
        loose = style == "," and text.startswith(",", at) and text[at + 1 : at + 2].isdecimal()
        if count == 0 or loose or (style == " " and text[at : at + 2].strip()[:1] in ("/", "\\")):
            return first, 0
        self.at = at
        return digits, count

    def _repeating(self, places: str, decimal: bool) -> str | None:
        """The repeated digits of ``0.1\\overline{6}``, ``0.1(6)``, ``0.\\dot{3}``, ``0.333...``; None if none."""
        if not decimal:
            return None
        text, at = self.text, self.at
        if not places and text[at : at + 1] == ".":
            at += 1
        for opening in ("\\overline{", "\\bar{", "\\dot{", "\\overline ", "\\bar "):
            if text.startswith(opening, at):
                begin = at + len(opening)
                end = begin
                while end < len(text) and text[end].isdecimal():
                    end += 1
                digits = text[begin:end]
                if not digits:
                    return None
                self.at = end + (1 if opening.endswith("{") and text[end : end + 1] == "}" else 0)
                return digits + self._dotted() if opening == "\\dot{" else digits
        if text[at : at + 1] == "(":
            end = text.find(")", at + 1, at + 24)
            if end > 0 and text[at + 1 : end].isdecimal():
                self.at = end + 1
                return text[at + 1 : end]
        if places:
            for dots in ("...", "\\ldots", "\\dots", "\\cdots"):
                if text.startswith(dots, at):
                    period = _period(places)
                    if period:
                        self.at = at + len(dots)
                    return period
        return None

    def _dotted(self) -> str:
        """The rest of a period that begins and ends under a dot: ``4285\\dot{7}`` behind ``\\dot{1}``."""
        start = self.at
        between = self._digits()
        last = self.text[self.at + 5 : self.at + 6]
        if last.isdecimal() and self.text[self.at : self.at + 7] == f"\\dot{{{last}}}":
            self.at += 7
            return between + last
        self.at = start
        return ""

    def _ordinal(self) -> None:
        """The ``th`` of ``5th`` and ``5^{\\text{th}}`` says nothing about the value."""
        if self.text[self.at : self.at + 1] not in _ORDINAL_STARTS:
            return
        for ending in _ORDINALS:
            if self.text.startswith(ending, self.at) and not self.text[self.at + len(ending) :][:1].isalpha():
                self.at += len(ending)
                return

    def _exponent(self) -> int:
        text, at = self.text, self.at
        if text[at : at + 1] not in ("e", "E"):
            return 0
        end = at + 1
        if text[end : end + 1] in ("+", "-"):
            end += 1
        start = end
        while end < len(text) and text[end].isdecimal():
            end += 1
        if end == start or end - start > 5 or text[end : end + 1].isalpha():
            return 0
        self.at = end
        return int(text[at + 1 : end])


def _decimal(whole: str, places: str, shift: int) -> Num:
    mantissa = whole + places
    value = Fraction(int(mantissa), 10 ** len(places))
    ulp = Fraction(1, 10 ** len(places))
    if shift:
        scale = Fraction(10) ** shift
        value, ulp = value * scale, ulp * scale
    significant = len(mantissa.lstrip("0")) or 1
    return Num(value, significant, ulp)


def _repeated(whole: str, places: str, period: str) -> Num:
    head = Fraction(int((whole or "0") + places), 10 ** len(places))
    return Num(head + Fraction(int(period), (10 ** len(period) - 1) * 10 ** len(places)))


def _period(places: str) -> str | None:
    """The repeated block that the printed digits end in at least twice (three times if one digit); else None."""
    for size in range(1, min(len(places) // 2, 12) + 1):
        need = 3 if size == 1 else 2
        block = places[-size:]
        if len(places) >= need * size and places.endswith(block * need):
            return block
    return None
