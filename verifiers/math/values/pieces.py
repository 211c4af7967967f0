"""The pieces of max, min, absolute values, signs, steps and cases: was every one met where two sides were compared?

Points find that two expressions differ only where they fall into the piece that differs. What must hold for a piece to
be the one that counts is a list of conditions, from the outermost function inwards; each is a margin that is positive
where it holds, so that a search can climb towards it. A piece that no search met may be empty: intervals say so where
they can. Otherwise it must stand on both sides, or nothing is claimed.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from veritune.verifiers.math.syntax.nodes import Func, Listing, Node, Operator, Relation, Words, children
from veritune.verifiers.math.values.bounds import bounds
from veritune.verifiers.math.values.exact import UndefinedError
from veritune.verifiers.math.values.numeric import FLOAT

Point = Mapping[str, Fraction]
_ARITHMETIC = (ArithmeticError, ValueError, TypeError, RecursionError)
_WIDE = 90
_CLIMBS, _STARTS = 50, 3
_EDGES, _HALVINGS = 3, 32
_MAX_PIECES = 48
_WORK = 40_000
"""Parts of conditions that one search looks at: about a tenth of a second. What it did not meet by then stays unmet."""
_PAIRS = 24
_STEPS = (-math.inf, 0.0, 1.0, 2.0, math.inf)
"""A floor or ceiling of what lies in one of these stretches is a piece to try; none of them has to be met."""


@dataclass(frozen=True, slots=True)
class Condition:
    """``left < right`` with the values of two nodes; a node that is None stands for `at`."""

    left: Node | None
    right: Node | None
    at: float = 0.0

    def margin(self, value: Callable[[Node], float]) -> float:
        """How far the condition is from failing, with the values that nodes have; negative where it fails."""
        left, right = (self.at if node is None else value(node) for node in (self.left, self.right))
        return right - left


@dataclass(frozen=True, slots=True)
class Piece:
    """One alternative of a function, and what must hold for it to be the one that counts."""

    name: str
    body: Node
    """What the function is there."""
    conditions: tuple[Condition, ...]
    must_be_met: bool
    of: Node
    """The function: its pieces exclude each other."""

    def margin(self, value: Callable[[Node], float]) -> float:
        """Positive where the piece counts."""
        return min(condition.margin(value) for condition in self.conditions)


def all_pieces_agree(
    gold: Node,
    prediction: Node,
    names: Sequence[str],
    whole: Callable[[str], bool],
    agree: Callable[[Point], bool | None],
) -> bool | None:
    """Whether two sides agree in every piece of either; None where a piece was not met that one side alone has.

    ``agree`` compares them at one point (None where they cannot be compared there); ``whole`` says which variables are
    positive whole numbers.
    """
    sides = [list(itertools.islice(pieces(side), _MAX_PIECES)) for side in (gold, prediction)]
    wanted = list({frozenset(piece.conditions): piece for piece in (*sides[0], *sides[1])}.values())
    if not wanted:
        return True
    search = _Search(names, whole, wanted)
    cost = 6 * (_size(gold) + _size(prediction))

    def compared(point: Mapping[str, float]) -> bool | None:
        search.left -= cost
        return agree(exactly(point))

    met: set[frozenset[int]] = set()
    for point, margins in zip(search.points, search.margins, strict=True):
        here = [index for index, margin in enumerate(margins) if margin > 0]
        new = {frozenset(pair) for pair in itertools.combinations_with_replacement(here, 2)} - met
        if new and (search.left > _WORK // 4 or any(len(pair) == 1 for pair in new)):
            found = compared(point)
            if found is False:
                return False
            if found:
                met |= new
    if any(compared(point) is False for point in search.edges()):
        return False
    for aim in search.open(met, whole):
        reached = search.climb(aim, steps=_CLIMBS if len(aim) == 1 else _CLIMBS // 3)
        found = None if reached is None else compared(reached)
        if found is False:
            return False
        if found:
            met.add(frozenset(aim))
    left = [piece for index, piece in enumerate(wanted) if frozenset((index,)) not in met and piece.must_be_met]
    left = [piece for piece in left if not _empty(piece, whole)]
    return True if all(_stands_in(piece, side, search.points) for piece in left for side in sides) else None


def _stands_in(piece: Piece, side: list[Piece], points: Sequence[Mapping[str, float]]) -> bool:
    """Whether the same function has the same piece on that side."""
    return any(
        other.name == piece.name and (other.body == piece.body or _same_values(other.body, piece.body, points))
        for other in side
    )


def _same_values(a: Node, b: Node, points: Sequence[Mapping[str, float]]) -> bool:
    compared = 0
    for point in points[:24]:
        values = {name: complex(value) for name, value in point.items()}
        try:
            x, y = _real(a, values), _real(b, values)
        except _ARITHMETIC:
            continue
        if abs(x - y) > 1e-9 * max(abs(x), abs(y)):
            return False
        compared += 1
    return compared > 5


def pieces(node: Node, above: tuple[Condition, ...] = ()) -> Iterator[Piece]:
    """The pieces of everything in `node`, each with the conditions under which its value reaches the top."""
    for name, body, conditions, must in _alternatives(node):
        yield Piece(name, body, (*above, *conditions), must, node)
        if name in ("max", "min", "cases"):
            yield from pieces(body, (*above, *conditions))
    if isinstance(node, Operator):
        below: tuple[Node, ...] = () if node.name in ("max", "min") or node.bound else node.parts
    elif isinstance(node, Func) and node.name == "cases":
        below = ()
    else:
        below = children(node)
    for child in below:
        yield from pieces(child, above)


def _alternatives(node: Node) -> Iterator[tuple[str, Node, tuple[Condition, ...], bool]]:
    if isinstance(node, Operator) and node.name in ("max", "min") and len(node.parts) > 1:
        for index, part in enumerate(node.parts):
            others = [other for at, other in enumerate(node.parts) if at != index]
            conditions = (Condition(o, part) if node.name == "max" else Condition(part, o) for o in others)
            yield node.name, part, tuple(conditions), True
    if not isinstance(node, Func):
        return
    if node.name in ("abs", "sgn") and len(node.args) == 1:
        yield f"{node.name} below 0", node.args[0], (Condition(node.args[0], None),), True
        yield f"{node.name} above 0", node.args[0], (Condition(None, node.args[0]),), True
    if node.name in ("floor", "ceil") and len(node.args) == 1:
        of = node.args[0]
        for low, high in itertools.pairwise(_STEPS):
            within = (Condition(None, of, low) if low > -math.inf else None, Condition(of, None, high))
            yield f"{node.name} above {low}", of, tuple(c for c in within if c is not None and c.at < math.inf), False
    if node.name == "cases":
        earlier: list[Condition] = []
        for value, condition in zip(node.args[::2], node.args[1::2], strict=False):
            found = tuple(_conditions(condition))
            otherwise = tuple(Condition(c.right, c.left) for c in earlier)
            yield "cases", value, otherwise if isinstance(condition, Words) else found, True
            earlier += found[:1]


def _conditions(node: Node) -> Iterator[Condition]:
    """The strict inequalities of a condition; an equation, "otherwise" and alternatives have no side to climb to."""
    if isinstance(node, Listing) and node.join != "or":
        for item in node.items:
            yield from _conditions(item)
    if isinstance(node, Relation):
        for op, a, b in zip(node.ops, node.items, node.items[1:], strict=False):
            if op in ("<", "<="):
                yield Condition(a, b)
            elif op in (">", ">="):
                yield Condition(b, a)


def _empty(piece: Piece, whole: Callable[[str], bool]) -> bool:
    """Whether intervals show that a condition of the piece holds nowhere."""
    for condition in piece.conditions:
        low = condition.at if condition.left is None else bounds(condition.left, whole)[0]
        high = condition.at if condition.right is None else bounds(condition.right, whole)[1]
        if high <= low:
            return True
    return False


def _size(node: Node) -> int:
    inner = node.parts if isinstance(node, Operator) else children(node)
    return 1 + sum(map(_size, inner))


def _real(node: Node, point: Mapping[str, complex]) -> float:
    value = complex(FLOAT.value(node, point))
    if abs(value.imag) > 1e-9 * (1 + abs(value)) or value != value:
        raise UndefinedError("a complex number where a real one is needed")
    return value.real


def _exclude(one: Piece, other: Piece) -> bool:
    """Whether a condition of one piece is the opposite of one of the other."""
    opposite = {(c.right, c.left, c.at) for c in other.conditions}
    return one.of == other.of or any((c.left, c.right, c.at) in opposite for c in one.conditions)


def exactly(point: Mapping[str, float]) -> Point:
    """A point of short floats as rationals."""
    return {name: Fraction(f"{value:.12g}") for name, value in point.items()}


def _short(value: float) -> float:
    return float(f"{value:.12g}")


class _Search:
    """Points of all sizes, and from the best of them a climb to where a piece counts. The same for the same names."""

    def __init__(self, names: Sequence[str], whole: Callable[[str], bool], wanted: list[Piece]) -> None:
        self._rng = random.Random("pieces|" + "|".join(names))
        self._whole = {name: whole(name) for name in names}
        self._wanted = wanted
        self.left = _WORK
        self._sizes: dict[int, int] = {}
        self.points: list[dict[str, float]] = []
        self.margins: list[list[float]] = []
        while len(self.points) < _WIDE and self.left > _WORK // 2:
            self.points.append(self._drawn())
            self.margins.append(self._heights(wanted, self.points[-1]))

    def _heights(self, aims: Sequence[Piece], point: Mapping[str, float]) -> list[float]:
        """The margins of pieces at a point; minus infinity where there is none. Every value is computed once."""
        numbers = {name: complex(value) for name, value in point.items()}
        known: dict[int, float] = {}

        def value(node: Node) -> float:
            found = known.get(id(node))
            if found is None:
                size = self._sizes.get(id(node)) or self._sizes.setdefault(id(node), _size(node))
                self.left -= size
                found = known[id(node)] = _real(node, numbers)
            return found

        heights = []
        for piece in aims:
            try:
                heights.append(piece.margin(value))
            except _ARITHMETIC:
                heights.append(-math.inf)
        return heights

    def _drawn(self) -> dict[str, float]:
        scale = self._rng.choice((1, 1, 3, 6, 9))
        return {name: self._settled(self._sized(scale), whole) for name, whole in self._whole.items()}

    def _sized(self, scale: int) -> float:
        size = math.exp(self._rng.uniform(-scale, scale) * 1.7)
        return size if self._rng.random() < 0.6 else -size

    def _settled(self, value: float, whole: bool) -> float:
        """A number of six digits, so that it is the same one as a float and as a rational."""
        return max(1.0, round(min(abs(value), 1e6))) if whole else float(f"{value:.6g}")

    def edges(self) -> Iterator[Mapping[str, float]]:
        """Points on both sides of where each piece ends, close to it: there the other side must change as well."""
        for index, piece in enumerate(self._wanted):
            if self.left < _WORK // 8:
                return
            within = [at for at, margins in enumerate(self.margins) if margins[index] > 0]
            without = [at for at, margins in enumerate(self.margins) if -math.inf < margins[index] < 0]
            for one, other in itertools.islice(zip(within, reversed(without), strict=False), _EDGES):
                yield from self._edge(piece, self.points[one], self.points[other])

    def _edge(
        self, piece: Piece, within: Mapping[str, float], without: Mapping[str, float]
    ) -> tuple[Mapping[str, float], Mapping[str, float]]:
        """The two points brought together as far as twelve digits (or whole numbers) go."""
        for _ in range(_HALVINGS):
            middle = {
                name: round((value + without[name]) / 2) if self._whole[name] else _short((value + without[name]) / 2)
                for name, value in within.items()
            }
            if middle in (within, without):
                break
            if self._heights([piece], middle)[0] > 0:
                within = middle
            else:
                without = middle
        return within, without

    def open(self, met: set[frozenset[int]], whole: Callable[[str], bool]) -> Iterator[tuple[int, ...]]:
        """What was not met: pieces that are not known to be empty, and pairs of met ones that may go together."""
        wanted = self._wanted
        for index, piece in enumerate(wanted):
            if frozenset((index,)) not in met and not _empty(piece, whole):
                yield (index,)
        pairs = (
            pair
            for pair in itertools.combinations(range(len(wanted)), 2)
            if frozenset(pair) not in met and all(frozenset((index,)) in met for index in pair)
            and not _exclude(*(wanted[index] for index in pair))
        )  # fmt: skip
        yield from itertools.islice(pairs, _PAIRS)

    def climb(self, aim: Sequence[int], steps: int) -> Mapping[str, float] | None:
        """A point at which all pieces that `aim` numbers count, if a climb finds one."""
        aims = [self._wanted[index] for index in aim]
        heights = [min(margins[index] for index in aim) for margins in self.margins]
        for start in sorted(range(len(self.points)), key=lambda at: -heights[at])[: _STARTS if len(aim) == 1 else 1]:
            best, point = heights[start], self.points[start]
            for step in range(steps if self.left > 0 else 0):
                if best > 0:
                    return point
                moved = self._moved(point, 0.5 ** (step % 8))
                height = min(self._heights(aims, moved))
                if height > best:
                    best, point = height, moved
            if best > 0:
                return point
        return None

    def _moved(self, point: Mapping[str, float], scale: float) -> dict[str, float]:
        moved = dict(point)
        for name in self._rng.sample(list(point), self._rng.randint(1, len(point))):
            value, by = point[name], self._rng.gauss(0.0, 1.0) * scale * 3
            value = value * math.exp(by) if self._rng.random() < 0.5 else value + by * max(1.0, abs(value) * 0.1)
            moved[name] = self._settled(-value if self._rng.random() < 0.05 else value, self._whole[name])
        return moved


__all__ = ["Condition", "Piece", "all_pieces_agree", "pieces"]
