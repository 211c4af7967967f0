"""Trees put together: sums, products, lists under their separators, mixed numbers."""

from __future__ import annotations

from fractions import Fraction

from veritune.verifiers.math.syntax.nodes import (
    Add,
    Degree,
    Div,
    Group,
    Listing,
    Matrix,
    Mul,
    Neg,
    Node,
    Num,
    Percent,
    Relation,
    Sym,
    Unit,
    Words,
)

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))
MINUS_ONE = Num(Fraction(-1))


def joiner(words: str) -> str:
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


def nest(items: list[Node], joins: list[str]) -> Node:
    """Items under their strongest separator: ``a, b; c, d`` is a list of two lists."""
    if ";" in joins and any(j != ";" for j in joins):
        groups: list[Node] = []
        part, inner = [items[0]], list[str]()
        for item, join in zip(items[1:], joins, strict=False):
            if join == ";":
                groups.append(nest(part, inner))
                part, inner = [item], []
            else:
                part.append(item)
                inner.append(join)
        groups.append(nest(part, inner))
        return Listing(tuple(groups), ";")
    if len(items) == 1:
        return items[0]
    if "or" in joins and "," in joins:
        alternatives = _alternatives(items, joins)
        if alternatives is not None:
            return alternatives
    strongest = "or" if "or" in joins else "and" if "and" in joins else joins[0]
    return Listing(tuple(items), strongest)


def _alternatives(items: list[Node], joins: list[str]) -> Node | None:
    """``x=1, y=2 or x=3, y=4``: alternatives of several assignments each; None of any other list."""
    if not all(isinstance(i, Relation) and i.ops == ("=",) for i in items):
        return None
    groups: list[list[Node]] = [[items[0]]]
    for item, join in zip(items[1:], joins, strict=False):
        if join == "or":
            groups.append([item])
        else:
            groups[-1].append(item)
    if len({len(g) for g in groups}) != 1 or len(groups[0]) < 2:
        return None
    return Listing(tuple(Listing(tuple(g), ",") for g in groups), "or")


def grouped(inside: Node, opening: str, closing: str) -> Node:
    if isinstance(inside, Listing) and inside.join in (",", ";"):
        return Group(inside.items, opening, closing)
    if opening == "[" and closing == "]" and isinstance(inside, Group | Matrix):
        return Group((inside,), opening, closing)
    return inside


def negate(value: Node) -> Node:
    if isinstance(value, Num):
        return Num(-value.value, value.digits, value.ulp)
    if isinstance(value, Unit):
        return Unit(negate(value.of), value.unit)
    if isinstance(value, Percent):
        return Percent(negate(value.of))
    return Neg(value)


def add(terms: list[Node]) -> Node:
    if len(terms) == 1:
        return terms[0]
    if isinstance(terms[-1], Unit):
        return Unit(Add((*terms[:-1], terms[-1].of)), terms[-1].unit)
    return Add(tuple(terms))


def times(left: Node, right: Node) -> Node:
    if isinstance(left, Mul):
        return Mul((*left.factors, right))
    return Mul((left, right))


def product(factors: list[Node]) -> Node:
    return factors[0] if len(factors) == 1 else Mul(tuple(factors))


def plain_factor(factors: list[Node]) -> bool:
    return all(isinstance(f, Num | Sym) for f in factors)


def mixed_frac(left: Node, right: Node) -> Node | None:
    """``2\\frac{1}{3}`` is 7/3: a whole number before a proper fraction of whole numbers."""
    if isinstance(right, Percent | Degree):
        inner = mixed_frac(left, right.of)
        return None if inner is None else type(right)(inner)
    if isinstance(left, Num) and left.digits is None and left.value.denominator == 1 and isinstance(right, Div):
        over, under = right.over, right.under
        if isinstance(over, Num) and isinstance(under, Num) and over.digits is None and under.digits is None:
            a, b = over.value, under.value
            if a.denominator == b.denominator == 1 and 0 < a < b:
                sign = -1 if left.value < 0 else 1
                return Num(left.value + sign * a / b)
    return None


def flat(node: Node) -> str:
    """A short text of a subscript or an exponent of a unit."""
    if isinstance(node, Num):
        return str(node.value)
    if isinstance(node, Sym):
        return node.name
    if isinstance(node, Words):
        return node.text
    if isinstance(node, Neg):
        return "-" + flat(node.of)
    if isinstance(node, Group | Listing):
        return ",".join(flat(i) for i in node.items)
    if isinstance(node, Mul):
        return "".join(flat(i) for i in node.factors)
    if isinstance(node, Add):
        return "+".join(flat(i) for i in node.terms)
    return str(node)[:80]
