"""What an expression is made of: brackets, fractions, roots, functions, sets, matrices."""

from __future__ import annotations

from fractions import Fraction

from veritune.verifiers.math.syntax.build import MINUS_ONE, ZERO, grouped, negate, plain_factor, product
from veritune.verifiers.math.syntax.calls import Calls
from veritune.verifiers.math.syntax.cursor import ParseError
from veritune.verifiers.math.syntax.nodes import (
    Based,
    Div,
    Func,
    Group,
    Listing,
    Matrix,
    Mul,
    Node,
    Num,
    PlusMinus,
    Pow,
    SetBuilder,
    SetOf,
    Sym,
    Words,
)
from veritune.verifiers.math.syntax.operators import determinant, pieces
from veritune.verifiers.math.syntax.tokens import Token
from veritune.verifiers.math.syntax.vocabulary import (
    ALIGNED,
    CONSTANTS,
    FUNCTIONS,
    GREEK,
    INVERSE,
    MARKS,
    MATRICES,
    OPERATORS,
)

_CONDITION_WORDS = frozenset(["if", "when", "for", "where", "当", "若"])


class Atoms(Calls):
    """Reads one primary at a time."""

    def braced(self) -> Node:
        self.expect("{")
        self.deeper()
        if self.here.kind == "text" and self.peek().value == "}":
            value: Node = Words(self.take().value)
        else:
            value = self.listing(frozenset(["}"]))
        self.expect("}")
        self.depth -= 1
        return value

    def argument(self) -> Node:
        """The argument of ``\\frac``: a group, or one digit or symbol."""
        if self.op("{"):
            return self.braced()
        token = self.here
        if token.kind == "num" and token.number is not None and len(token.value) > 1 and token.value.isdecimal():
            first, rest = token.value[0], token.value[1:]
            self.tokens[self.at] = Token("num", rest, Num(Fraction(int(rest))), False)
            return Num(Fraction(int(first)))
        return self.primary()

    def primary(self) -> Node:
        token = self.here
        kind = token.kind
        if kind == "num":
            self.take()
            assert token.number is not None
            return token.number
        if kind == "sym":
            return self.symbol()
        if kind == "cmd":
            return self.command()
        if kind == "begin":
            return self.environment()
        if kind == "text":
            return Words(self._words())
        if kind == "based":
            digits, _, base = self.take().value.partition("_")
            return Based(digits.upper().lstrip("0") or "0", int(base))
        if kind != "op":
            raise ParseError(f"cannot read {token.value!r}")
        self.deeper()
        value = self.bracketed(token.value)
        self.depth -= 1
        return value

    def _words(self) -> str:
        words = [self.take().value]
        while self.here.kind == "text" or (self.here.kind == "sym" and self.peek().kind in ("text", "eof")):
            words.append(self.take().value)
        return " ".join(words)

    def symbol(self) -> Node:
        name = self.take().value
        if name in "fghFGHTWP" and self.op("(") and not self.here.spaced:
            return self.call(name)
        if name in "fgh" and self.op("{") and self.peek().value == "(":
            return Func("call_" + name, (self.braced(),))
        if name == "C" and self.op("(") and not self.here.spaced:
            return self._combination(name)
        if name == "C" and self.op("_"):
            return self._choose()
        if name in "ACP" and (self.op("_") or self.op("^")):
            return self._arranged(name)
        return Sym(name)

    def bracketed(self, opening: str) -> Node:
        if opening == "{":
            return self.braced()
        if opening in ("(", "["):
            self.take()
            if self.op(")") or self.op("]"):
                closing = self.take().value
                return Group((), opening, closing)
            inside = self.listing(frozenset([")", "]"]))
            if not (self.op(")") or self.op("]")):
                raise ParseError(f"{opening!r} that never closes")
            closing = self.take().value
            return grouped(inside, opening, closing)
        if opening == "\\{":
            return self.set()
        if opening in ("|", "||"):
            self.take()
            self.bars += 1
            inside = self.sum()
            self.bars -= 1
            self.expect(opening)
            return Func("abs", (inside,))
        if opening == "]":
            self.take()
            inside = self.listing(frozenset(["[", "]"]))
            closing = self.take().value
            if closing not in "[]":
                raise ParseError("a bracket that never closes")
            return grouped(inside, "(", ")" if closing == "[" else "]")
        if opening in ("#", "¥", "€", "£", "@"):
            self.take()
            return self.power()
        if opening == "-":
            self.take()
            return negate(self.power())
        raise ParseError(f"cannot read {opening!r}")

    def set(self) -> Node:
        self.take()
        if self.op("\\}"):
            self.take()
            return SetOf(())
        bars, self.bars = self.bars, self.bars + 1
        in_set, self.in_set = self.in_set, True
        head = self.listing(frozenset(["\\}", "|", ":"]))
        self.bars, self.in_set = bars, in_set
        if self.op("|") or self.op(":"):
            self.take()
            condition = self.listing(frozenset(["\\}"]))
            self.expect("\\}")
            return SetBuilder(head, condition)
        self.expect("\\}")
        return SetOf(head.items if isinstance(head, Listing) else (head,))

    def environment(self) -> Node:
        name = self.take().value
        self.deeper()
        rows: list[tuple[Node, ...]] = []
        row: list[Node] = []
        while self.here.kind not in ("end", "eof"):
            if self.op("&"):
                self.take()
            elif self.op("\\\\"):
                self.take()
                if row:
                    rows.append(tuple(row))
                row = []
            elif self.op(",") or self.op(".") or self.op(";") or self.cmd("hline"):
                self.take()
            else:
                if self.here.kind == "text" and self.here.value.lower().strip() in _CONDITION_WORDS:
                    self.take()
                row.append(self.relation())
        if row:
            rows.append(tuple(row))
        if self.take().kind != "end" or not rows:
            raise ParseError(f"{name} without an end")
        self.depth -= 1
        if name in MATRICES:
            if len({len(r) for r in rows}) != 1:
                raise ParseError("rows of different lengths")
            matrix = Matrix(tuple(rows))
            return determinant(matrix) if name in ("vmatrix", "Vmatrix") else matrix
        if name in ALIGNED:
            found = pieces(rows) if name == "cases" else None
            if found is not None:
                return found
            if name == "cases" and len(rows) > 1 and all(len(r) == 2 for r in rows):
                return Listing(tuple(Group(r, "(", ")") for r in rows), ",")  # each value stays with its condition
            items = tuple(item for r in rows for item in r)
            return items[0] if len(items) == 1 else Listing(items, ",")
        raise ParseError(f"an environment {name!r}")

    def command(self) -> Node:
        self.deeper()
        value = self._command(self.take().value)
        self.depth -= 1
        return value

    def _command(self, name: str) -> Node:
        if name == "frac":
            return self.fraction()
        if name == "sqrt":
            return self.root()
        if name == "cbrt":
            return Pow(self.argument(), Num(Fraction(1, 3)))
        if name in CONSTANTS:
            return Sym(CONSTANTS[name])
        if name in FUNCTIONS and not (name == "Gamma" and not self.op("(")):
            return self.function(name)
        if name == "zeta" and self.op("("):
            return Func("zeta", (self.bracketed("("),))
        if name in GREEK:
            return Sym(name)
        if name.startswith("set:"):
            return self._named_set(name[4:])
        if name == "binom":
            over, under = self.argument(), self.argument()
            if isinstance(under, Listing):
                return Func("multinomial", (over, *under.items))
            return Func("binom", (over, under))
        if name in ("lfloor", "lceil"):
            inside = self.sum()
            if not (self.cmd("rfloor") or self.cmd("rceil")):
                raise ParseError(f"\\{name} that never closes")
            self.take()
            return Func("floor" if name == "lfloor" else "ceil", (inside,))
        if name == "langle":
            inside = self.listing(frozenset())
            if not self.cmd("rangle"):
                raise ParseError("\\langle that never closes")
            self.take()
            return grouped(inside, "(", ")")
        if name in ("pm", "mp"):
            return PlusMinus(ZERO, self.power(), name == "mp")
        if name in OPERATORS:
            return self.operator(name)
        if name in MARKS:
            inside = self.argument()
            if name in ("overrightarrow", "vec") and isinstance(inside, Mul):
                return Func(name, inside.factors)
            return (
                Func(name, (inside,))
                if name not in ("angle", "triangle", "measuredangle")
                else self._marked(name, inside)
            )
        if name in ("boxed", "fbox"):
            return self.argument()
        if name in ("text", "therefore", "because"):
            return self.power()
        raise ParseError(f"unknown command \\{name}")

    def _named_set(self, name: str) -> Node:
        value: Node = Sym("set_" + name)
        if self.op("^") and self.peek().value in ("+", "-", "*"):
            self.take()
            return Sym(f"set_{name}{self.take().value}")
        if self.op("_") and self.peek().value in ("+", "-"):
            self.take()
            return Sym(f"set_{name}{self.take().value}")
        return value

    def fraction(self) -> Node:
        over = self.argument()
        if over == Sym("d") and self.op("{"):
            return self.derivative()
        under = self.argument()
        return Div(over, under)

    def root(self) -> Node:
        degree: Node | None = None
        if self.op("["):
            self.take()
            degree = self.sum()
            self.expect("]")
        if self.op("{"):
            inside = self.braced()
        elif self.op("("):
            inside = self.bracketed("(")
        else:
            inside = self.primary()
        if degree is None:
            return Func("sqrt", (inside,))
        return Func("root", (inside, degree))

    def function(self, name: str) -> Node:
        base: Node | None = None
        power: Node | None = None
        for _ in range(2):
            if self.op("_"):
                self.take()
                base = self.braced() if self.op("{") else self._single_digit()
            elif self.op("^"):
                self.take()
                power = self.exponent()
        inside = self.function_argument(name)
        args = (inside,) if base is None else (inside, base)
        if power == MINUS_ONE and name in INVERSE:
            return Func(INVERSE[name], args)
        value: Node = Func(name, args)
        if power is None and self.op("^") and self.tokens[self.at - 1].value in (")", "}", "]", "|"):
            self.take()
            power = self.exponent()
        return value if power is None else Pow(value, power)

    def _single_digit(self) -> Node:
        token = self.here
        if (
            token.kind == "num"
            and len(token.value) > 1
            and token.value.isdecimal()
            and self.peek().value not in ("(", "{")
        ):
            return self.argument()
        return self.primary()

    def function_argument(self, name: str) -> Node:
        if self.op("(") or self.op("[") or self.op("{") or self.op("|"):
            inside = self.primary()
            if isinstance(inside, Group):
                if name in ("log", "mod") and len(inside.items) == 2:
                    return inside.items[0]
                raise ParseError("a function of several values")
            return inside
        minus = False
        while self.op("-") or self.op("+"):
            minus ^= self.take().value == "-"
        factors = [self.power()]
        while True:
            token = self.here
            if token.kind in ("num", "sym") or (
                token.kind == "cmd" and (token.value in GREEK or token.value in ("pi", "frac", "sqrt"))
            ):
                factors.append(self.power())
            elif token.kind == "op" and token.value == "/" and plain_factor(factors) and self.peek().kind == "num":
                self.take()
                factors = [Div(product(factors), self.power())]
            else:
                break
        value = product(factors)
        return negate(value) if minus else value

    def _marked(self, name: str, first: Node) -> Node:
        """``\\angle ABC``: the letters behind belong to the mark."""
        letters = [first]
        while self.here.kind == "sym" and self.here.value.isupper():
            letters.append(Sym(self.take().value))
        return Func(name, tuple(letters))
