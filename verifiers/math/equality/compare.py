"""Do two trees say the same? Shapes first (sets, tuples, matrices, relations), values at the leaves."""

from __future__ import annotations

from collections.abc import Sequence

from veritune.verifiers.math.equality.enumerated import as_elements
from veritune.verifiers.math.equality.equations import same_equation
from veritune.verifiers.math.equality.families import same_argument
from veritune.verifiers.math.equality.leaves import Tri
from veritune.verifiers.math.equality.matrices import as_matrix, as_rows
from veritune.verifiers.math.equality.names import names_agree
from veritune.verifiers.math.equality.parts import (
    by_axis,
    decide_all,
    has_sign,
    independent,
    is_alternatives,
    is_count,
    is_interval,
    is_list,
    is_once,
    is_set,
    labels,
    measured,
    plain_empty,
    set_like,
    sets_in,
    signs,
    single,
    spelled,
    vector,
)
from veritune.verifiers.math.equality.progressions import same_families
from veritune.verifiers.math.equality.sets import NotASetError, by_variables, on_other_names, real_set, same_set
from veritune.verifiers.math.equality.shapes import (
    ContradictionError,
    assigned,
    expand,
    items_of,
    solved_for,
    stated_value,
)
from veritune.verifiers.math.equality.sides import Sides
from veritune.verifiers.math.equality.vectors import as_tuple, has_basis, same_length, with_basis
from veritune.verifiers.math.syntax.nodes import (
    Div,
    Func,
    Group,
    Listing,
    Matrix,
    Mul,
    Node,
    Num,
    Ratio,
    Relation,
    SetBuilder,
    SetOf,
    SetOp,
    Sym,
    Unit,
    Words,
)
from veritune.verifiers.math.text.words import same_words, word_number
from veritune.verifiers.math.values.exact import TooBigError
from veritune.verifiers.math.values.numeric import free_symbols

_MAX_ITEMS = 50


class Comparison(Sides):
    """One comparison of a gold with a prediction; ``reason`` says what the first difference was."""

    def same(self, gold: Node, prediction: Node) -> Tri:
        """Whether `prediction` is `gold`. None: could not be decided here."""
        self.work -= 1
        if self.work < 0:
            raise TooBigError("more comparisons than the cap")
        if gold == prediction:
            return True
        gold, prediction = as_elements(plain_empty(gold)), as_elements(plain_empty(prediction))
        if (is_count(prediction) and isinstance(gold, Num)) or (is_count(gold) and isinstance(prediction, Num)):
            return self.scalars(gold, prediction)
        if isinstance(gold, Words) or isinstance(prediction, Words):
            return self._words(gold, prediction)
        family = same_families(gold, prediction, self.options)
        if family is not None:
            return family or self.no("another family")
        try:
            a, b = assigned(gold), assigned(prediction)
        except ContradictionError as error:
            return self.no(f"the prediction is {error}")
        if a.name is not None or b.name is not None or a.value is not gold or b.value is not prediction:
            found = self._assigned(a.name, a.value, b.name, b.value)
            if isinstance(a.name, Sym) and b.name is None and _is_equation(b.value) and not free_symbols(a.value):
                value = solved_for(b.value, a.name.name) if isinstance(b.value, Relation) else None
                if value is not None:
                    return self.same(a.value, value)
                return self.no("the equation is left unsolved")
            both = isinstance(gold, Relation) and isinstance(prediction, Relation)
            if found or not both or not (free_symbols(gold) and free_symbols(prediction)):
                return found
            if measured(gold) or measured(prediction):
                return found
            return self._relations(gold, prediction) or found
        return self._shapes(gold, prediction)

    def _assigned(self, gold_name: Node | None, gold: Node, name: Node | None, prediction: Node) -> Tri:
        if gold_name is not None and name is not None and not names_agree(gold_name, name):
            if names_agree(gold_name, prediction) and names_agree(gold, name) and free_symbols(gold):
                return True
            return self.no("the value is given for another name")
        if gold_name is not None and name is not None:
            prediction = same_argument(gold_name, name, prediction)
        return self.same(gold, prediction)

    def _shapes(self, gold: Node, prediction: Node) -> Tri:
        gold, prediction = self._vectors(gold, prediction)
        if isinstance(gold, Unit) or isinstance(prediction, Unit):
            return self.units(gold, prediction)
        if isinstance(gold, Mul | Div) and isinstance(prediction, Mul | Div):
            found = self.letter_units(gold, prediction)
            if found is not None:
                return found
        if isinstance(gold, SetOf) and isinstance(prediction, SetOf) and sets_in(gold) != sets_in(prediction):
            return self.no("a set of sets against a set of something else")
        if is_set(gold) and is_set(prediction) and {type(gold), type(prediction)} == {Sym, SetOf}:
            return self.no("a set by its name against one by its elements")
        if is_list(gold) or is_list(prediction) or has_sign(gold) or has_sign(prediction):
            found = self._lists(gold, prediction)
            if found is not None:
                return found
        if set_like(gold) or set_like(prediction):
            found = self._sets(gold, prediction)
            if found is not None:
                return found
        if isinstance(gold, Relation) or isinstance(prediction, Relation):
            return self._relations(gold, prediction)
        matrices = as_matrix(gold), as_matrix(prediction)
        if matrices[0] or matrices[1]:
            return self._matrices(gold, prediction, *matrices)
        if isinstance(gold, Group) or isinstance(prediction, Group):
            return self._groups(gold, prediction)
        if isinstance(gold, SetOf | SetOp | SetBuilder) or isinstance(prediction, SetOf | SetOp | SetBuilder):
            return self._set_parts(gold, prediction)
        if isinstance(gold, Ratio) or isinstance(prediction, Ratio):
            return self._ratios(gold, prediction)
        return self.scalars(gold, prediction)

    def _vectors(self, gold: Node, prediction: Node) -> tuple[Node, Node]:
        """Combinations of vectors worked out, so that they are compared by components."""
        a, b = as_tuple(gold), as_tuple(prediction)
        if isinstance(a, Group) and has_basis(gold) != has_basis(prediction):
            b = with_basis(b)
        if isinstance(b, Group) and has_basis(gold) != has_basis(prediction):
            a = with_basis(a)
        return same_length(a, b) if has_basis(gold) or has_basis(prediction) else (a, b)

    # Words and units

    def _words(self, gold: Node, prediction: Node) -> Tri:
        if isinstance(gold, Words) and isinstance(prediction, Words):
            found = same_words(gold.text, prediction.text)
            return self.no("the words differ") if found is False else found
        text, other, flipped = (gold, prediction, False) if isinstance(gold, Words) else (prediction, gold, True)
        assert isinstance(text, Words)
        if self.options.text_numbers:
            number = word_number(text.text)
            if number is not None:
                value: Node = Num(number)
                return self.same(other, value) if flipped else self.same(value, other)
        if isinstance(other, Sym | Func | Mul | SetOf | SetOp):
            found = same_words(text.text, spelled(other))
            if found:
                return True
        return self.no("one is words, the other is mathematics")

    # Lists

    def _lists(self, gold: Node, prediction: Node) -> Tri:
        if set_like(gold) and set_like(prediction):
            found = self._sets(gold, prediction)
            if found is not None:
                return found
        if isinstance(gold, Group) and len(gold.items) > 1:
            if (
                isinstance(prediction, Listing)
                and not has_sign(gold)
                and len(prediction.items) == len(gold.items)
                and (gold.opening == "(" or len(gold.items) > 2)
            ):
                coordinates = labels(prediction)
                return self._in_order(gold.items, by_axis(coordinates) if coordinates else prediction.items)
            return self._expanded_groups(gold, prediction)
        if isinstance(prediction, Group) and len(prediction.items) > 1:
            if isinstance(gold, Listing | SetOf):
                items = gold.items
                if is_interval(prediction) and isinstance(gold, SetOf):
                    return self.no("an interval where a set was expected")
                if is_alternatives(gold) and prediction.opening == "(":
                    return self.no("a point where alternatives were expected")
                if prediction.opening == "[" and prediction.closing == "]":
                    return self._any_order(items_of(gold), prediction.items)
                if len(items) == len(prediction.items) and not any(isinstance(i, Group) for i in items):
                    if isinstance(gold, SetOf):
                        return self.no("a tuple where a set was expected")
                    return self._in_order(items, prediction.items)
            if not isinstance(gold, Listing | SetOf) and not has_sign(gold):
                return None
        named = self._labelled(gold, prediction)
        if named is not None:
            return named
        if not (is_list(gold) or has_sign(gold) or is_list(prediction) or has_sign(prediction)):
            return None
        once = is_once(gold) or is_once(prediction)
        first = self._any_order(items_of(gold), items_of(prediction), once)
        if first or not (signs(gold) > 1 or signs(prediction) > 1):
            return first
        left, right = independent(gold), independent(prediction)
        if any(map(has_sign, (*left, *right))):
            return first
        return self._any_order(left, right, once)

    def _expanded_groups(self, gold: Node, prediction: Node) -> Tri:
        if has_sign(gold) or has_sign(prediction):
            return self._any_order(expand(gold), items_of(prediction))
        if isinstance(prediction, Listing):
            return self.no("several answers where one was expected")
        return None

    def _labelled(self, gold: Node, prediction: Node) -> Tri:
        """Lists whose items carry names: by name where both do, in order where only one does."""
        a, b = labels(gold), labels(prediction)
        if a is None and b is None:
            return None
        if a is not None and b is not None:
            if len(a) != len(b):
                return self.no("another number of named values")
            if set(a) == set(b):
                return decide_all(self.same(a[name], b[name]) for name in a)
            if not all(map(names_agree, a, b)):
                return self.no("a value is given for another name")
            return self._in_order(list(a.values()), list(b.values()))
        labelled = a if a is not None else b
        other = prediction if a is not None else gold
        assert labelled is not None
        values = list(labelled.values())
        if isinstance(other, Group | Listing):
            items = list(other.items)
            if isinstance(other, Group):
                values = by_axis(labelled)
            return self._in_order(values, items) if a is not None else self._in_order(items, values)
        return None

    def _in_order(self, gold: Sequence[Node], prediction: Sequence[Node]) -> Tri:
        if len(gold) != len(prediction):
            return self.no(f"{len(prediction)} parts where {len(gold)} were expected")
        pairs = zip(gold, prediction, strict=True)
        return decide_all(
            self._in_order(a.items, b.items) if isinstance(a, Listing) and isinstance(b, Listing) else self.same(a, b)
            for a, b in pairs
        )

    def _any_order(self, gold: Sequence[Node], prediction: Sequence[Node], once: bool = False) -> Tri:
        """A perfect matching, greedily: equality is transitive, so greedy loses nothing. With `once`, as in a set or
        behind "or", an item written twice counts once."""
        left, right = list(gold), list(prediction)
        if once:
            left, right = list(dict.fromkeys(gold)), list(dict.fromkeys(prediction))
        if len(left) > _MAX_ITEMS or len(right) > _MAX_ITEMS:
            return self.as_written(left, right)
        if once and len(left) < len(right) <= 8:
            right = self._distinct(right)
        if len(left) != len(right):
            return self.no(f"{len(right)} answers where {len(left)} were expected")
        undecided = False
        rest = list(right)
        for item in left:
            for index, candidate in enumerate(rest):
                found = self.same(item, candidate)
                undecided |= found is None
                if found:
                    del rest[index]
                    break
            else:
                return None if undecided else self.no("an answer of the gold is missing")
        return True

    def _distinct(self, items: list[Node]) -> list[Node]:
        """Items with one of each value: ``12x - 34 or -34 + 12x`` is one answer written twice."""
        kept: list[Node] = []
        for item in items:
            if not any(self.same(other, item) for other in kept):
                kept.append(item)
        return kept

    # Sets, tuples, relations

    def _sets(self, gold: Node, prediction: Node) -> Tri:
        mine, theirs = by_variables(gold), by_variables(prediction)
        if len(mine) > 1 or len(theirs) > 1:
            if mine.keys() != theirs.keys():
                return self.no("conditions on other names")
            return decide_all(self.same(mine[names], theirs[names]) for names in mine)
        if on_other_names(gold, prediction):
            return self.no("a condition on another name")
        try:
            a, b = real_set(gold), real_set(prediction)
        except NotASetError:
            return None
        found = same_set(a, b, self.options)
        return self.no("the sets differ") if found is False else found

    def _set_parts(self, gold: Node, prediction: Node) -> Tri:
        if isinstance(gold, SetOf) and isinstance(prediction, SetOf):
            return self._any_order(items_of(gold), items_of(prediction), True)
        if isinstance(gold, SetOf) and len(gold.items) == 1 and not is_set(prediction):
            return self.same(gold.items[0], prediction)
        if isinstance(prediction, SetOf) and len(prediction.items) == 1 and not is_set(gold):
            return self.same(gold, prediction.items[0])
        if isinstance(gold, SetOp) and isinstance(prediction, SetOp) and gold.op == prediction.op:
            if gold.op == "setminus":
                return self._in_order(gold.parts, prediction.parts)
            return self._any_order(gold.parts, prediction.parts)
        if isinstance(gold, SetBuilder) and isinstance(prediction, SetBuilder):
            return decide_all([self.same(gold.head, prediction.head), self.same(gold.condition, prediction.condition)])
        return self.no("a set against something else")

    def _groups(self, gold: Node, prediction: Node) -> Tri:
        if not (isinstance(gold, Group) and isinstance(prediction, Group)):
            inner = single(gold) or single(prediction)
            if inner is not None:
                return self.same(single(gold) or gold, single(prediction) or prediction)
            return self.no("a tuple against something else")
        if len(gold.items) == 2 and (gold.opening, gold.closing) != (prediction.opening, prediction.closing):
            round_square = {gold.opening + gold.closing, prediction.opening + prediction.closing}
            return self.no("the brackets differ: " + " against ".join(sorted(round_square)))
        return self._in_order(gold.items, prediction.items)

    def _relations(self, gold: Node, prediction: Node) -> Tri:
        if not (isinstance(gold, Relation) and isinstance(prediction, Relation)):
            return self._relation_and_value(gold, prediction)
        if signs(gold) == 1 and signs(prediction) == 1:
            return self._any_order(expand(gold), expand(prediction))
        found = self.side_by_side(gold, prediction)
        if found is None:
            found = same_equation(gold, prediction, self.options)
        if found is False:
            return self.no("the relations differ")
        return found

    def _relation_and_value(self, gold: Node, prediction: Node) -> Tri:
        """``m + n = 113`` for 113; ``y - 1 = 2x`` for ``2x + 1`` and the other way round."""
        relation, other = (gold, prediction) if isinstance(gold, Relation) else (prediction, gold)
        assert isinstance(relation, Relation)
        if relation is prediction and not free_symbols(gold):
            try:
                value = stated_value(relation)
            except ContradictionError as error:
                return self.no(f"the prediction is {error}")
            if value is not None:
                return self.same(gold, value)
        known = free_symbols(relation)
        if relation.ops == ("=",) and "y" in known and "y" not in free_symbols(other) and known >= free_symbols(other):
            curve = Relation((Sym("y"), other), ("=",))
            if same_equation(curve, relation, self.options):
                return True
        return self.no("a relation against something else")

    def _matrices(self, gold: Node, prediction: Node, a: Matrix | None, b: Matrix | None) -> Tri:
        if (a is None) != (b is None):
            rows = as_rows(prediction if a is not None else gold)
            a, b = (a, rows) if a is not None else (rows, b)
        if a is None or b is None:
            flat = vector(a) if a is not None else vector(b) if b is not None else None
            other = prediction if a is not None else gold
            if flat is not None and isinstance(other, Group | Listing):
                items = other.items
                return self._in_order(flat, items) if a is not None else self._in_order(items, flat)
            return self.no("a matrix against something else")
        if (len(a.rows), len(a.rows[0])) != (len(b.rows), len(b.rows[0])):
            if isinstance(prediction, Group) and vector(a) and vector(b):
                return self._in_order(vector(a) or (), vector(b) or ())
            return self.no("the matrices have different sizes")
        return decide_all(self._in_order(x, y) for x, y in zip(a.rows, b.rows, strict=True))

    def _ratios(self, gold: Node, prediction: Node) -> Tri:
        if isinstance(gold, Ratio) and isinstance(prediction, Ratio):
            if len(gold.parts) != len(prediction.parts):
                return self.no("ratios of different lengths")
            # A ratio with a part that is nothing equals only itself.
            if any(isinstance(part, Num) and not part.value for part in (*gold.parts, *prediction.parts)):
                return self._in_order(gold.parts, prediction.parts)
            pairs = zip(gold.parts[1:], prediction.parts[1:], strict=True)
            return decide_all(self.same(Mul((gold.parts[0], b)), Mul((prediction.parts[0], a))) for a, b in pairs)
        return self.scalars(gold, prediction)


def _is_equation(node: Node) -> bool:
    return isinstance(node, Relation) and node.ops == ("=",)
