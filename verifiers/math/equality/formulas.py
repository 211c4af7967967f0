"""Formulas of logic, of sets and of geometry: ``p → q``, ``A ∩ B``, ``AB ⊥ CD``, ``△ABC ≅ △DEF``.

Logic and set algebra are compared by truth tables (membership of one point is as good as truth); relations by what
they relate, in either order where the relation is symmetric.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TypeAlias

from veritune.verifiers.math.text.commands import spelled_command
from veritune.verifiers.math.text.strings import plain_words

_MAX_ATOMS = 7
_MAX_TOKENS = 120
_MAX_DEPTH = 40
_SYMMETRIC = frozenset(["\\perp", "\\parallel", "\\nparallel", "\\notparallel", "\\cong", "\\sim", "=", "\\ne"])
_ORDERED = frozenset(["\\subseteq", "\\supseteq", "\\nsubseteq", "\\subsetneq", "\\mid", "\\nmid", "\\in", "\\notin"])
_BINARY = {
    "\\Leftrightarrow": 1,
    "\\leftrightarrow": 1,
    "\\equiv": 1,
    "\\to": 2,
    "\\Rightarrow": 2,
    "\\leftarrow": 2,
    "\\Leftarrow": 2,
    "\\lor": 3,
    "\\cup": 3,
    "\\oplus": 3,
    "\\land": 4,
    "\\cap": 4,
    "\\setminus": 4,
    "\\otimes": 4,
}
_SAME = {"\\cup": "\\lor", "\\cap": "\\land", "\\leftrightarrow": "\\Leftrightarrow", "\\Rightarrow": "\\to"}
_SAME["\\Leftarrow"] = "\\leftarrow"
_WORDS = {
    "and": "\\land",
    "or": "\\lor",
    "not": "\\neg",
    "implies": "\\to",
    "iff": "\\Leftrightarrow",
    "xor": "\\oplus",
}
_FLIPPED = {"\\supseteq": "\\subseteq", "\\ni": "\\in"}
_ARROWS = frozenset(["\\to", "\\leftarrow", "\\Leftrightarrow"])
_TOKEN = re.compile(r"\\([A-Za-z]+)|(<->|<=>|->|=>|<-|!=)|([A-Za-z]+)|(\d+)|(\S)")
_PLAIN = {"<->": "\\Leftrightarrow", "<=>": "\\Leftrightarrow", "->": "\\to", "=>": "\\to", "<-": "\\leftarrow"}
_PLAIN |= {"!=": "\\ne", "!": "\\neg", "~": "\\neg", "&": "\\land", "^": "^"}
_MARKS = frozenset(["\\angle", "\\triangle", "\\overline", "\\overrightarrow", "\\vec", "\\measuredangle"])
_SIGNS = re.compile(
    r"\\(?:neg|lnot|land|lor|wedge|vee|cup|cap|setminus|oplus|otimes|to|rightarrow|leftarrow|Rightarrow|Leftarrow|implies"
    r"|iff|Leftrightarrow|leftrightarrow|longrightarrow|subset|subseteq|supset|supseteq|nsubseteq|subsetneq|perp"
    r"|parallel|nparallel|cong|sim|angle|triangle|mid|nmid|overline)(?![A-Za-z])|->|=>"
)


class NotAFormulaError(ValueError):
    """The text is no formula of these kinds."""


@dataclass(frozen=True, slots=True)
class Atom:
    name: str


@dataclass(frozen=True, slots=True)
class Not:
    of: Formula


@dataclass(frozen=True, slots=True)
class Binary:
    op: str
    left: Formula
    right: Formula


@dataclass(frozen=True, slots=True)
class Chain:
    """``A → B → C``: who comes after whom."""

    op: str
    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Related:
    op: str
    left: Formula
    right: Formula


Formula: TypeAlias = Atom | Not | Binary | Chain | Related


def has_signs(text: str) -> bool:
    """Whether a text holds a sign of logic, sets or geometry."""
    return ("\\" in text or "-" in text or "=" in text) and _SIGNS.search(text) is not None


def same_formula_of_signs(gold: str, prediction: str) -> bool | None:
    """Whether two formulas say the same; None where either is no formula of these kinds."""
    try:
        a = _Reader(gold).whole()
        b = _Reader(prediction).whole()
    except NotAFormulaError:
        return None
    return _same(a, b)


def _same(a: Formula, b: Formula) -> bool | None:
    if a == b:
        return True
    if isinstance(a, Related) or isinstance(b, Related):
        return isinstance(a, Related) and isinstance(b, Related) and _same_relation(a, b)
    if isinstance(a, Chain) or isinstance(b, Chain):
        return False
    names = sorted(_atoms(a) | _atoms(b))
    if len(names) > _MAX_ATOMS or "\\otimes" in str(a) + str(b):
        return False
    return all(_holds(a, point) == _holds(b, point) for point in _points(names))


def _points(names: list[str]) -> list[dict[str, bool]]:
    return [dict(zip(names, truth, strict=True)) for truth in itertools.product((False, True), repeat=len(names))]


def _same_relation(a: Related, b: Related) -> bool:
    if a.op != b.op:
        return False
    if _same(a.left, b.left) and _same(a.right, b.right):
        return True
    if a.op not in _SYMMETRIC:
        return False
    if _same(a.left, b.right) and _same(a.right, b.left):
        return True
    return bool(_corresponding(a)) and _corresponding(a) == _corresponding(b)


def _corresponding(related: Related) -> frozenset[frozenset[str]] | None:
    """``△ABC ≅ △DEF`` as its pairs of corners: A with D, B with E, C with F."""
    sides = [side.name for side in (related.left, related.right) if isinstance(side, Atom)]
    if related.op not in ("\\cong", "\\sim") or not all(s.startswith("\\triangle") for s in sides) or len(sides) != 2:
        return None
    first, second = (s.removeprefix("\\triangle") for s in sides)
    return frozenset(frozenset(pair) for pair in zip(first, second, strict=False)) if len(first) == 3 else None


def _atoms(formula: Formula) -> set[str]:
    match formula:
        case Atom(name):
            return {name}
        case Not(of):
            return _atoms(of)
        case Binary(_, left, right) | Related(_, left, right):
            return _atoms(left) | _atoms(right)
        case Chain(_, parts):
            return set[str]().union(*map(_atoms, parts))


def _holds(formula: Formula, point: dict[str, bool]) -> bool:
    match formula:
        case Atom(name):
            return point[name]
        case Not(of):
            return not _holds(of, point)
        case Binary(op, left, right):
            a, b = _holds(left, point), _holds(right, point)
            return {
                "\\land": a and b,
                "\\lor": a or b,
                "\\oplus": a != b,
                "\\setminus": a and not b,
                "\\to": not a or b,
                "\\leftarrow": a or not b,
            }.get(op, a == b)
    raise NotAFormulaError("a relation inside a formula")


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0
        if not self.tokens or len(self.tokens) > _MAX_TOKENS:
            raise NotAFormulaError("nothing, or too much")

    @property
    def here(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def whole(self) -> Formula:
        left = self.binary(0)
        if self.here in _SYMMETRIC or self.here in _ORDERED:
            op = self.take()
            right = self.binary(0)
            if op in _FLIPPED:
                op, left, right = _FLIPPED[op], right, left
            left = Related("\\parallel" if op == "\\|" else op, left, right)
        if self.here:
            raise NotAFormulaError(f"{self.here} where the formula should end")
        return left

    def binary(self, rank: int) -> Formula:
        parts = [self.unary()]
        ops: list[str] = []
        while self.here in _BINARY and _BINARY[self.here] > rank:
            op = self.take()
            ops.append(_SAME.get(op, op))
            parts.append(self.binary(_BINARY[op]))
        if len(ops) > 1 and len(set(ops)) == 1 and ops[0] in _ARROWS:
            return Chain(ops[0], tuple(parts))
        found = parts[0]
        for op, part in zip(ops, parts[1:], strict=True):
            found = Binary(op, found, part)
        return found

    def unary(self) -> Formula:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise NotAFormulaError("nested too deep")
        if self.here == "\\neg":
            self.take()
            found: Formula = Not(self.unary())
        else:
            found = self.primary()
        self.depth -= 1
        while self.here == "'" or (self.here == "^" and self.tokens[self.at + 1 : self.at + 2] in (["c"], ["C"])):
            self.at += 1 if self.here == "'" else 2
            found = Not(found)
        return found

    def primary(self) -> Formula:
        token = self.here
        if token in ("(", "{"):
            self.take()
            inside = self.binary(0)
            if self.here not in (")", "}"):
                raise NotAFormulaError("a bracket that never closes")
            self.take()
            return inside
        if token in _MARKS:
            return self.marked(self.take())
        if not token or not token[0].isalpha():
            raise NotAFormulaError(f"{token!r} in a formula")
        name = self.take()
        if self.here == "(" and self.tokens[self.at + 2 : self.at + 3] == [")"] and name.isupper():
            name += "(" + self.tokens[self.at + 1] + ")"
            self.at += 3
        if len(name) > 4 and name.isalpha():
            raise NotAFormulaError("words")
        return Atom(_segment(name))

    def marked(self, mark: str) -> Formula:
        braced = self.here == "{"
        if mark == "\\overline" and braced:
            inside = self.primary()
            if isinstance(inside, Atom) and len(inside.name) > 1:
                return inside
            return Not(inside)
        if braced:
            self.take()
        name = self.take() if self.here.isalpha() else ""
        if braced and (not self.here or self.take() != "}"):
            raise NotAFormulaError("a mark over more than letters")
        if not name:
            raise NotAFormulaError("a mark over nothing")
        if mark in ("\\angle", "\\measuredangle"):
            return Atom("\\angle" + min(name, name[::-1]))
        if mark in ("\\overrightarrow", "\\vec"):
            return Atom(mark + name)
        return Atom(mark.removeprefix("\\overline") + name if mark != "\\triangle" else mark + name)


def _segment(name: str) -> str:
    return "".join(sorted(name)) if len(name) == 2 and name.isupper() else name


def _tokens(text: str) -> list[str]:
    out: list[str] = []
    for command, sign, word, number, other in _TOKEN.findall(_opened(text)):
        if command:
            name = spelled_command(command)
            if name:
                out.append("\\" + name)
        elif sign or other:
            out.append(_PLAIN.get(sign or other, sign or other))
        elif word:
            if word.lower() in _WORDS and len(word) > 1:
                out.append(_WORDS[word.lower()])
            else:
                out.append(word)
        elif number and out and out[-1][0].isalpha():
            out[-1] += number
        else:
            out.append(number)
    return [t for t in out if t not in ("$", ",", ".", "_")]


def _opened(text: str) -> str:
    """`text` with the words of ``\\text{and}`` in the open."""
    return re.sub(
        r"\\(?:text|mathrm|operatorname|textbf|mathbf)\s*\{([^{}]*)\}", lambda m: f" {plain_words(m[1])} ", text
    )
