"""Letters that are applied to something: ``f(x)``, ``P(A|B)``, ``C(5, 2)``, ``A_5^3``."""

from __future__ import annotations

from veritune.verifiers.math.syntax.build import flat, times
from veritune.verifiers.math.syntax.nodes import Func, Group, Node, Num, Sym
from veritune.verifiers.math.syntax.operators import Operators


class Calls(Operators):
    """Reads what stands behind a letter that may be a function."""

    def bracketed(self, opening: str) -> Node:
        """What stands in brackets; the atoms define it."""
        raise NotImplementedError

    def call(self, name: str) -> Node:
        given = self._given(name) if name == "P" else None
        if given is not None:
            return given
        inside = self.bracketed("(")
        args = inside.items if isinstance(inside, Group) else (inside,)
        return Func("call_" + name, args)

    def _given(self, name: str) -> Node | None:
        """``P(A|B)``: a condition behind a bar."""
        start, depth = self.at, self.depth
        bars, self.bars = self.bars, self.bars + 1
        self.take()
        event = self.listing(frozenset([")", "]"]))
        if self.op("|"):
            self.take()
            condition = self.listing(frozenset([")", "]"]))
            self.bars = bars
            self.expect(")")
            return Func("call_" + name, (Func("given", (event, condition)),))
        self.at, self.depth, self.bars = start, depth, bars
        return None

    def _combination(self, name: str) -> Node:
        inside = self.bracketed("(")
        if isinstance(inside, Group) and len(inside.items) == 2:
            return Func("binom", inside.items)
        return times(Sym(name), inside)

    def _choose(self) -> Node:
        """``C_{n}^{k}``, the Chinese way to write a binomial coefficient; otherwise a subscripted C."""
        self.take()
        under = self.braced() if self.op("{") else self.single()
        if self.op("^"):
            self.take()
            return Func("binom", (under, self.exponent()))
        return Sym("C_" + flat(under))

    def _arranged(self, name: str) -> Node:
        """``A_5^3`` and ``C^3_{10}``, arrangements and choices of numbers; otherwise the letter alone."""
        start, depth, tokens = self.at, self.depth, list(self.tokens)
        found: dict[str, Node] = {}
        for _ in range(2):
            if self.op("_") or self.op("^"):
                sign = self.take().value
                found[sign] = self.argument()
        if set(found) == {"_", "^"} and all(isinstance(n, Num) for n in found.values()):
            return Func("binom" if name == "C" else "perm", (found["_"], found["^"]))
        self.at, self.depth, self.tokens = start, depth, tokens
        return Sym(name)
