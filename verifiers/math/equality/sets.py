"""Sets of real numbers: intervals, unions, inequalities and set-builders in one normal form."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from veritune.verifiers.math.options import MathOptions
from veritune.verifiers.math.syntax.nodes import (
    Add,
    Func,
    Group,
    Listing,
    Neg,
    Node,
    Num,
    Relation,
    SetBuilder,
    SetOf,
    SetOp,
    Sym,
    Unit,
    Words,
)
from veritune.verifiers.math.values.numeric import FLOAT, free_symbols
from veritune.verifiers.math.values.scalar import ARITHMETIC, equal

INF = float("inf")
_FLIP = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}
_ORDER = frozenset(_FLIP)


@dataclass(frozen=True, slots=True)
class End:
    """An endpoint: its float for ordering, its tree for exact comparison (None at infinity)."""

    at: float
    node: Node | None


@dataclass(frozen=True, slots=True)
class Span:
    low: End
    low_closed: bool
    high: End
    high_closed: bool


MINUS, PLUS = End(-INF, None), End(INF, None)
ALL = (Span(MINUS, False, PLUS, False),)
RealSet = tuple[Span, ...]


class NotASetError(ValueError):
    """The tree is no set of real numbers that this module reads."""


def real_set(node: Node) -> RealSet:
    """The set of reals that `node` denotes, as disjoint sorted spans. Raises NotASetError."""
    return _merge(_read(node))


def by_variables(node: Node) -> dict[frozenset[str], Node]:
    """The conditions of a list by the names they are on, as ``x > 0, y < 0`` is no set of reals. Else empty."""
    if not (isinstance(node, Listing) and node.join != "or" and all(isinstance(i, Relation) for i in node.items)):
        return {}
    found: dict[frozenset[str], list[Node]] = {}
    for item in node.items:
        assert isinstance(item, Relation)
        names = frozenset(name for side in item.items for name in _variables(side))
        found.setdefault(names, []).append(item)
    if any("=" in item.ops for items in found.values() for item in items if isinstance(item, Relation)):
        return {}
    return {n: items[0] if len(items) == 1 else Listing(tuple(items), node.join) for n, items in found.items()}


def on_other_names(gold: Node, prediction: Node) -> bool:
    """``y > 3`` for ``x > 3``. A set that is written without a name is on none."""
    mine, theirs = _condition_names(gold), _condition_names(prediction)
    return bool(mine) and bool(theirs) and not mine & theirs


def _condition_names(node: Node) -> frozenset[str]:
    items = node.items if isinstance(node, Listing) else (node,)
    sides = [side for item in items if isinstance(item, Relation) for side in item.items]
    return frozenset(side.name for side in sides if isinstance(side, Sym) and free_symbols(side))


def same_set(gold: RealSet, prediction: RealSet, options: MathOptions) -> bool | None:
    """Whether two sets have the same spans with the same, exactly compared, endpoints."""
    if len(gold) != len(prediction):
        return False
    undecided = False
    for a, b in zip(gold, prediction, strict=True):
        if a.low_closed != b.low_closed or a.high_closed != b.high_closed:
            return False
        for x, y in ((a.low, b.low), (a.high, b.high)):
            if x.node is None or y.node is None:
                if x.at != y.at:
                    return False
                continue
            found = equal(x.node, y.node, options)
            if found is False:
                return False
            undecided |= found is None
    return None if undecided else True


def is_infinite(node: Node) -> int:
    """1 for ∞, -1 for -∞, otherwise 0."""
    if isinstance(node, Sym) and node.name == "oo":
        return 1
    if isinstance(node, Neg) and isinstance(node.of, Sym) and node.of.name == "oo":
        return -1
    return 0


def _end(node: Node) -> End:
    sign = is_infinite(node)
    if sign:
        return PLUS if sign > 0 else MINUS
    try:
        value = complex(FLOAT.value(node, {}))
    except ARITHMETIC:
        raise NotASetError("an endpoint without a value") from None
    if abs(value.imag) > 1e-9 * (1 + abs(value)) or value != value:
        raise NotASetError("a complex endpoint")
    return End(value.real, node)


def _read(node: Node) -> list[Span]:
    match node:
        case Group(items, opening, closing) if len(items) == 2:
            low, high = _end(items[0]), _end(items[1])
            if low.at > high.at:
                raise NotASetError("an interval whose ends are swapped")
            return [Span(low, opening == "[" and low.node is not None, high, closing == "]" and high.node is not None)]
        case SetOf(items):
            return [_point(item) for item in items]
        case SetOp("cup", parts):
            return [span for part in parts for span in _read(part)]
        case SetOp("cap", parts):
            spans = list(_merge(_read(parts[0])))
            for part in parts[1:]:
                spans = _intersect(spans, _read(part))
            return spans
        case SetOp("setminus", (left, right)):
            return _intersect(_read(left), _complement(_merge(_read(right))))
        case Add((left, Neg(SetOf() as right))):
            return _intersect(_read(left), _complement(_merge(_read(right))))
        case Sym("set_R" | "R"):
            return list(ALL)
        case Sym("set_R+" | "set_R-"):
            return _half(">" if node.name.endswith("+") else "<", Num(Fraction(0)))
        case Sym("emptyset"):
            return []
        case SetBuilder(head, condition):
            return _builder(head, condition)
        case Relation():
            return _relation(node)
        case Unit(of=of, unit=unit) if unit.lower() in ("or", "and"):
            return _read(of)
        case Listing(items, join):
            return _listing(items, join)
        case Words(text) if text.lower() in ("all real numbers", "all reals", "reals", "real numbers"):
            return list(ALL)
    raise NotASetError(f"{type(node).__name__} is no set of reals")


def _point(node: Node) -> Span:
    end = _end(node)
    if end.node is None:
        raise NotASetError("infinity as an element")
    return Span(end, True, end, True)


def _builder(head: Node, condition: Node) -> list[Span]:
    if isinstance(head, Relation) and head.ops == ("in",) and isinstance(head.items[0], Sym):
        return _intersect(_read(head.items[1]), _read(condition))
    if isinstance(head, Sym):
        names = free_symbols(condition)
        if names and names != {head.name}:
            raise NotASetError("a condition on another variable")
        return _read(condition)
    raise NotASetError("a set-builder over an expression")


def _listing(items: tuple[Node, ...], join: str) -> list[Span]:
    if not all(isinstance(i, Relation | Group | SetOp | SetOf) for i in items):
        raise NotASetError("a list of numbers")
    if all(isinstance(i, Relation) and i.ops == ("=",) for i in items):
        raise NotASetError("a list of solutions")
    if join == "or" or (join != "and" and any(isinstance(i, Group | SetOp) for i in items)):
        if join == ",":
            raise NotASetError("a list of points")
        return [span for item in items for span in _read(item)]
    spans = _read(items[0])
    whole = all(isinstance(i, Relation) for i in items)
    if not whole:
        raise NotASetError("a list of intervals")
    if join == "and" or _only_exclusions(items):
        for item in items[1:]:
            spans = _intersect(spans, _read(item))
        return spans
    meet = spans
    union = list(spans)
    for item in items[1:]:
        meet = _intersect(meet, _read(item))
        union.extend(_read(item))
    return meet if _merge(meet) else union


def _only_exclusions(items: tuple[Node, ...]) -> bool:
    return any(isinstance(i, Relation) and "!=" in i.ops for i in items)


def _relation(node: Relation) -> list[Span]:
    if node.ops == ("in",):
        return _read(node.items[1])
    if node.ops == ("notin",):
        return _complement(_merge(_read(node.items[1])))
    if len(node.ops) == 2 and node.ops[1] == "in" and node.ops[0] in _ORDER:
        return _relation(Relation(node.items[:2], node.ops[:1]))
    if not all(op in _ORDER for op in node.ops):
        raise NotASetError("a relation that is no inequality")
    names = frozenset(n for item in node.items for n in _variables(item))
    if len(names) != 1:
        raise NotASetError("not an inequality in one variable")
    spans: list[Span] = list(ALL)
    for left, op, right in zip(node.items, node.ops, node.items[1:], strict=False):
        spans = _intersect(spans, _solve(left, op, right, next(iter(names))))
    return spans


def _variables(node: Node) -> frozenset[str]:
    """Names that vary: free symbols, or a whole ``f(x)`` standing for one value."""
    if isinstance(node, Func) and node.name.startswith("call_"):
        return frozenset([str(node)])
    return free_symbols(node)


def _solve(left: Node, op: str, right: Node, name: str) -> list[Span]:
    if not _variables(left) and _variables(right):
        left, op, right = right, _FLIP[op], left
    if _variables(right):
        raise NotASetError("the variable stands on both sides")
    if isinstance(left, Sym) or (isinstance(left, Func) and left.name.startswith("call_")):
        return _half(op, right)
    if isinstance(left, Func) and left.name == "abs" and isinstance(left.args[0], Sym):
        inside = _half(op, right)
        mirrored = [Span(_mirror(s.high), s.high_closed, _mirror(s.low), s.low_closed) for s in inside]
        if op in ("<", "<=", "!="):
            return _intersect(inside, mirrored)
        return inside + mirrored
    return _linear(left, op, right, name)


def _mirror(end: End) -> End:
    return End(-end.at, None if end.node is None else Neg(end.node))


def _linear(left: Node, op: str, right: Node, name: str) -> list[Span]:
    """``a·x + b op c`` by two values of the left side, if a third confirms that it is linear."""
    try:
        values = [complex(FLOAT.value(left, {name: complex(x)})).real for x in (0, 1, 2, -3)]
        bound = complex(FLOAT.value(right, {})).real
    except ARITHMETIC:
        raise NotASetError("a side without a value") from None
    slope = values[1] - values[0]
    straight = abs(values[2] - values[0] - 2 * slope) < 1e-9 and abs(values[3] - values[0] + 3 * slope) < 1e-9
    if not straight or abs(slope) < 1e-12:
        raise NotASetError("not linear")
    at = Fraction((bound - values[0]) / slope).limit_denominator(10**6)
    return _half(op if slope > 0 else _FLIP[op], Num(at))


def _half(op: str, bound: Node) -> list[Span]:
    end = _end(bound)
    if op == "<":
        return [Span(MINUS, False, end, False)]
    if op == "<=":
        return [Span(MINUS, False, end, end.node is not None)]
    if op == ">":
        return [Span(end, False, PLUS, False)]
    if op == ">=":
        return [Span(end, end.node is not None, PLUS, False)]
    if op == "!=":
        return [Span(MINUS, False, end, False), Span(end, False, PLUS, False)]
    return [Span(end, True, end, True)]


def _merge(spans: list[Span]) -> RealSet:
    """Sorted, with touching spans joined and empty ones dropped."""
    kept = [s for s in spans if s.low.at < s.high.at or (s.low.at == s.high.at and s.low_closed and s.high_closed)]
    kept.sort(key=lambda s: (s.low.at, not s.low_closed))
    out: list[Span] = []
    for span in kept:
        if out and _touch(out[-1], span):
            last = out.pop()
            if (span.high.at, span.high_closed) > (last.high.at, last.high_closed):
                last = Span(last.low, last.low_closed, span.high, span.high_closed)
            out.append(last)
        else:
            out.append(span)
    return tuple(out)


def _touch(a: Span, b: Span) -> bool:
    close = abs(b.low.at - a.high.at) <= 1e-12 * (1 + abs(b.low.at)) if b.low.at not in (INF, -INF) else False
    return (b.low.at < a.high.at and not close) or (close and (a.high_closed or b.low_closed))


def _intersect(a: list[Span], b: list[Span]) -> list[Span]:
    out: list[Span] = []
    for x in a:
        for y in b:
            low, low_closed = max(((x.low, x.low_closed), (y.low, y.low_closed)), key=lambda p: (p[0].at, not p[1]))
            high, high_closed = min(((x.high, x.high_closed), (y.high, y.high_closed)), key=lambda p: (p[0].at, p[1]))
            if low.at < high.at or (low.at == high.at and low_closed and high_closed):
                out.append(Span(low, low_closed, high, high_closed))
    return out


def _complement(spans: RealSet) -> list[Span]:
    out: list[Span] = []
    low, low_closed = MINUS, False
    for span in spans:
        out.append(Span(low, low_closed, span.low, not span.low_closed and span.low.node is not None))
        low, low_closed = span.high, not span.high_closed and span.high.node is not None
    out.append(Span(low, low_closed, PLUS, False))
    return [s for s in out if s.low.at < s.high.at or (s.low.at == s.high.at and s.low_closed and s.high_closed)]
