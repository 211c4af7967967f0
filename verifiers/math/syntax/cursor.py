"""A place in a run of tokens, and how deep the reading is."""

from __future__ import annotations

from veritune.verifiers.math.syntax.nodes import Node
from veritune.verifiers.math.syntax.tokens import Token


class ParseError(ValueError):
    """The text is no mathematics that this parser knows."""


class Cursor:
    """Tokens with a position. Every step forward is paid by a token; nesting is capped."""

    def __init__(self, tokens: list[Token], max_depth: int) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.max_depth = max_depth
        self.bars = 0
        self.in_set = False
        self.congruent = False

    @property
    def here(self) -> Token:
        return self.tokens[self.at]

    def peek(self, ahead: int = 1) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.tokens[self.at]
        if token.kind != "eof":
            self.at += 1
        return token

    def op(self, value: str) -> bool:
        token = self.tokens[self.at]
        return token.value == value and token.kind == "op"

    def cmd(self, value: str) -> bool:
        token = self.tokens[self.at]
        return token.value == value and token.kind == "cmd"

    def expect(self, value: str) -> None:
        if not self.op(value):
            raise ParseError(f"expected {value!r} before {self.here.value!r}")
        self.at += 1

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > self.max_depth:
            raise ParseError(f"nested more than {self.max_depth} deep")

    def sum(self) -> Node:
        """Terms with signs between them; the parser proper defines it."""
        raise NotImplementedError

    def relation(self) -> Node:
        """A chain of relations; the parser proper defines it."""
        raise NotImplementedError

    def listing(self, closers: frozenset[str]) -> Node:
        """Relations with separators between them; the parser proper defines it."""
        raise NotImplementedError

    def power(self) -> Node:
        """A primary with its exponent; the parser proper defines it."""
        raise NotImplementedError

    def exponent(self) -> Node:
        """What stands behind ``^``; the parser proper defines it."""
        raise NotImplementedError

    def postfix(self, value: Node) -> Node:
        """Signs behind a value; the parser proper defines it."""
        raise NotImplementedError

    def single(self) -> Node:
        """One token or word as a subscript; the parser proper defines it."""
        raise NotImplementedError
