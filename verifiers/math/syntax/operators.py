"""Sums, products, integrals, limits, derivatives, gcd, max …: read into what they are made of, where that is plain."""

from __future__ import annotations

from fractions import Fraction

from veritune.verifiers.math.syntax.cursor import Cursor, ParseError
from veritune.verifiers.math.syntax.nodes import (
    Func,
    Group,
    Listing,
    Matrix,
    Neg,
    Node,
    Num,
    Operator,
    Relation,
    SetOf,
    Words,
)
from veritune.verifiers.math.syntax.tokens import Token

_SEVERAL = frozenset(["gcd", "lcm", "max", "min"])
_STOPS = frozenset([",", ";", ")", "]", "}", "\\}", "=", "\\\\", "&"])
_DIFFERENTIAL = Token("op", "differential")
_ONE = Token("num", "1", Num(Fraction(1)))


class Operators(Cursor):
    """Reads what follows the command of an operator."""

    def braced(self) -> Node:
        """``{…}``; the atoms define it."""
        raise NotImplementedError

    def primary(self) -> Node:
        """One primary; the atoms define it."""
        raise NotImplementedError

    def argument(self) -> Node:
        """A group, or one digit or symbol; the atoms define it."""
        raise NotImplementedError

    def term(self) -> Node:
        """Factors with products between them; the parser proper defines it."""
        raise NotImplementedError

    def operator(self, name: str) -> Node:
        """An operator with its parts; one that cannot be taken apart is kept whole, to be compared as text."""
        start, depth, bars, tokens = self.at, self.depth, self.bars, list(self.tokens)
        try:
            found = self._structured(name)
            if found is not None:
                return found
        except ParseError:
            pass
        self.at, self.depth, self.bars, self.tokens = start, depth, bars, tokens
        return self._unread(name)

    def _unread(self, name: str) -> Node:
        words: list[str] = []
        depth = 0
        while self.here.kind != "eof":
            token = self.here
            if depth == 0 and (token.value in _STOPS or token.kind == "end"):
                break
            depth += token.value in ("(", "[", "{", "\\{")
            depth -= token.value in (")", "]", "}", "\\}")
            words.append(self.take().value)
        return Operator(name, " ".join(words))

    def _structured(self, name: str) -> Node | None:
        start = self.at
        found: tuple[tuple[Node, ...], str] | None = None
        if name in _SEVERAL:
            found = self._arguments(), ""
        elif name in ("sum", "prod"):
            found = self._indexed()
        elif name == "int":
            name, found = self._integral()
        elif name == "lim":
            found, side = self._limit()
            return Operator(name, self._source(start) + side, *found)
        elif name == "det":
            inside = self.primary()
            matrix = inside.items[0] if isinstance(inside, Group) and len(inside.items) == 1 else inside
            found = ((matrix,), "") if isinstance(matrix, Matrix) else None
        if found is None:
            return None
        return Operator(name, self._source(start), *found)

    def _source(self, start: int) -> str:
        return " ".join(token.value for token in self.tokens[start : self.at])

    def _arguments(self) -> tuple[Node, ...]:
        if not (self.op("(") or self.op("\\{") or self.op("{") or self.op("[")):
            raise ParseError("an operator without arguments")
        inside = self.primary()
        if isinstance(inside, Group | SetOf | Listing) and len(inside.items) > 1:
            return inside.items
        raise ParseError("an operator of one argument")

    def _indexed(self) -> tuple[tuple[Node, ...], str]:
        """``_{k=1}^{n}`` and what stands behind it."""
        self.expect("_")
        self.expect("{")
        bound = self._bound()
        self.expect("=")
        low = self.sum()
        self.expect("}")
        self.expect("^")
        high = self._end()
        return (low, high, self.term()), bound

    def _end(self) -> Node:
        if self.op("-") or self.op("+"):
            minus = self.take().value == "-"
            end = self.argument()
            return Neg(end) if minus else end
        return self.argument()

    def _bound(self) -> str:
        if self.here.kind != "sym":
            raise ParseError("an index that is no letter")
        return self.take().value

    def _integral(self) -> tuple[str, tuple[tuple[Node, ...], str]]:
        ends: list[Node] = []
        for sign in ("_", "^"):
            if self.op(sign):
                self.take()
                ends.append(self._end())
        at = self._differential()
        bound = self.tokens[at + 1].value
        if at == self.at or (self.tokens[at - 1].value == "{" and self.tokens[at + 2].value == "}"):
            self.tokens[at : at + 2] = [_ONE] if at != self.at else [_ONE, _DIFFERENTIAL]
        elif self.tokens[at + 2].value == "}" and self.tokens[at - 1].value != "}" and self._inside(at):
            self.tokens[at : at + 2] = []
        else:
            self.tokens[at : at + 2] = [_DIFFERENTIAL]
        body = self.sum()
        if self.op("differential"):
            self.take()
        if len(ends) == 2:
            return "int", ((ends[0], ends[1], body), bound)
        if ends:
            raise ParseError("an integral with one end")
        return "primitive", ((body,), bound)

    def _inside(self, at: int) -> bool:
        """Whether the place `at` lies within braces that opened behind the integral sign: ``\\frac{dx}{x}``."""
        return sum((t.value == "{") - (t.value == "}") for t in self.tokens[self.at : at]) > 0

    def _differential(self) -> int:
        """Where the ``d`` of the ``dx`` stands that ends the integral."""
        depth = 0
        for at in range(self.at, len(self.tokens) - 1):
            token, following = self.tokens[at], self.tokens[at + 1]
            if token.value == "}" and depth == 0:
                break
            depth += (token.value == "{") - (token.value == "}")
            name = following.kind == "sym" or (following.kind == "cmd" and following.value in ("theta", "phi"))
            if token.kind == "sym" and token.value == "d" and name and following.value != "d":
                return at
        raise ParseError("an integral without its variable")

    def _limit(self) -> tuple[tuple[tuple[Node, ...], str], str]:
        self.expect("_")
        self.expect("{")
        bound = self._bound()
        if not self.cmd("to") and not self.op("to"):
            raise ParseError("a limit that goes nowhere")
        self.take()
        at = self.at
        while self.tokens[at].value not in ("}", "") and self.tokens[at].kind != "eof":
            at += 1
        side = ""
        if self.tokens[at - 1].value in ("+", "-") and self.tokens[at - 2].value == "^":
            side = self.tokens[at - 1].value
            self.tokens[at - 2 : at] = []
        where = self.sum()
        self.expect("}")
        return ((where, self.term()), bound), side

    def derivative(self) -> Node:
        """``\\frac{d}{dx}`` of what follows, once the ``d`` is taken."""
        start, depth, bars, tokens = self.at, self.depth, self.bars, list(self.tokens)
        try:
            self.expect("{")
            if self.take().value != "d":
                raise ParseError("a fraction below a d")
            bound = self._bound()
            self.expect("}")
            return Operator("derivative", self._source(start), (self.term(),), bound)
        except ParseError:
            self.at, self.depth, self.bars, self.tokens = start, depth, bars, tokens
            self.primary()
            return self.operator("frac_d")


def determinant(matrix: Matrix) -> Node:
    """The determinant of a matrix, to be worked out."""
    return Operator("det", str(matrix)[:200], (matrix,))


def pieces(rows: list[tuple[Node, ...]]) -> Node | None:
    """``cases`` with a value and a condition in each row; None of rows that are something else."""
    flat: list[Node] = []
    for row in rows:
        if len(row) != 2 or not conditional(row[1]):
            return None
        flat.extend(row)
    return Func("cases", tuple(flat)) if len(rows) > 1 else None


def conditional(node: Node) -> bool:
    """Whether `node` may say when a piece holds."""
    if isinstance(node, Words):
        return node.text.lower().strip(" .,") in ("otherwise", "else", "其他", "否则")
    if isinstance(node, Listing):
        return all(map(conditional, node.items))
    return isinstance(node, Relation)
