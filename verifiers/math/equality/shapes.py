"""Views of a tree that comparison needs: assignments, items of a list, the values of ±, what a chain says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from veritune.verifiers.math.syntax.nodes import (
    Add,
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
    SetOf,
    Sym,
    Unit,
    Words,
    children,
    walk,
)
from veritune.verifiers.math.values.exact import exact
from veritune.verifiers.math.values.numeric import FLOAT, free_symbols
from veritune.verifiers.math.values.scalar import ARITHMETIC

_MAX_SIGNS = 3
"""Signs that are combined freely; more are all upper or all lower."""
_EQUALS = frozenset(["=", "approx", "equiv"])


@dataclass(frozen=True, slots=True)
class Assigned:
    """``name = value``; ``name`` None of a bare value."""

    name: Node | None
    value: Node


class ContradictionError(ValueError):
    """A chain of equalities that is false: ``41 = 42``."""


def assigned(node: Node) -> Assigned:
    """`node` read as ``name = value``. A true chain has its last value. Raises ContradictionError for a false one."""
    if not isinstance(node, Relation):
        return _named_point(node)
    if node.ops == ("in",) and _is_name(node.items[0]):
        return Assigned(node.items[0], node.items[1])
    if not all(op in _EQUALS for op in node.ops):
        return Assigned(None, node)
    items = list(node.items)
    if node.ops == ("=",) and not _is_name(items[0]) and _is_name(items[1]):
        items.reverse()
    if _is_name(items[0]):
        return Assigned(items[0], _chain(items[1:], node.ops[1:]))
    if free_symbols(node):
        return Assigned(None, node)
    if len(set(items)) == 1:
        raise ContradictionError("an equality that says nothing")
    return Assigned(None, _chain(items, node.ops))


def _named_point(node: Node) -> Assigned:
    """``A(1, 2)``: a point with its name."""
    match node:
        case Mul((Sym(name) as label, Group(items) as point)) if name[0].isupper() and len(items) > 1:
            return Assigned(label, point)
        case Func(name, args) if name.startswith("call_") and name[5].isupper() and len(args) > 1:
            return Assigned(Sym(name[5:]), Group(args, "(", ")"))
    return Assigned(None, node)


def _chain(items: list[Node], ops: tuple[str, ...]) -> Node:
    """The value of ``a = b ≈ c``: the last member before an ≈, once all exact members agree."""
    stop = ops.index("approx") + 1 if "approx" in ops else len(items)
    exact_part = items[:stop]
    while len(exact_part) > 1 and _is_name(exact_part[0]) and free_symbols(exact_part[0]):
        exact_part = exact_part[1:]
    last = exact_part[-1]
    for item in exact_part[:-1]:
        if _differ(item, last):
            raise ContradictionError("a chain of equalities that is not true")
    for item in items[stop:]:
        if _differ(item, last, 5e-2):
            raise ContradictionError("an approximation that is far off")
    return last


def _differ(a: Node, b: Node, tolerance: float = 5e-3) -> bool:
    """Whether two constants are plainly different (roundings on the way do not make a chain false)."""
    if is_unknown(a) or is_unknown(b):
        return False
    try:
        x, y = exact(a, 2000), exact(b, 2000)
        if x is not None and y is not None and not _has_decimal(a) and not _has_decimal(b) and tolerance < 1e-2:
            return x != y
        p, q = complex(FLOAT.value(a, {})), complex(FLOAT.value(b, {}))
    except ARITHMETIC:
        return False
    return abs(p - q) > tolerance * max(abs(p), abs(q))


def is_unknown(node: Node) -> bool:
    """Whether something without a known value stands in `node`: ``f(1)``, an operator that could not be read."""
    return any(
        (isinstance(n, Func) and n.name.startswith(("call_", "sub_", "prime")))
        or (isinstance(n, Operator) and not n.parts)
        for n in walk(node)
    )


def stated_value(relation: Relation) -> Node | None:
    """The number that ``m + n = 113`` or ``f(1) + f(2) = 113`` states; None of an equation in one unknown.

    Raises ContradictionError where the numbers of the chain differ.
    """
    if not all(op in _EQUALS for op in relation.ops) or free_symbols(relation.items[-1]):
        return None
    first = relation.items[0]
    if len(free_symbols(first)) < 2 and not is_unknown(first):
        return None
    numbers = [at for at, item in enumerate(relation.items) if not free_symbols(item) and not is_unknown(item)]
    if not numbers:
        return None
    return _chain([relation.items[at] for at in numbers], ("=",) * (len(numbers) - 1))


def solved_for(relation: Relation, name: str) -> Node | None:
    """The value of ``x - 4 = 0`` for x: an unknown alone beside numbers, against nothing."""
    left, right = relation.items[0], relation.items[-1]
    if relation.ops != ("=",) or right != Num(Fraction(0)) or not isinstance(left, Add):
        return None
    rest = tuple(term for term in left.terms if term != Sym(name))
    if len(rest) != len(left.terms) - 1 or any(map(free_symbols, rest)):
        return None
    return Neg(rest[0] if len(rest) == 1 else Add(rest))


def _has_decimal(node: Node) -> bool:
    return any(isinstance(n, Num) and n.digits is not None for n in walk(node))


def _is_name(node: Node) -> bool:
    """Whether `node` only names something: x, f(x), |AB|, S_{4}, AB/BC, (p, q), ∠ABC."""
    match node:
        case Sym(name):
            return name not in ("pi", "e", "i", "oo", "emptyset") and not name.startswith("set_")
        case Words():
            return True
        case Func(name, args) if name.startswith(("call_", "sub_", "prime")):
            return True
        case Func(name, (Sym(),)) if name in ("bar", "hat", "tilde", "widehat"):
            return True
        case Func(name, args) if name in ("angle", "triangle", "vec", "overrightarrow", "overline", "measuredangle"):
            return True
        case Func(name, args) if name in ("sin", "cos", "tan", "abs", "cot"):
            return _is_name(args[0])
        case Group(items) | Ratio(items):
            return all(_is_name(i) for i in items)
        case Mul(factors):
            return _is_product_name(factors)
        case Div(Mul((Sym("d"), Sym())), Mul((Sym("d"), Sym()))):
            return True
        case Pow(Sym(name), Num(value)) if value == -1:
            return name.isupper()
        case Pow(Sym(name), Neg(Num(value))) if value == 1:
            return name.isupper()
        case Div(over, under):
            return _is_segment(over) and _is_segment(under)
        case Unit(of, _):
            return _is_name(of)
        case Operator(parts=parts):
            return not parts
    return False


def _is_segment(node: Node) -> bool:
    return _is_name(node) and not (isinstance(node, Sym) and node.name[0].islower())


def _is_product_name(factors: tuple[Node, ...]) -> bool:
    """Capitals (AB), or a letter applied to something (T(10), P(x))."""
    if all(isinstance(f, Sym) and f.name[0].isupper() for f in factors):
        return True
    if factors[0] == Sym("m") and isinstance(factors[1], Func) and factors[1].name in ("angle", "measuredangle"):
        return len(factors) == 2
    if len(factors) == 2 and _is_function(factors[0]):
        return isinstance(factors[1], Sym | Group | Num)
    if len(factors) == 2 and isinstance(factors[0], Sym) and factors[0].name[0].isalpha():
        second = factors[1]
        return factors[0].name[0].isupper() and isinstance(second, Num | Sym | Group)
    return False


def _is_function(node: Node) -> bool:
    """The ``f'`` of ``f'(x)`` and the ``f^{-1}`` of ``f^{-1}(x)``."""
    match node:
        case Func("prime", (inner,)):
            return isinstance(inner, Sym) or _is_function(inner)
        case Pow(Sym(name), Num(value)):
            return name in "fghFGH" and value == -1
    return False


def is_qualifier(node: Node, exclusions: bool = False) -> bool:
    """``k ∈ ℤ``, ``n = 0, 1, 2, …``: says what a parameter ranges over, and is no answer of its own.

    With `exclusions`, ``b ≠ 0`` is one too: it stands beside a formula.
    """
    if isinstance(node, Relation) and node.ops[-1] == "in":
        right = node.items[-1]
        return isinstance(right, Sym) and right.name.rstrip("+-*") in ("set_Z", "set_N")
    if isinstance(node, Relation) and node.ops == ("!=",) and isinstance(node.items[0], Sym):
        return exclusions
    if isinstance(node, Words):
        return node.text.lower().startswith(("where", "for", "with", "其中"))
    return False


def items_of(node: Node) -> tuple[Node, ...]:
    """The items of a list, without qualifiers, each ± written out, ``x = 1, 2`` as two values of x."""
    raw = node.items if isinstance(node, Listing | SetOf) else (node,)
    beside = any(not isinstance(i, Relation) for i in raw)
    kept = tuple(i for i in raw if not is_qualifier(i, beside)) or raw
    out: list[Node] = []
    for item in kept:
        out.extend(expand(item))
    return tuple(out)


def expand(node: Node, independent: bool = False) -> list[Node]:
    """The values of an expression with ±: two (all upper, all lower signs), or all combinations."""
    count = sum(isinstance(n, PlusMinus) for n in walk(node))
    if count == 0 or (isinstance(node, Relation) and count > 1):
        return [node]
    if not independent or not 1 < count <= _MAX_SIGNS:
        return _distinct([_signed(node, lambda flipped: not flipped), _signed(node, lambda flipped: flipped)])
    variants: list[Node] = []
    for mask in range(1 << count):
        bits = iter([bool(mask >> i & 1) for i in range(count)])
        variants.append(_signed(node, lambda _, bits=bits: next(bits)))  # type: ignore[misc]
    return _distinct(variants)


def _distinct(nodes: list[Node]) -> list[Node]:
    return list(dict.fromkeys(nodes))


def _signed(node: Node, plus: Callable[[bool], bool]) -> Node:
    """`node` with every ± replaced by the sign that `plus(flipped)` chooses."""
    if isinstance(node, PlusMinus):
        left, right = _signed(node.left, plus), _signed(node.right, plus)
        term = right if plus(node.flipped) else Neg(right)
        return term if left == Num(Fraction(0)) else Add((left, term))
    return rebuild(node, lambda child: _signed(child, plus))


def rebuild(node: Node, change: Callable[[Node], Node]) -> Node:
    """`node` with `change` applied to every child; the same object where nothing changed."""
    below = children(node)
    if not below:
        return node
    new = tuple(change(c) for c in below)
    if all(a is b for a, b in zip(new, below, strict=True)):
        return node
    match node:
        case Add():
            return Add(new)
        case Mul():
            return Mul(new)
        case Ratio():
            return Ratio(new)
        case SetOf():
            return SetOf(new)
        case Div():
            return Div(*new)
        case Pow():
            return Pow(*new)
        case Neg():
            return Neg(*new)
        case Percent():
            return Percent(*new)
        case Degree():
            return Degree(*new)
        case Unit():
            return replace(node, of=new[0])
        case Func():
            return replace(node, args=new)
        case Group() | Listing() | Relation():
            return replace(node, items=new)
        case Matrix(rows):
            width = len(rows[0])
            return Matrix(tuple(new[i : i + width] for i in range(0, len(new), width)))
    return node


def without_degrees(node: Node) -> tuple[Node, bool]:
    """`node` with the degree signs outside functions dropped, and whether there were any."""
    if isinstance(node, Degree):
        return node.of, True
    if isinstance(node, Func | Num | Sym) or not any(isinstance(n, Degree) for n in walk(node)):
        return node, False
    found = [False]

    def strip(child: Node) -> Node:
        stripped, was = without_degrees(child)
        found[0] |= was
        return stripped

    changed = rebuild(node, strip)
    return changed, found[0]


def has_bare_log(node: Node) -> bool:
    """Whether ``log`` without a base stands in `node`."""
    return any(isinstance(n, Func) and n.name == "log" and len(n.args) == 1 for n in walk(node))


def decimal_log(node: Node) -> Node:
    """`node` with every ``log`` without a base to the base ten."""
    if isinstance(node, Func) and node.name == "log" and len(node.args) == 1:
        return Func("log10", (decimal_log(node.args[0]),))
    return rebuild(node, decimal_log)


def rename(node: Node, old: str, new: str) -> Node:
    """`node` with the variable `old` called `new`."""
    if isinstance(node, Sym):
        return Sym(new) if node.name == old else node
    return rebuild(node, lambda child: rename(child, old, new))


def has_parameter(node: Node, name: str) -> bool:
    """Whether `name` is a parameter of a family here: it multiplies π, or ranges over the whole numbers."""
    for n in walk(node):
        if isinstance(n, Mul | Div):
            inner = walk(n)
            if Sym(name) in inner and (Sym("pi") in inner or any(isinstance(i, Degree) for i in inner)):
                return True
        if isinstance(n, Relation) and n.ops[-1] == "in" and Sym(name) in walk(n.items[0]):
            return True
    return False
