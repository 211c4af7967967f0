"""Tokens to a tree: precedence climbing over LaTeX and plain notation. Every loop consumes a token; depth is capped."""

from __future__ import annotations

from fractions import Fraction

from veritune.verifiers.math.syntax.nodes import (
    Add,
    Based,
    Degree,
    Div,
    Func,
    Group,
    Listing,
    Matrix,
    Mul,
    Neg,
    Node,
    Num,
    Operator,
    Percent,
    PlusMinus,
    Pow,
    Ratio,
    Relation,
    SetBuilder,
    SetOf,
    SetOp,
    Sym,
    Unit,
    Words,
)
from veritune.verifiers.math.syntax.tokens import Commas, LexError, Token, tokenize

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
MINUS_ONE = Num(Fraction(-1))

FUNCTIONS = frozenset(
    ["sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "arccot", "arcsec", "arccsc", "sinh", "cosh", "tanh", "coth", "sech", "csch", "arcsinh", "arccosh", "arctanh", "ln", "log", "log10", "exp", "abs", "floor", "ceil", "mod", "sgn", "cis", "Re", "Im", "arg", "cbrt", "Gamma"]
)
OPERATORS = frozenset(
    ["sum", "prod", "int", "iint", "iiint", "oint", "lim", "limsup", "liminf", "gcd", "lcm", "max", "min", "sup", "inf", "det", "deg", "Pr", "partial", "nabla", "coprod", "bmod", "pmod", "frac_d", "dim", "ker", "tr"]
)
CONSTANTS = {"pi": "pi", "infty": "oo", "emptyset": "emptyset", "infinity": "oo"}
GREEK = frozenset(
    ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega", "ell", "hbar"]
)
RELATIONS = frozenset(["=", "<", ">", "<=", ">=", "!=", "in", "notin", "approx", "equiv", "subset", "subseteq", "to"])
MARKS = frozenset(
    ["angle", "triangle", "vec", "overrightarrow", "hat", "bar", "overline", "widehat", "tilde", "measuredangle"]
)
_STARTERS = frozenset(["(", "[", "\\{", "{", "|"])
_CLOSERS = {"(": ")", "[": "]", "\\{": "\\}"}
_MATRICES = frozenset(["matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "array", "tabular"])
_ALIGNED = frozenset(["align", "aligned", "gather", "gathered", "equation", "split", "cases", "eqnarray", "multline"])


class ParseError(ValueError):
    """The text is no mathematics that this parser knows."""


def parse(text: str, *, commas: Commas = "auto", max_depth: int = 64, max_tokens: int = 4096) -> Node:
    """The tree of `text`. Raises ParseError."""
    try:
        tokens = tokenize(text, commas, max_tokens)
    except LexError as error:
        raise ParseError(str(error)) from None
    return _Parser(tokens, max_depth).whole()


class _Parser:
    def __init__(self, tokens: list[Token], max_depth: int) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.max_depth = max_depth
        self.bars = 0
        self.in_set = False

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
            elif token.kind == "text" and _joiner(token.value):
                found = _joiner(token.value)
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
        return _nest(items, joins)

    def _ends(self, closers: frozenset[str]) -> bool:
        token = self.here
        return token.kind == "eof" or (token.kind == "op" and token.value in closers) or token.kind == "end"

    # Relations

    def relation(self) -> Node:
        self.deeper()
        label = self._label()
        first = self.setlevel()
        items, ops = [first], []
        while True:
            token = self.here
            name = token.value
            if token.kind not in ("op", "cmd") or name not in RELATIONS:
                break
            if name == "to" and not isinstance(first, Sym):
                break
            self.take()
            if isinstance(first, Words) and name != "=":
                raise ParseError("words inside a formula")
            ops.append(name)
            if self.op("&"):
                self.take()
            items.append(self.setlevel())
        self.depth -= 1
        tree: Node = first if not ops else Relation(tuple(items), tuple(ops))
        return tree if label is None else Relation((label, tree), ("=",))

    def _label(self) -> Node | None:
        """``radius: 5`` and ``\\text{Area} = …``: the words before a value."""
        start = self.at
        words: list[str] = []
        while self.here.kind == "text" and not _joiner(self.here.value):
            words.append(self.take().value)
        if not words:
            return None
        if self.op(":") or self.op("="):
            self.take()
            return Words(" ".join(words))
        phrase = " ".join(words).lower().rstrip(" :=")
        if phrase in _LEADING and self.here.kind != "eof":
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
        parts = [first]
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
                left = _add(terms) if terms else ZERO
                terms = [PlusMinus(left, right, token.value == "mp")]
            elif token.kind == "op" and token.value in signs:
                minus = False
                while self.here.kind == "op" and self.here.value in ("+", "-"):
                    minus ^= self.take().value == "-"
                if self.here.kind == "cmd" and self.here.value in ("pm", "mp"):
                    continue
                term = self.term()
                terms.append(_negate(term) if minus else term)
            elif not terms:
                terms.append(self.term())
            else:
                break
        self.depth -= 1
        return _add(terms)

    def term(self) -> Node:
        value = self.power()
        while True:
            token = self.here
            if token.kind == "op" and token.value in ("*", "/"):
                self.take()
                right = self.signed()
                if token.value == "*":
                    value = _times(value, right)
                else:
                    value = Div(value, right)
            elif token.kind == "op" and token.value == "." and self._starts(self.peek()):
                self.take()
                value = _times(value, self.power())
            elif token.kind == "text":
                if _joiner(token.value):
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
                mixed = _mixed_frac(value, right) if token.value == "frac" else None
                value = mixed or _times(value, right)
            else:
                return value
        return value

    def signed(self) -> Node:
        if self.op("-") or self.op("+"):
            minus = self.take().value == "-"
            self.deeper()
            value = self.signed()
            self.depth -= 1
            return _negate(value) if minus else value
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
            if token.kind == "text" and not (words and _joiner(token.value)):
                words.append(self.take().value)
            elif token.kind == "op" and token.value == "^" and words:
                self.take()
                words.append("^" + _flat(self.exponent()))
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
        return token.kind == "op" and (token.value in _STARTERS) and not (token.value == "|" and self.bars)

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
        return Func("prime", (value,))

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
            value = _negate(value) if minus else value
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
        while True:
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
                value = self.degrees(value)
            elif self.op("'"):
                value = self._primed(value)
            elif self.op("_"):
                value = self.subscript(value)
            else:
                return value

    def subscript(self, value: Node) -> Node:
        self.take()
        index = self.braced() if self.op("{") else self._single()
        label = _flat(index)
        if isinstance(value, Num) and value.value.denominator == 1 and isinstance(index, Num | Words | Group):
            base = label.strip("()")
            if base.isdigit() and 2 <= int(base) <= 36:
                return Based(str(value.value.numerator), int(base))
        if isinstance(value, Sym):
            return Sym(f"{value.name}_{label}")
        if isinstance(value, Func | Pow | Group):
            return Func("sub_" + label, (value,))
        raise ParseError("a subscript under something that has none")

    def _single(self) -> Node:
        token = self.here
        if token.kind == "text":
            return Words(self.take().value)
        return self.primary()

    # Primaries

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
        if token.kind == "num" and token.number is not None and len(token.value) > 1 and token.value.isdigit():
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
        if name == "C" and self.op("(") and not self.here.spaced:
            return self._combination(name)
        if name == "C" and self.op("_"):
            return self._choose()
        return Sym(name)

    def call(self, name: str) -> Node:
        inside = self.bracketed("(")
        args = inside.items if isinstance(inside, Group) else (inside,)
        return Func("call_" + name, args)

    def _combination(self, name: str) -> Node:
        inside = self.bracketed("(")
        if isinstance(inside, Group) and len(inside.items) == 2:
            return Func("binom", inside.items)
        return _times(Sym(name), inside)

    def _choose(self) -> Node:
        """``C_{n}^{k}``, the Chinese way to write a binomial coefficient; otherwise a subscripted C."""
        self.take()
        under = self.braced() if self.op("{") else self._single()
        if self.op("^"):
            self.take()
            return Func("binom", (under, self.exponent()))
        return Sym("C_" + _flat(under))

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
            return _grouped(inside, opening, closing)
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
            return _grouped(inside, "(", ")" if closing == "[" else "]")
        if opening in ("#", "¥", "€", "£", "@"):
            self.take()
            return self.power()
        if opening == "-":
            self.take()
            return _negate(self.power())
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
                row.append(self.relation())
        if row:
            rows.append(tuple(row))
        if self.take().kind != "end" or not rows:
            raise ParseError(f"{name} without an end")
        self.depth -= 1
        if name in _MATRICES:
            if name in ("vmatrix", "Vmatrix"):
                return Operator("det", "determinant")
            if len({len(r) for r in rows}) != 1:
                raise ParseError("rows of different lengths")
            return Matrix(tuple(rows))
        if name in _ALIGNED:
            items = tuple(item for r in rows for item in r)
            return items[0] if len(items) == 1 else Listing(items, ",")
        raise ParseError(f"an environment {name!r}")

    def command(self) -> Node:
        name = self.take().value
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
        if name in GREEK:
            return Sym(name)
        if name.startswith("set:"):
            return self._named_set(name[4:])
        if name == "binom":
            return Func("binom", (self.argument(), self.argument()))
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
            return _grouped(inside, "(", ")")
        if name in ("pm", "mp"):
            return PlusMinus(ZERO, self.power(), name == "mp")
        if name in OPERATORS:
            return self.operator(name)
        if name in MARKS:
            inside = self.argument()
            return (
                Func(name, (inside,))
                if name not in ("angle", "triangle", "measuredangle")
                else _marked(self, name, inside)
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

    def operator(self, name: str) -> Node:
        """A sum, limit, gcd … : kept whole, to be compared as text; nothing is carried out."""
        words: list[str] = []
        depth = 0
        while self.here.kind != "eof":
            token = self.here
            if depth == 0 and (
                token.value in (",", ";", ")", "]", "}", "\\}", "=", "\\\\", "&") or token.kind == "end"
            ):
                break
            depth += token.value in ("(", "[", "{", "\\{")
            depth -= token.value in (")", "]", "}", "\\}")
            words.append(self.take().value)
        return Operator(name, " ".join(words))

    def fraction(self) -> Node:
        over = self.argument()
        under = self.argument()
        if isinstance(over, Sym) and over.name == "d":
            return self.operator("derivative")
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
        if power == MINUS_ONE and name in _INVERSE:
            return Func(_INVERSE[name], args)
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
            and token.value.isdigit()
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
            elif token.kind == "op" and token.value == "/" and _plain_factor(factors) and self.peek().kind == "num":
                self.take()
                factors = [Div(_product(factors), self.power())]
            else:
                break
        value = _product(factors)
        return _negate(value) if minus else value


_INVERSE = {
    "sin": "arcsin",
    "cos": "arccos",
    "tan": "arctan",
    "cot": "arccot",
    "sec": "arcsec",
    "csc": "arccsc",
    "sinh": "arcsinh",
    "cosh": "arccosh",
    "tanh": "arctanh",
}
_LEADING = frozenset(
    [
        "approximately",
        "about",
        "exactly",
        "roughly",
        "is",
        "the answer is",
        "answer",
        "the answer",
        "answer is",
        "the final answer is",
        "therefore",
        "so",
        "thus",
        "hence",
        "approx",
        "around",
        "for",
        "all",
        "for all",
        "when",
        "x is",
        "either",
        "both",
        "usd",
        "a total of",
        "rs",
    ]
)


def _joiner(words: str) -> str:
    """``and``, ``or`` or a comma, if that is all the words say; else empty."""
    low = words.lower().strip(" ")
    if low in ("and", "or"):
        return low
    bare = low.strip(" ,;.")
    if bare in ("and", "or", "as well as", "和", "与", "或", "或者", "及", "且", "以及", "并且"):
        return "or" if bare in ("or", "或", "或者") else "and"
    if low in (",", ";"):
        return low
    return ""


def _nest(items: list[Node], joins: list[str]) -> Node:
    """Items under their strongest separator: ``a, b; c, d`` is a list of two lists."""
    if ";" in joins and any(j != ";" for j in joins):
        groups: list[Node] = []
        part, inner = [items[0]], list[str]()
        for item, join in zip(items[1:], joins, strict=False):
            if join == ";":
                groups.append(_nest(part, inner))
                part, inner = [item], []
            else:
                part.append(item)
                inner.append(join)
        groups.append(_nest(part, inner))
        return Listing(tuple(groups), ";")
    if len(items) == 1:
        return items[0]
    strongest = "or" if "or" in joins else "and" if "and" in joins else joins[0]
    return Listing(tuple(items), strongest)


def _grouped(inside: Node, opening: str, closing: str) -> Node:
    if isinstance(inside, Listing) and inside.join in (",", ";"):
        return Group(inside.items, opening, closing)
    if opening == "[" and closing == "]" and isinstance(inside, Group | Matrix):
        return Group((inside,), opening, closing)
    return inside


def _negate(value: Node) -> Node:
    if isinstance(value, Num):
        return Num(-value.value, value.digits, value.ulp)
    if isinstance(value, Unit):
        return Unit(_negate(value.of), value.unit)
    if isinstance(value, Percent):
        return Percent(_negate(value.of))
    return Neg(value)


def _add(terms: list[Node]) -> Node:
    if len(terms) == 1:
        return terms[0]
    if isinstance(terms[-1], Unit):
        return Unit(Add((*terms[:-1], terms[-1].of)), terms[-1].unit)
    return Add(tuple(terms))


def _times(left: Node, right: Node) -> Node:
    if isinstance(left, Mul):
        return Mul((*left.factors, right))
    return Mul((left, right))


def _product(factors: list[Node]) -> Node:
    return factors[0] if len(factors) == 1 else Mul(tuple(factors))


def _plain_factor(factors: list[Node]) -> bool:
    return all(isinstance(f, Num | Sym) for f in factors)


def _mixed_frac(left: Node, right: Node) -> Node | None:
    """``2\\frac{1}{3}`` is 7/3: a whole number before a proper fraction of whole numbers."""
    if isinstance(left, Num) and left.digits is None and left.value.denominator == 1 and isinstance(right, Div):
        over, under = right.over, right.under
        if isinstance(over, Num) and isinstance(under, Num) and over.digits is None and under.digits is None:
            a, b = over.value, under.value
            if a.denominator == b.denominator == 1 and 0 < a < b:
                sign = -1 if left.value < 0 else 1
                return Num(left.value + sign * a / b)
    return None


def _flat(node: Node) -> str:
    """A short text of a subscript or an exponent of a unit."""
    if isinstance(node, Num):
        return str(node.value)
    if isinstance(node, Sym):
        return node.name
    if isinstance(node, Words):
        return node.text
    if isinstance(node, Neg):
        return "-" + _flat(node.of)
    if isinstance(node, Group | Listing):
        return ",".join(_flat(i) for i in node.items)
    if isinstance(node, Mul):
        return "".join(_flat(i) for i in node.factors)
    if isinstance(node, Add):
        return "+".join(_flat(i) for i in node.terms)
    return str(node)[:80]


def _marked(parser: _Parser, name: str, first: Node) -> Node:
    """``\\angle ABC``: the letters behind belong to the mark."""
    letters = [first]
    while parser.here.kind == "sym" and parser.here.value.isupper():
        letters.append(Sym(parser.take().value))
    return Func(name, tuple(letters))
