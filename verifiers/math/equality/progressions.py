"""Families over the whole numbers as sets: ``π/4 + kπ``, ``7k + 3``, ``x ≡ 3 (mod 7)``, ``30° + 360°·k``.

A family that is linear in its parameter is a step and a place; two of them are the same set if the steps are, and the
places differ by steps. Lists of families are unions, compared place by place within one common period.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from veritune.verifiers.math.equality.names import names_agree
from veritune.verifiers.math.equality.shapes import ContradictionError, assigned, expand, rebuild, rename
from veritune.verifiers.math.options import MathOptions
from veritune.verifiers.math.syntax.nodes import (
    Add,
    Degree,
    Div,
    Func,
    Listing,
    Mul,
    Neg,
    Node,
    Num,
    Relation,
    SetBuilder,
    Sym,
    Words,
    walk,
)
from veritune.verifiers.math.values.numeric import Field, free_symbols, many_digits
from veritune.verifiers.math.values.sampling import ARITHMETIC
from veritune.verifiers.math.values.scalar import equal

_PARAMETERS = frozenset("knmljtNpqrs")
_UNSAID = frozenset("knmlj")
"""Parameters where nothing says what they run over: the r of 2πr is a radius."""
_MAX_PLACES = 2000
_SHIFTS = range(-4, 5)


@dataclass(frozen=True, slots=True)
class Family:
    """``name = value`` for every whole number `parameter`; `domain` is Z, N, or empty where nothing says it."""

    name: Node | None
    value: Node
    parameter: str
    domain: str


def same_families(gold: Node, prediction: Node, options: MathOptions) -> bool | None:
    """Whether two families are one set; None where either is none."""
    one = isinstance(prediction, Relation) and prediction.ops == ("=",) and not free_symbols(prediction.items[1])
    if one and _modulus(gold) is not None and _modulus(prediction) is None:
        return False
    if not (_may_be(gold) and (_may_be(prediction) or _whole_numbers(prediction))):
        return None
    a, b = families(gold), families(prediction)
    if not a or not b or not (_sure(a) or _sure(b)):
        return None
    if any(f.name and g.name and not names_agree(f.name, g.name) for f in a for g in b):
        return False
    if any(f.domain == "N" for f in (*a, *b)):
        return _renamed(a, b, options)
    found = _same_sets(a, b)
    return _renamed(a, b, options) if found is None else found


def _may_be(node: Node) -> bool:
    return any(
        (isinstance(n, Func) and n.name == "residue")
        or (isinstance(n, Relation) and n.ops[-1] == "in")
        or (isinstance(n, Sym) and n.name == "pi")
        or isinstance(n, Degree)
        for n in walk(node)
    )


def _whole_numbers(node: Node) -> bool:
    letters = free_symbols(node)
    return 0 < len(letters) <= 2 and any(name in _PARAMETERS for name in letters)


def families(node: Node) -> list[Family] | None:
    """The families that `node` lists; None if anything in it is none."""
    if isinstance(node, SetBuilder):
        node = Listing((node.head, node.condition), ",")
    items = list(node.items) if isinstance(node, Listing) else [node]
    declared: dict[str, str] = {}
    kept: list[Node] = []
    for item in items:
        found = _declares(item)
        if found:
            declared |= found
        else:
            kept.append(item)
    modulus: Node | None = None
    out: list[Family] = []
    for item in reversed(kept):
        modulus = _modulus(item) or modulus
        for value in expand(item):
            family = _family(value, declared, modulus)
            if family is None:
                return None
            out.append(family)
    return out


def _sure(found: list[Family]) -> bool:
    """Whether anything says that the parameter runs over the whole numbers."""
    return any(f.domain or _stepped(f.value, f.parameter) for f in found)


def _declares(node: Node) -> dict[str, str]:
    """``k ∈ ℤ``: the names and what they range over."""
    if isinstance(node, Relation) and node.ops[-1] == "in":
        right = node.items[-1]
        if isinstance(right, Sym) and right.name in (
            "set_Z",
            "set_N",
            "set_N+",
            "set_Z+",
            "set_N*",
            "set_Z*",
            "Z",
            "N",
        ):
            domain = "Z" if right.name in ("set_Z", "Z") else "N"
            left = node.items[-2]
            return {left.name: domain} if isinstance(left, Sym) and len(node.ops) == 1 else {}
    if isinstance(node, Words) and "integer" in node.text.lower():
        return {word: "Z" for word in node.text.replace(",", " ").split() if len(word) == 1 and word in _PARAMETERS}
    return {}


def _modulus(item: Node) -> Node | None:
    return next((n.args[1] for n in walk(item) if isinstance(n, Func) and n.name == "residue"), None)


def _family(item: Node, declared: dict[str, str], modulus: Node | None) -> Family | None:
    if isinstance(item, Relation) and item.ops == ("in",) and isinstance(item.items[1], Sym):
        return None
    try:
        found = assigned(Relation(item.items, ("=",) * len(item.ops)) if isinstance(item, Relation) else item)
    except ContradictionError:
        return None
    value, name = found.value, found.name
    if isinstance(value, Relation):
        return None
    if isinstance(value, Func) and value.name == "residue":
        value, modulus = value.args
    elif modulus is not None and free_symbols(value):
        return None
    if modulus is not None:
        return Family(name, Add((value, Mul((modulus, Sym("k#"))))), "k#", "Z")
    letters = free_symbols(value)
    named = [letter for letter in letters if letter in declared]
    if len(named) == 1:
        return Family(name, value, named[0], declared[named[0]])
    if len(letters) == 1 and letters <= _UNSAID:
        return Family(name, value, next(iter(letters)), "")
    return None


def _stepped(value: Node, parameter: str) -> bool:
    """Whether the parameter multiplies π or degrees: then it is a whole number, said or not."""
    for n in walk(value):
        if isinstance(n, Mul | Div):
            inside = walk(n)
            if Sym(parameter) in inside and (Sym("pi") in inside or any(isinstance(i, Degree) for i in inside)):
                return True
    return False


def _same_sets(a: list[Family], b: list[Family]) -> bool | None:
    """Unions of linear families, as places within a common period; None if any is not linear or not of numbers."""
    field = many_digits()
    lines = [_line(f, field) for f in (*a, *b)]
    known = [line for line in lines if line is not None]
    if len(known) != len(lines):
        return None
    unit = min(step for step, _ in known)
    ratios = [_rational(step / unit) for step, _ in known]
    periods = [r for r in ratios if r is not None]
    if len(periods) != len(ratios):
        return None
    period = periods[0]
    for ratio in periods[1:]:
        period = _common(period, ratio)
    if period > _MAX_PLACES:
        return None
    marks = [
        _places(place, step, unit * field.number(period), period / ratio)
        for (step, place), ratio in zip(known, periods, strict=True)
    ]
    first = [mark for group in marks[: len(a)] for mark in group]
    second = [mark for group in marks[len(a) :] for mark in group]
    whole = unit * field.number(period)
    return _covers(first, second, whole) and _covers(second, first, whole)


def _line(family: Family, field: Field) -> tuple[Any, Any] | None:
    if free_symbols(family.value) - {family.parameter}:
        return None
    try:
        values = [field.value(family.value, {family.parameter: field.number(Fraction(k))}) for k in (0, 1, 2, 5)]
    except ARITHMETIC:
        return None
    if any(abs(complex(v).imag) > 1e-30 for v in values):
        return None
    real = [v.real for v in values]
    step = real[1] - real[0]
    straight = abs(real[2] - real[0] - 2 * step) < 1e-40 and abs(real[3] - real[0] - 5 * step) < 1e-40
    return (abs(step), real[0]) if straight and abs(step) > 1e-20 else None


def _rational(ratio: Any) -> Fraction | None:
    near = Fraction(float(ratio)).limit_denominator(1000)
    return near if abs(ratio * near.denominator - near.numerator) < 1e-30 else None


def _common(a: Fraction, b: Fraction) -> Fraction:
    return Fraction(math.lcm(a.numerator * b.denominator, b.numerator * a.denominator), a.denominator * b.denominator)


def _places(place: Any, step: Any, period: Any, count: Fraction) -> list[Any]:
    return [(place + step * k) % period for k in range(int(count))]


def _covers(some: list[Any], others: list[Any], period: Any) -> bool:
    def apart(x: Any, y: Any) -> Any:
        distance = abs(x - y)
        return min(distance, abs(period - distance))

    return all(any(apart(x, y) < 1e-25 for y in others) for x in some)


def _renamed(a: list[Family], b: list[Family], options: MathOptions) -> bool | None:
    """One family each: the same after the parameter is renamed; over all whole numbers also shifted or mirrored."""
    if len(a) != 1 or len(b) != 1:
        return None
    gold, prediction = a[0], b[0]
    if gold.domain and prediction.domain and gold.domain != prediction.domain:
        return False
    if not options.rename_parameters and gold.parameter != prediction.parameter:
        return None
    value = rename(prediction.value, prediction.parameter, gold.parameter)
    changes: list[Node] = [Sym(gold.parameter)]
    if gold.domain != "N" and prediction.domain != "N":
        for sign in (1, -1):
            for shift in _SHIFTS:
                base: Node = Sym(gold.parameter) if sign > 0 else Neg(Sym(gold.parameter))
                changes.append(Add((base, Num(Fraction(shift)))) if shift else base)
    return any(equal(gold.value, _put(value, gold.parameter, change), options) for change in changes) or False


def _put(node: Node, name: str, value: Node) -> Node:
    if node == Sym(name):
        return value
    return rebuild(node, lambda child: _put(child, name, value))
