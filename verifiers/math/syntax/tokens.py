"""Characters to tokens: numbers, commands, words, text."""

from __future__ import annotations

import re
from typing import NamedTuple

from veritune.verifiers.math.syntax.nodes import Num
from veritune.verifiers.math.syntax.numerals import Commas, Kind, LexError, Numerals
from veritune.verifiers.math.syntax.vocabulary import (
    ALIASES,
    AMBIGUOUS,
    BARE_COMMANDS,
    GLUED,
    KEEP_WORDS,
    OPERATORS,
    UNIT_LIKE,
    UNIT_WORDS,
)
from veritune.verifiers.math.text.commands import IGNORED, TEXT_COMMANDS
from veritune.verifiers.math.text.strings import plain_words


class Token(NamedTuple):
    kind: Kind
    value: str
    number: Num | None = None
    spaced: bool = False
    """A space stood before it."""


_BOUND_OF = re.compile(r"\s*(?:[=_({\[A-Za-z]|\\\{)")
"""What follows ``\\inf`` where it is the greatest lower bound of something; otherwise it is written for infinity."""
_SYMBOLIC = frozenset(["<", ">", "*", "/", "|", "||", ":", "[", "]", "(", ")", "\\{", "\\}", "%", "<=", ">=", "!="])
BOLD = frozenset(["mathbf", "boldsymbol", "bm", "hat", "vec", "widehat"])
_LETTER = r"\s*(?:\\([ij])math|([ijk]))\s*"
BASIS = re.compile(
    rf"\s*\{{\s*\\(?:mathbf|boldsymbol|bm|hat|vec|mathrm)\s*\{{{_LETTER}\}}\s*\}}"
    rf"|\s*\{{\s*\\(?:mathbf|boldsymbol|bm|hat|vec|mathrm)\b{_LETTER}\}}"
    rf"|\s*\{{{_LETTER}\}}|{_LETTER}(?![A-Za-z{{])"
)
"""One of the unit vectors i, j, k behind a command for bold or a hat."""
_OPEN, _CLOSE = frozenset(["(", "[", "\\{"]), frozenset([")", "]", "\\}"])


def tokenize(text: str, commas: Commas = "auto", limit: int = 4096) -> list[Token]:
    """The tokens of `text`, the last of kind ``eof``. Raises LexError."""
    return _Lexer(text, commas, limit).run()


class _Lexer(Numerals):
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
            if c.isdecimal() or (c == "." and self.at + 1 < size and text[self.at + 1].isdecimal()):
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
        elif (low in AMBIGUOUS and (self._after_number() or self._behind_slash())) or (
            word in UNIT_WORDS and self._after_number() and (self.spaced or not word.islower())
        ):
            self.put("text", word)
        elif len(word) > 1 and _is_command(word):
            self._emit_command(low)
        elif len(word) == 1:
            self.symbol(word)
        elif len(word) == 3 and low.endswith("pi") and word[0] in "knrmx":
            self.symbol(word[0])
            self._emit_command("pi")
        elif word in UNIT_LIKE and not self._after_number() and self._in_product():
            for letter in word:
                self.symbol(letter)
        elif (len(word) > 3 and not word.isupper()) or low in KEEP_WORDS:
            self.put("text", word)
        else:
            for letter in word:
                self.symbol(letter)

    def _after_number(self) -> bool:
        return bool(self.out) and (self.out[-1].kind == "num" or self.out[-1].value == "}")

    def _behind_slash(self) -> bool:
        return bool(self.out) and self.out[-1].value == "/"

    def _in_product(self) -> bool:
        """Whether the letters just read stand in a formula: behind a sign or a letter, or before a command."""
        before = self.out[-1] if self.out else None
        if before is not None and (before.kind in ("sym", "cmd") or before.value in ("+", "-", "*", "(", "=")):
            return True
        rest = self.text[self.at : self.at + 6].lstrip()
        return rest[:1] == "\\" and rest[1:2].isalpha() and not rest.startswith(("\\text", "\\mat", "\\qu"))

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
        if name in BOLD and (basis := BASIS.match(text, end)):
            self.symbol("unit_" + next(filter(None, basis.groups()))[0])
            self.at = basis.end()
            return
        if name == "based":
            self.put("based", f"{self.braced()}_{self.braced()}")
            return
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
            letter = self.braced().strip()
            self.symbol(letter) if letter == "O" else self.put("cmd", "set:" + letter)
        elif name.startswith(GLUED) and name not in GLUED:
            self.at -= len(name) - len(next(g for g in GLUED if name.startswith(g)))
        elif name == "inf" and _BOUND_OF.match(text, end):
            self.put("cmd", name)
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
        elif words in OPERATORS and command != "text":
            self.put("cmd", words)
        elif low in BARE_COMMANDS or low in ALIASES:
            self._emit_command(low)
        elif low in ("e", "i", "d", "x", "y", "n") and command in ("mathrm", "operatorname", "text"):
            self.symbol(words if len(words) == 1 else low)
        elif (
            command == "mathrm" and len(words) == 1 and words.isascii() and words.isalpha() and not self._after_number()
        ):
            self.symbol(words)
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
