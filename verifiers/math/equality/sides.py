"""What is told without weighing every pair: items as they are written, and equations of one operator side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from veritune.verifiers.math.equality.leaves import Tri
from veritune.verifiers.math.equality.quantities import Quantities
from veritune.verifiers.math.syntax.nodes import Node, Num, Operator, Relation, Sym


class Sides(Quantities):
    """The comparison of long lists and of equations whose left side is an operator."""

    def as_written(self, gold: Sequence[Node], prediction: Sequence[Node]) -> Tri:
        """Items too many to be held against each other one by one: as they are written, numbers by their values."""
        if len(gold) != len(prediction):
            return self.no("more items than are compared")
        if Counter(map(_plain_key, gold)) == Counter(map(_plain_key, prediction)):
            return True
        plain = all(isinstance(item, Sym) or _is_exact(item) for item in (*gold, *prediction))
        return self.no("other items") if plain else None

    def side_by_side(self, gold: Relation, prediction: Relation) -> Tri:
        """``\\gcd(a, b) = 1`` against ``\\gcd(b, a) = 2``: algebra has no other reading of them than side by side."""
        if gold.ops != ("=",) or prediction.ops != ("=",):
            return None
        (mine, value), (theirs, other) = gold.items, prediction.items
        if not (isinstance(mine, Operator) and isinstance(theirs, Operator)):
            return None
        left, right = self.same(mine, theirs), self.same(value, other)
        if left:
            return right
        return False if left is False and right else None


def _plain_key(item: Node) -> object:
    return item.value if isinstance(item, Num) else item


def _is_exact(item: Node) -> bool:
    return isinstance(item, Num) and item.ulp is None
