"""What stands behind a value: powers, factorials, percent and degree signs, primes, subscripts."""

from __future__ import annotations

from fractions import Fraction

from veritune.verifiers.math.syntax.atoms import Atoms
from veritune.verifiers.math.syntax.build import flat, negate
from veritune.verifiers.math.syntax.cursor import ParseError
from veritune.verifiers.math.syntax.nodes import (
    Based,
    Degree,
    Func,
    Group,
    Node,
    Num,
    Percent,
    Pow,
    Sym,
    Unit,
    Words,
)
from veritune.verifiers.math.syntax.vocabulary import BASES


class Postfix(Atoms):
    """Atoms with everything that is written behind or above them."""

    def power(self) -> Node:
        value = self.postfix(self.primary())
        if self.op("^"):
            self.take()
            if self.cmd("circ") or (self.op("{") and self.peek().value == "circ"):
                value = self.degrees(value)
            elif self.op("'") or self.cmd("prime"):
                value = self._primed(value)
            else:
                exponent = self.exponent()
                value = Pow(value, exponent)
            value = self.postfix(value)
            if self.op("^"):
                self.take()
                value = Pow(value.base, Pow(value.exponent, self.exponent())) if isinstance(value, Pow) else value
        return value

    def _primed(self, value: Node) -> Node:
        while self.op("'") or self.cmd("prime"):
            self.take()
            value = Func("prime", (value,))
        return value

    def degrees(self, value: Node) -> Node:
        braced = self.op("{")
        if braced:
            self.take()
        self.take()
        if braced:
            self.expect("}")
        if self.here.kind == "sym" and self.here.value in "CF" and self.peek().kind != "op":
            return Unit(value, "degrees " + self.take().value)
        minutes = Fraction(0)
        if self.here.kind == "num" and self.peek().value == "'":
            minutes = self.here.number.value / 60 if self.here.number else minutes
            self.at += 2
        if minutes and isinstance(value, Num):
            value = Num(value.value + minutes)
        return Degree(value)

    def exponent(self) -> Node:
        """What follows ``^``: a group, a signed number or name, or a bracketed expression."""
        self.deeper()
        if self.op("{"):
            value = self.braced()
        elif self.op("-") or self.op("+"):
            minus = self.take().value == "-"
            value = self.exponent()
            value = negate(value) if minus else value
        elif self.op("*"):
            self.take()
            value = Sym("star")
        else:
            value = self.primary()
            if self.op("!"):
                self.take()
                value = Func("factorial", (value,))
        if self.op("^"):
            self.take()
            value = Pow(value, self.exponent())
        self.depth -= 1
        return value

    def postfix(self, value: Node) -> Node:
        for _ in range(8):
            if self.op("!"):
                self.take()
                double = self.op("!")
                if double:
                    self.take()
                value = Func("factorial2" if double else "factorial", (value,))
            elif self.op("%"):
                self.take()
                value = Percent(value)
            elif self.cmd("circ"):
                if isinstance(value, Sym) and self.peek().kind == "sym":
                    raise ParseError("functions one after the other")
                value = self.degrees(value)
            elif self.op("'"):
                value = self._primed(value)
            elif self.op("_"):
                value = self.subscript(value)
            else:
                return value
        raise ParseError("too many signs behind a value")

    def subscript(self, value: Node) -> Node:
        self.take()
        index = self.braced() if self.op("{") else self.single()
        label = flat(index)
        if isinstance(value, Num) and value.value.denominator == 1 and isinstance(index, Num | Words | Group):
            base = BASES.get(label.lower(), label.strip("()"))
            if base.isdecimal() and 2 <= int(base) <= 36:
                return Based(str(value.value.numerator), int(base))
        if isinstance(value, Sym):
            return Sym(f"{value.name}_{label}")
        if isinstance(value, Func | Pow | Group):
            return Func("sub_" + label, (value,))
        raise ParseError("a subscript under something that has none")

    def single(self) -> Node:
        token = self.here
        if token.kind == "text":
            return Words(self.take().value)
        return self.primary()
