"""Characters to tokens: numbers with their separators, commands, words, text."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, NamedTuple

from veritune.verifiers.math.syntax.nodes import Num
from veritune.verifiers.math.syntax.vocabulary import (
    ALIASES,
    AMBIGUOUS,
    BARE_COMMANDS,
    GLUED,
    IGNORED,
    KEEP_WORDS,
    TEXT_COMMANDS,
)

Kind = Literal["num", "sym", "cmd", "op", "text", "begin", "end", "group", "eof"]
Commas = Literal["auto", "always", "never"]


class Token(NamedTuple):
    kind: Kind
    value: str
    number: Num | None = None
    spaced: bool = False
    """A space stood before it."""


class LexError(ValueError):
    """The text holds something that is no mathematics."""


_ORDINALS = tuple(
    form.replace("th", ending)
    for ending in ("th", "st", "nd", "rd")
    for form in ("th", "^{th}", "^th", "^{\\text{th}}", "^\\text{th}", "\\text{th}", "^{\\mathrm{th}}")
)
_ORDINAL_STARTS = frozenset("tsnr^\\")
_SYMBOLIC = frozenset(["<", ">", "*", "/", "|", ":", "[", "]", "(", ")", "\\{", "\\}", "%", "<=", ">=", "!="])
_OPEN, _CLOSE = frozenset(["(", "[", "\\{"]), frozenset([")", "]", "\\}"])
_GROUPING = ("{,}", ",\\!", "\\,", ",\\,", ", \\!", "\\!,", "\\;", "\\ ", "~", "'", "{ }", "\\:")


def tokenize(text: str, commas: Commas = "auto", limit: int = 4096) -> list[Token]:
    """The tokens of `text`, the last of kind ``eof``. Raises LexError."""
    return _Lexer(text, commas, limit).run()


class _Lexer:
    def __init__(self, text: str, commas: Commas, limit: int) -> None:
        self.text = text
        self.at = 0
        self.commas = commas
        self.limit = limit
        self.out: list[Token] = []
        self.brackets = 0
        self.spaced = False

    def run(self) -> list[Token]:
        text, size = self.text, len(self.text)
        while self.at < size:
            c = text[self.at]
            if c in " \n$~":
                self.spaced = True
                self.at += 1
                continue
            if c.isdigit() or (c == "." and self.at + 1 < size and text[self.at + 1].isdigit()):
                self.number()
            elif c == "\\":
                self.command()
            elif c.isalpha():
                self.letters()
            else:
                self.sign(c)
            if len(self.out) > self.limit:
                raise LexError("more tokens than a tree may hold")
        self.out.append(Token("eof", ""))
        return self.out

    def put(self, kind: Kind, value: str, number: Num | None = None) -> None:
        self.out.append(Token(kind, value, number, self.spaced))
        self.spaced = False

    def sign(self, c: str) -> None:
        two = self.text[self.at : self.at + 2]
        if two in ("<=", ">=", "!=", "==", "**", "=<", "=>", "->"):
            self.at += 2
            self.operator({"==": "=", "**": "^", "=<": "<=", "=>": ">=", "->": "to"}.get(two, two))
            return
        self.at += 1
        if c == "?":
            raise LexError("a question mark")
        self.operator(c)

    def operator(self, value: str) -> None:
        if value in _OPEN:
            self.brackets += 1
        elif value in _CLOSE:
            self.brackets -= 1
        self.put("op", value)

    def number(self) -> None:
        start = self.at
        whole = self._digits()
        groups = 0
        if whole and len(whole) <= 3 and whole[0] != "0":
            whole, groups = self._groups(whole)
        places = ""
        text = self.text
        if text.startswith(".", self.at) and text[self.at + 1 : self.at + 2].isdigit():
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
        while self.at < size and text[self.at].isdigit():
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
            if len(group) < 3 or not group.isdigit() or text[begin + 3 : begin + 4].isdigit():
                break
            digits, at, count, style = digits + group, begin + 3, count + 1, separator
        loose = style == "," and text.startswith(",", at) and text[at + 1 : at + 2].isdigit()
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
                while end < len(text) and text[end].isdigit():
                    end += 1
                digits = text[begin:end]
                if not digits:
                    return None
                self.at = end + (1 if opening.endswith("{") and text[end : end + 1] == "}" else 0)
                return digits + self._dotted() if opening == "\\dot{" else digits
        if text[at : at + 1] == "(":
            end = text.find(")", at + 1, at + 24)
            if end > 0 and text[at + 1 : end].isdigit():
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
        if last.isdigit() and self.text[self.at : self.at + 7] == f"\\dot{{{last}}}":
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
        while end < len(text) and text[end].isdigit():
            end += 1
        if end == start or end - start > 5 or text[end : end + 1].isalpha():
            return 0
        self.at = end
        return int(text[at + 1 : end])

    def letters(self) -> None:
        start, text, size = self.at, self.text, len(self.text)
        while self.at < size and text[self.at].isalpha():
            self.at += 1
        word = text[start : self.at]
        low = word.lower()
        if not word.isascii():
            self.put("text", word)
        elif word == "Matrix" and self.text.startswith("(", self.at):
            return
        elif low in AMBIGUOUS and self._after_number():
            self.put("text", word)
        elif len(word) > 1 and _is_command(word):
            self._emit_command(low)
        elif len(word) == 1:
            self.symbol(word)
        elif len(word) == 3 and low.endswith("pi") and word[0] in "knrmx":
            self.symbol(word[0])
            self._emit_command("pi")
        elif (len(word) > 3 and not word.isupper()) or low in KEEP_WORDS:
            self.put("text", word)
        else:
            for letter in word:
                self.symbol(letter)

    def _after_number(self) -> bool:
        return bool(self.out) and (self.out[-1].kind == "num" or self.out[-1].value == "}")

    def symbol(self, letter: str) -> None:
        self.put("sym", letter)

    def command(self) -> None:
        text, at = self.text, self.at + 1
        end = at
        while end < len(text) and text[end].isascii() and text[end].isalpha():
            end += 1
        if end == at:
            self._escaped(text[at : at + 1])
            return
        name = text[at:end]
        self.at = end
        if name in IGNORED:
            if name in ("hspace", "vspace", "phantom", "hphantom", "vphantom", "color"):
                self.braced()
            if name == "right" and text.startswith(".", end):
                self.at += 1
            if name == "left" and text.startswith(".", end):
                self.at += 1
            return
        if name in TEXT_COMMANDS:
            if text.startswith("*", self.at):
                self.at += 1
            self._text(name)
        elif name in ("begin", "end"):
            environment = self.braced()
            if name == "begin" and environment.strip("*") in ("array", "tabular"):
                self.braced()
            self.put("begin" if name == "begin" else "end", environment.strip().strip("*"))
        elif name in ("mathbb", "mathcal", "mathscr", "mathfrak", "Bbb"):
            self.put("cmd", "set:" + self.braced().strip())
        elif name.startswith(GLUED) and name not in GLUED:
            self.at -= len(name) - len(next(g for g in GLUED if name.startswith(g)))
        else:
            self._emit_command(name)

    def _emit_command(self, name: str) -> None:
        name = ALIASES.get(name, name)
        name = ALIASES.get(name, name)
        if name in _SYMBOLIC:
            self.operator(name)
        elif name == "i":
            self.symbol("i")
        else:
            self.put("cmd", name)

    def _escaped(self, c: str) -> None:
        self.at += 2
        if c in "{}":
            self.operator("\\" + c)
        elif c == "%":
            self.operator("%")
        elif c == "\\":
            self.put("op", "\\\\")
        elif c == "|":
            self.operator("||")
        elif c in "()[]":
            return
        elif c in ",;:! $/":
            self.spaced = True
        elif c in "_&#":
            self.put("op", c)
        elif c not in "\"'-.@~`":
            raise LexError("a backslash before nothing that it escapes")

    def braced(self) -> str:
        """The raw text of the ``{…}`` that follows, brackets matched; empty if none follows."""
        text, at = self.text, self.at
        while text.startswith(" ", at):
            at += 1
        if not text.startswith("{", at):
            return ""
        depth = 0
        for end in range(at, len(text)):
            c = text[end]
            if c == "{" and text[end - 1] != "\\":
                depth += 1
            elif c == "}" and text[end - 1] != "\\":
                depth -= 1
                if depth == 0:
                    self.at = end + 1
                    return text[at + 1 : end]
        raise LexError("a brace that never closes")

    def _text(self, command: str) -> None:
        content = self.braced() or self._next_letter()
        words = plain_words(content)
        low = words.lower()
        if not words:
            return
        if low in AMBIGUOUS and command not in ("operatorname", "operatorname*") and self._after_number():
            self.put("text", words)
        elif low in BARE_COMMANDS or low in ALIASES:
            self._emit_command(low)
        elif low in ("e", "i", "d", "x", "y", "n") and command in ("mathrm", "operatorname", "text"):
            self.symbol(low)
        elif not any(c.isalpha() for c in words):
            inner = _Lexer(words, self.commas, self.limit)
            inner.brackets = self.brackets
            self.out.extend(inner.run()[:-1])
        elif command == "mathrm" and len(words) <= 2 and words.isupper() and content[0] not in "~ ":
            for letter in words:
                self.symbol(letter)
        else:
            self.put("text", words)

    def _next_letter(self) -> str:
        text = self.text
        while text.startswith(" ", self.at):
            self.at += 1
        if self.at < len(text) and text[self.at].isalnum():
            self.at += 1
            return text[self.at - 1]
        return ""


def _is_command(word: str) -> bool:
    """Whether a bare word is a command: ``sqrt``, ``Sin``, ``asin``."""
    low = word.lower()
    known = low if word.istitle() or word.isupper() else word
    return known in BARE_COMMANDS or ALIASES.get(low, "") in BARE_COMMANDS


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
