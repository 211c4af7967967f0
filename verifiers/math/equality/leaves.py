"""Two values at the leaves of two trees: numbers, degrees, percentages, bases, renamed parameters, letters as units."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from veritune.verifiers.math.equality.families import renamings, same_up_to_constant
from veritune.verifiers.math.equality.sets import is_infinite
from veritune.verifiers.math.equality.shapes import decimal_log, has_bare_log, rebuild, without_degrees
from veritune.verifiers.math.options import MathOptions
from veritune.verifiers.math.syntax.nodes import Based, Div, Func, Mul, Node, Num, Operator, Percent, Sym, Words, walk
from veritune.verifiers.math.text.words import normal_words
from veritune.verifiers.math.values.exact import exact
from veritune.verifiers.math.values.measures import measure
from veritune.verifiers.math.values.numeric import free_symbols
from veritune.verifiers.math.values.scalar import equal

Tri = bool | None


def unread(node: Node) -> bool:
    """Whether an operator stands in `node` that could not be taken apart."""
    return any(isinstance(n, Operator) and not n.parts for n in walk(node))


def named_words(gold: Node, prediction: Node) -> tuple[Node, Node]:
    """Both sides with the words in their formulas as the quantities they name, where the words are the same ones:
    ``base × height``. Letters that are no word (``mg``) may be read as their product on one side alone."""
    words = [{normal_words(n.text) for n in walk(node)[1:] if isinstance(n, Words)} for node in (gold, prediction)]
    return (_named(gold), _named(prediction)) if words[0] and words[0] == words[1] else (gold, prediction)


def _named(node: Node) -> Node:
    return Sym(f"the {normal_words(node.text)}") if isinstance(node, Words) else rebuild(node, _named)


def is_residue(node: Node) -> bool:
    """``3 mod 7``, a residue with its modulus."""
    return isinstance(node, Func) and node.name == "residue"


def representative(node: Node) -> Node:
    """The number that a residue is written with, against a number."""
    return node.args[0] if isinstance(node, Func) and node.name == "residue" else node


class Leaves:
    """The comparison of values; ``reason`` says what the first difference was."""

    def __init__(self, options: MathOptions) -> None:
        self.options = options
        self.reason = ""
        self.work = 4000

    def no(self, reason: str) -> bool:
        self.reason = self.reason or reason
        return False

    def scalars(self, gold: Node, prediction: Node) -> Tri:
        if unread(gold) or unread(prediction):
            return None
        gold, prediction = named_words(gold, prediction)
        if isinstance(gold, Operator) and gold.name == "primitive":
            return self._primitive(gold, prediction)
        if is_residue(gold) != is_residue(prediction):
            gold, prediction = representative(gold), representative(prediction)
        infinite = is_infinite(gold), is_infinite(prediction)
        if any(infinite):
            return infinite[0] == infinite[1] or self.no("infinite against finite")
        if isinstance(gold, Based) or isinstance(prediction, Based):
            return self._based(gold, prediction)
        if isinstance(gold, Percent) or isinstance(prediction, Percent):
            return self._percents(gold, prediction)
        if self.options.log_base != "e" and has_bare_log(gold) != has_bare_log(prediction):
            decimal = equal(decimal_log(gold), decimal_log(prediction), self.options)
            if decimal or self.options.log_base == "10":
                return decimal if decimal is not False else self.no("the values differ")
        gold, gold_degrees = without_degrees(gold)
        prediction, degrees = without_degrees(prediction)
        if gold_degrees != degrees and self.options.degrees:
            return self._degrees(gold, gold_degrees, prediction)
        found = equal(gold, prediction, self.options)
        if found is not True:
            renamed = self._renamed(gold, prediction)
            if renamed:
                return True
            if self.options.rename_parameters and same_up_to_constant(gold, prediction):
                return True
            if self._letter_unit(gold, prediction):
                return True
        return self.no("the values differ") if found is False else found

    def _primitive(self, gold: Operator, prediction: Node) -> Tri:
        """An indefinite integral: whatever has its body as derivative."""
        slope = Operator("derivative", "", (prediction,), gold.bound)
        found = equal(gold.parts[0], slope, self.options)
        return self.no("the derivative is another") if found is False else found

    def _degrees(self, gold: Node, gold_degrees: bool, prediction: Node) -> Tri:
        if equal(gold, prediction, self.options):
            return True
        radians = (Sym("pi"), Num(Fraction(1, 180)))
        exactly = replace(self.options, gold_rounding=False)
        if gold_degrees:
            found = equal(Mul((gold, *radians)), prediction, exactly)
        else:
            found = equal(gold, Mul((prediction, *radians)), exactly)
        return True if found else self.no("the angles differ")

    def _percents(self, gold: Node, prediction: Node) -> Tri:
        a = gold.of if isinstance(gold, Percent) else gold
        b = prediction.of if isinstance(prediction, Percent) else prediction
        if equal(a, b, self.options) and (type(gold) is type(prediction) or self._drops_percent(gold)):
            return True
        if type(gold) is not type(prediction) and equal(gold, prediction, self.options):
            return True
        return self.no("the percentages differ")

    def _drops_percent(self, gold: Node) -> bool:
        """Whether the sign may be missing on one side: a gold below 1 without it is a ratio, not a percentage."""
        if not self.options.percent or isinstance(gold, Percent):
            return self.options.percent
        value = exact(gold) if isinstance(gold, Num | Div) else None
        return value is None or abs(value) >= 1

    def _based(self, gold: Node, prediction: Node) -> Tri:
        if isinstance(gold, Based) and isinstance(prediction, Based):
            same = gold.base == prediction.base and gold.digits.lstrip("0") == prediction.digits.lstrip("0")
            return same or self.no("the digits or the bases differ")
        based, other = (gold, prediction) if isinstance(gold, Based) else (prediction, gold)
        assert isinstance(based, Based)
        if isinstance(other, Num) and str(other.value) == based.digits:
            return True
        return self.no("the bases differ")

    def _renamed(self, gold: Node, prediction: Node) -> bool:
        if not self.options.rename_parameters:
            return False
        return any(equal(gold, renamed, self.options) for renamed in renamings(gold, prediction))

    def _letter_unit(self, gold: Node, prediction: Node) -> bool:
        """``5 m`` and ``5 m/s^2`` for 5: a number times letters that name units, against a plain number."""
        if not self.options.units or free_symbols(gold):
            return False
        found = measure(prediction)
        return bool(found.unit) and bool(equal(gold, found.value, self.options))
