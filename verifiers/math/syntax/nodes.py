"""The tree an answer becomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from operator import attrgetter
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Num:
    """An exact rational as written. ``digits``: significant digits of a printed decimal, None of an exact number."""

    value: Fraction
    digits: int | None = None
    ulp: Fraction | None = None
    """One unit in the last printed place, of a decimal."""


@dataclass(frozen=True, slots=True)
class Sym:
    """A variable, or one of the constants ``pi``, ``e``, ``i``, ``oo``, ``emptyset``, ``R``, ``Z`` …"""

    name: str


@dataclass(frozen=True, slots=True)
class Add:
    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mul:
    factors: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Div:
    over: Node
    under: Node


@dataclass(frozen=True, slots=True)
class Neg:
    of: Node


@dataclass(frozen=True, slots=True)
class Pow:
    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True)
class Func:
    """A known function (``sin``, ``log`` …) or an unknown one (``f``)."""

    name: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class PlusMinus:
    """``left ± right``; ``flipped`` for ``∓``. A unary one has ``left`` 0."""

    left: Node
    right: Node
    flipped: bool = False


@dataclass(frozen=True, slots=True)
class Percent:
    of: Node


@dataclass(frozen=True, slots=True)
class Degree:
    of: Node


@dataclass(frozen=True, slots=True)
class Based:
    """Digits with a base: ``1011_2``."""

    digits: str
    base: int


@dataclass(frozen=True, slots=True)
class Unit:
    """A value with the words written behind it."""

    of: Node
    unit: str


@dataclass(frozen=True, slots=True)
class Ratio:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Items in brackets: a tuple, an interval, a bracketed list; ``opening`` and ``closing`` as written."""

    items: tuple[Node, ...]
    opening: str
    closing: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Items separated by commas, semicolons, "and", "or" without brackets. ``join`` is the strongest separator."""

    items: tuple[Node, ...]
    join: str


@dataclass(frozen=True, slots=True)
class SetOf:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class SetBuilder:
    """``{head | condition}``."""

    head: Node
    condition: Node


@dataclass(frozen=True, slots=True)
class SetOp:
    """``cup``, ``cap`` or ``setminus`` of sets."""

    op: str
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """A chain ``a < b ≤ c``: ``len(ops) == len(items) - 1``."""

    items: tuple[Node, ...]
    ops: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class Operator:
    """Something that would have to be carried out: a sum, an integral, a limit …

    ``source`` is how it is written. ``parts`` is what it is made of where that could be read, else empty: the
    arguments of ``gcd``, ``max`` …; low, high and body of ``sum``, ``prod`` and ``int``; the point and the body of
    ``lim``; the body of ``derivative`` and ``primitive``; the matrix of ``det``. ``bound`` names its variable.
    """

    name: str
    source: str
    parts: tuple[Node, ...] = ()
    bound: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """Text that is not mathematics."""

    text: str


Node: TypeAlias = (
    Num
    | Sym
    | Add
    | Mul
    | Div
    | Neg
    | Pow
    | Func
    | PlusMinus
    | Percent
    | Degree
    | Based
    | Unit
    | Ratio
    | Group
    | Listing
    | SetOf
    | SetBuilder
    | SetOp
    | Relation
    | Matrix
    | Operator
    | Words
)


_BELOW: dict[type, Callable[[Any], tuple[Node, ...]]] = {
    Add: attrgetter("terms"),
    Mul: attrgetter("factors"),
    Func: attrgetter("args"),
    **dict.fromkeys((Ratio, SetOp), attrgetter("parts")),
    **dict.fromkeys((SetOf, Group, Listing, Relation), attrgetter("items")),
    Div: attrgetter("over", "under"),
    Pow: attrgetter("base", "exponent"),
    SetBuilder: attrgetter("head", "condition"),
    PlusMinus: attrgetter("left", "right"),
    **dict.fromkeys((Neg, Percent, Degree, Unit), lambda node: (node.of,)),
    Matrix: lambda node: tuple(item for row in node.rows for item in row),
}
"""What stands directly below a node of each type; types that have nothing below them are not here."""


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below `node`."""
    below = _BELOW.get(type(node))
    return () if below is None else below(node)


def walk(node: Node) -> list[Node]:
    """`node` and everything below it."""
    out = [node]
    for current in out:
        below = _BELOW.get(type(current))
        if below is not None:
            out.extend(below(current))
    return out
