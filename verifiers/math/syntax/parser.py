"""Tokens to a tree: precedence climbing over LaTeX and plain notation. Every loop consumes a token; depth is capped."""

from __future__ import annotations

from veritune.verifiers.math.syntax.build import ZERO, add, flat, joiner, mixed_frac, negate, nest, times
from veritune.verifiers.math.syntax.cursor import ParseError
from veritune.verifiers.math.syntax.nodes import (
    Div,
    Func,
    Node,
    Num,
    PlusMinus,
    Ratio,
    Relation,
    SetOp,
    Sym,
    Unit,
    Words,
)
from veritune.verifiers.math.syntax.numerals import Commas, LexError
from veritune.verifiers.math.syntax.postfix import Postfix
from veritune.verifiers.math.syntax.tokens import Token, tokenize
from veritune.verifiers.math.syntax.vocabulary import (
    CONSTANTS,
    FUNCTIONS,
    GREEK,
    LEADING,
    MARKS,
    OPERATORS,
    RELATIONS,
    STARTERS,
)


def parse(text: str, *, commas: Commas = "auto", max_depth: int = 64, max_tokens: int = 4096) -> Node:
    """The tree of `text`. Raises ParseError."""
    try:
        tokens = tokenize(text, commas, max_tokens)
    except LexError as error:
        raise ParseError(str(error)) from None
    try:
        return _Parser(tokens, max_depth).whole()
    except RecursionError:
        raise ParseError("nested too deep") from None


class _Parser(Postfix):
    # Lists

    def whole(self) -> Node:
        while self.op(".") or self.op(","):
            self.take()
        tree = self.listing(frozenset())
        while self.op(".") or self.op(",") or self.op(";") or self.op("\\\\"):
            self.take()
        if self.here.kind != "eof":
            raise ParseError(f"cannot read {self.here.value!r}")
        return tree

    def separator(self) -> str:
        """The separator that starts here, taken; empty if none does."""
        join = ""
        rank = {"": 0, ",": 1, "and": 2, "or": 3, ";": 4}
        while True:
            token = self.here
            found = ""
            if token.kind == "op" and token.value in (",", ";", "\\\\"):
                found = ";" if token.value != "," else ","
            elif token.kind == "cmd" and token.value in ("and", "or", "land", "lor"):
                found = token.value[-3:] if token.value.endswith("and") else "or"
            elif token.kind == "text" and joiner(token.value):
                found = joiner(token.value)
            elif token.kind == "op" and token.value == "&":
                found = ","
            if not found:
                return join
            self.take()
            join = found if rank[found] > rank[join] else join

    def listing(self, closers: frozenset[str]) -> Node:
        items: list[Node] = []
        joins: list[str] = []
        while True:
            if self._ends(closers):
                break
            items.append(self.relation())
            join = self.separator()
            if not join:
                break
            joins.append(join)
        if not items:
            raise ParseError("nothing where a value was expected")
        if len(items) == 1:
            return items[0]
        return nest(items, joins)

    def _ends(self, closers: frozenset[str]) -> bool:
        token = self.here
        return token.kind == "eof" or (token.kind == "op" and token.value in closers) or token.kind == "end"

    # Relations

    def relation(self) -> Node:
        self.deeper()
        label = self._label()
        first = self._function_name() or self.setlevel()
        items, ops = [first], []
        while True:
            token = self.here
            name = token.value
            if token.kind not in ("op", "cmd") or name not in RELATIONS:
                break
            if name == "to" and not isinstance(first, Sym):
                if not isinstance(first, Num):
                    break
                self.take()
                return Ratio((first, self.sum()))
            self.take()
            self.congruent = self.congruent or name == "equiv"
            if isinstance(first, Words) and name != "=":
                raise ParseError("words inside a formula")
            ops.append(name)
            if self.op("&"):
                self.take()
            right = self.setlevel()
            if name in ("in", "notin") and isinstance(right, Sym) and right.name in "RZNQC":
                right = Sym("set_" + right.name)
            items.append(right)
        items[-1] = self._modulus(items[-1])
        self.congruent = False
        self.depth -= 1
        tree: Node = items[0] if not ops else Relation(tuple(items), tuple(ops))
        return tree if label is None else Relation((label, tree), ("=",))

    def _modulus(self, value: Node) -> Node:
        """``3 \\pmod 7``, and ``3 mod 7`` behind ≡: the residue with its modulus."""
        if not (self.cmd("pmod") or (self.congruent and (self.cmd("mod") or self.cmd("bmod")))):
            return value
        self.take()
        return Func("residue", (value, self.braced() if self.op("{") else self.power()))

    def _function_name(self) -> Node | None:
        """``x(t) =`` and ``u(x, t) =``: a letter with its arguments, where an equals sign follows."""
        if self.here.kind != "sym" or self.peek().value != "(":
            return None
        at = self.at + 2
        while self.tokens[at].kind == "sym" and self.tokens[at + 1].value == ",":
            at += 2
        if self.tokens[at].kind != "sym" or self.tokens[at + 1].value != ")" or self.tokens[at + 2].value != "=":
            return None
        name = self.take().value
        args = tuple(Sym(token.value) for token in self.tokens[self.at + 1 : at + 1] if token.kind == "sym")
        self.at = at + 2
        return Func("call_" + name, args)

    def _label(self) -> Node | None:
        """``radius: 5`` and ``\\text{Area} = …``: the words before a value."""
        start = self.at
        words: list[str] = []
        while self.here.kind == "text" and not joiner(self.here.value):
            words.append(self.take().value)
        if not words:
            return None
        if self.op(":") or self.op("="):
            self.take()
            return Words(" ".join(words))
        phrase = " ".join(words).lower().rstrip(" :=")
        if phrase in LEADING and self.here.kind != "eof":
            return None
        self.at = start
        return None

    def setlevel(self) -> Node:
        left = self.ratio()
        while self.here.kind == "cmd" and self.here.value in ("cup", "cap", "setminus"):
            op = self.take().value
            right = self.ratio()
            if isinstance(left, SetOp) and left.op == op and op != "setminus":
                left = SetOp(op, (*left.parts, right))
            else:
                left = SetOp(op, (left, right))
        return left

    def ratio(self) -> Node:
        first = self.sum()
        if not self.op(":") or self.in_set:
            return first
        if isinstance(first, Words):
            self.take()
            return Relation((first, self.sum()), ("=",))
        parts: list[Node] = [first]
        while self.op(":"):
            self.take()
            parts.append(self.sum())
        return Ratio(tuple(parts))

    # Arithmetic

    def sum(self) -> Node:
        self.deeper()
        signs = {"+", "-", "\\setminus"}
        terms: list[Node] = []
        while True:
            token = self.here
            if token.kind == "cmd" and token.value in ("pm", "mp"):
                self.take()
                if self.op("-"):
                    self.take()
                right = self.term()
                left = add(terms) if terms else ZERO
                terms = [PlusMinus(left, right, token.value == "mp")]
            elif token.kind == "op" and token.value in signs:
                minus = False
                while self.here.kind == "op" and self.here.value in ("+", "-"):
                    minus ^= self.take().value == "-"
                if self.here.kind == "cmd" and self.here.value in ("pm", "mp"):
                    continue
                term = self.term()
                terms.append(negate(term) if minus else term)
            elif not terms:
                terms.append(self.term())
            else:
                break
        self.depth -= 1
        return add(terms)

    def term(self) -> Node:
        value = self.power()
        while True:
            token = self.here
            if token.kind == "op" and token.value in ("*", "/"):
                self.take()
                right = self.signed()
                if token.value == "*":
                    value = times(value, right)
                else:
                    value = Div(value, right)
            elif token.kind == "op" and token.value == "." and self._starts(self.peek()):
                self.take()
                value = times(value, self.power())
            elif token.kind == "cmd" and token.value in ("pmod", "mod", "bmod"):
                if token.value == "pmod" or self.congruent:
                    return value
                self.take()
                value = Func("rem", (value, self.power()))
            elif token.kind == "text":
                if joiner(token.value):
                    break
                value = self.unit(value)
                if self._starts(self.here):
                    raise ParseError("words inside a formula")
            elif self._starts(token):
                if isinstance(value, Words):
                    raise ParseError("words inside a formula")
                if token.kind == "num" and isinstance(value, Num) and self.tokens[self.at - 1].kind == "num":
                    spaced = self._spaced_mixed(value)
                    if spaced is None:
                        raise ParseError(f"two numbers side by side: {token.value!r}")
                    value = spaced
                    continue
                right = self.power()
                if isinstance(right, Relation):
                    if token.value != "(" or right.ops[-1] != "in":
                        raise ParseError("a relation inside a product")
                    continue
                mixed = mixed_frac(value, right) if token.value == "frac" else None
                value = mixed or times(value, right)
            else:
                return value
        return value

    def signed(self) -> Node:
        if self.op("-") or self.op("+"):
            minus = self.take().value == "-"
            self.deeper()
            value = self.signed()
            self.depth -= 1
            return negate(value) if minus else value
        return self.power()

    def _spaced_mixed(self, whole: Num) -> Node | None:
        """``2 1/3``."""
        over, slash, under = self.here, self.peek(1), self.peek(2)
        if slash.value == "/" and over.number and under.number and under.kind == "num":
            a, b = over.number.value, under.number.value
            if whole.value.denominator == a.denominator == b.denominator == 1 and 0 < a < b and whole.value >= 0:
                self.at += 3
                return Num(whole.value + a / b)
        return None

    def unit(self, value: Node) -> Node:
        words: list[str] = []
        while True:
            token = self.here
            if token.kind == "text" and not (words and joiner(token.value)):
                words.append(self.take().value)
            elif token.kind == "op" and token.value == "^" and words:
                self.take()
                words.append("^" + flat(self.exponent()))
            elif token.kind == "op" and token.value in ("/", "*") and words and self.peek().kind in ("text", "sym"):
                words.append(self.take().value + self.take().value)
            elif token.kind == "sym" and words and self.peek().kind in ("text", "eof", "sym"):
                words.append(self.take().value)
            elif token.kind == "op" and token.value == "(" and words and self.peek().kind == "text":
                self._skip_brackets()
            else:
                return Unit(value, " ".join(words))

    def _skip_brackets(self) -> None:
        depth = 0
        while self.here.kind != "eof":
            token = self.take()
            depth += (token.value == "(") - (token.value == ")")
            if depth == 0:
                return
        raise ParseError("a bracket that never closes")

    def _starts(self, token: Token) -> bool:
        if token.kind in ("num", "sym", "begin"):
            return True
        if token.kind == "cmd":
            return (
                token.value in FUNCTIONS
                or token.value in GREEK
                or token.value in CONSTANTS
                or token.value in ("frac", "sqrt", "binom", "lfloor", "lceil", "langle", "det", "cbrt")
                or token.value in OPERATORS
                or token.value in MARKS
                or token.value.startswith("set:")
            )
        return token.kind == "op" and (token.value in STARTERS) and not (token.value == "|" and self.bars)
