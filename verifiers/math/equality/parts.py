"""What comparison asks of a tree: is it a list, a set, a vector; which names does it carry; what is its unit."""

from __future__ import annotations

from collections.abc import Iterable

from veritune.verifiers.math.equality.sets import is_infinite
from veritune.verifiers.math.equality.shapes import ContradictionError, assigned, expand, is_qualifier
from veritune.verifiers.math.syntax.nodes import (
    Add,
    Degree,
    Func,
    Group,
    Listing,
    Matrix,
    Mul,
    Neg,
    Node,
    Percent,
    PlusMinus,
    Relation,
    SetBuilder,
    SetOf,
    SetOp,
    Sym,
    Unit,
    walk,
)


def decide_all(results: Iterable[bool | None]) -> bool | None:
    """True if all are, False if any is, otherwise None. Stops at the first False."""
    undecided = False
    for result in results:
        if result is False:
            return False
        undecided |= result is None
    return None if undecided else True


def is_list(node: Node) -> bool:
    return isinstance(node, Listing | SetOf)


def has_sign(node: Node) -> bool:
    return any(isinstance(n, PlusMinus) for n in walk(node))


def signs(node: Node) -> int:
    return sum(isinstance(n, PlusMinus) for n in walk(node))


def independent(node: Node) -> list[Node]:
    raw = node.items if isinstance(node, Listing | SetOf) else (node,)
    return [v for item in raw if not is_qualifier(item) for v in expand(item, independent=True)]


def set_like(node: Node) -> bool:
    if isinstance(node, SetOp | SetBuilder):
        return True
    if isinstance(node, Add):
        return any(isinstance(t, Neg) and isinstance(t.of, SetOf) for t in node.terms)
    if isinstance(node, Relation):
        return any(op in ("<", ">", "<=", ">=", "!=", "in", "notin") for op in node.ops)
    if isinstance(node, Group):
        return len(node.items) == 2 and (node.opening + node.closing != "()" or any(is_infinite(i) for i in node.items))
    if isinstance(node, Listing):
        return any(set_like(i) for i in node.items) and all(set_like(i) or is_point(i) for i in node.items)
    if isinstance(node, Sym):
        return node.name.startswith("set_") or node.name == "emptyset"
    if isinstance(node, SetOf):
        return False
    return False


def is_count(node: Node) -> bool:
    """``P(5, 3)``, the number of arrangements, where a number is asked; a point named P elsewhere."""
    return isinstance(node, Func) and node.name == "call_P" and len(node.args) == 2


def is_once(node: Node) -> bool:
    """Whether an item written twice counts once: in a set, among alternatives, behind a ±."""
    if isinstance(node, Listing):
        return node.join == "or" or any(isinstance(i, Relation) or has_sign(i) for i in node.items)
    return isinstance(node, SetOf) or has_sign(node)


def measured(node: Node) -> bool:
    """Whether units or signs of measure stand in `node`: an equation of such values is no equation of numbers."""
    return any(isinstance(n, Unit | Percent | Degree) for n in walk(node))


def is_set(node: Node) -> bool:
    """A set by its form, the empty one too: it is none of its own elements."""
    return isinstance(node, SetOf | SetOp | SetBuilder) or (isinstance(node, Sym) and set_like(node))


def sets_in(node: SetOf) -> int:
    """How many elements of a set are sets themselves."""
    return sum(isinstance(item, SetOf) for item in node.items)


def is_interval(node: Node) -> bool:
    """Two ends in square brackets."""
    return isinstance(node, Group) and len(node.items) == 2 and node.opening + node.closing == "[]"


def is_alternatives(node: Node) -> bool:
    """``x = 2 or x = 3``: several values of one name, of which no point is made."""
    if not isinstance(node, Listing):
        return False
    names = [item.items[0] for item in node.items if isinstance(item, Relation) and item.ops == ("=",)]
    return len(names) == len(node.items) > 1 and len(set(names)) == 1


def is_point(node: Node) -> bool:
    """``x = 2`` beside inequalities: a set of one value."""
    return isinstance(node, Relation) and node.ops == ("=",) and isinstance(node.items[0], Sym)


def labels(node: Node) -> dict[Node, Node] | None:
    """``a = 1, b = 2`` as a mapping; None unless every item is an assignment and the names differ."""
    if isinstance(node, Listing):
        items = [i for i in node.items if not is_qualifier(i)]
        if len(items) < 2 or not all(isinstance(i, Relation) for i in items):
            return None
        try:
            pairs = [assigned(i) for i in items]
        except ContradictionError:
            return None
        if any(p.name is None for p in pairs):
            return None
        found = {p.name: p.value for p in pairs if p.name is not None}
        return found if len(found) == len(pairs) else None
    return None


def by_axis(labelled: dict[Node, Node]) -> list[Node]:
    """The values of ``y = 2, x = 1`` as a point lists them: coordinates by axis, other names as they stand."""
    named = {name.name: value for name, value in labelled.items() if isinstance(name, Sym)}
    if len(named) == len(labelled) and set(named) <= {"x", "y", "z"}:
        return [named[name] for name in sorted(named)]
    return list(labelled.values())


def single(node: Node) -> Node | None:
    return node.items[0] if isinstance(node, Group) and len(node.items) == 1 else None


def vector(matrix: Matrix) -> tuple[Node, ...] | None:
    if len(matrix.rows) == 1:
        return matrix.rows[0]
    if len(matrix.rows[0]) == 1:
        return tuple(row[0] for row in matrix.rows)
    return None


def spelled(node: Node) -> str:
    match node:
        case Sym(name):
            return name
        case Mul(factors):
            return "".join(spelled(f) for f in factors)
        case Func(name, args):
            return name + "".join(spelled(a) for a in args)
        case SetOf(()):
            return "emptyset"
        case Add():
            return ""
    return ""


def plain_empty(node: Node) -> Node:
    """The empty set under one name, however it is written."""
    return Sym("emptyset") if node == SetOf(()) else node


def kind(node: Node) -> str:
    """What sort of thing `node` is, for answers that cannot be the same because they are not of one sort."""
    if isinstance(node, Relation):
        return "relation"
    if isinstance(node, Matrix):
        return "matrix"
    if isinstance(node, Listing | Group):
        return "list"
    if set_like(node) or isinstance(node, SetOf):
        return "set"
    return "value"
