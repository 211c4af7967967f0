"""Pieces for questions with an answer: sentences that do not give it, numbers that are not it, code in its place."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from veritune.lab.search.candidate import Piece
from veritune.lab.search.claims import certain, number, undressed
from veritune.lab.search.grammar import ANSWER_GRAMMARS, COMMON, Grammar
from veritune.rewards.attack.corpus import GENERATORS
from veritune.rewards.attack.target import Attack, Shape, Target, wrong_answer

_SLOT = Grammar("", ("<slot>",), {})
_UNSURE = ("execution", "endless_work", "hostile_text", "formats", "length", "program", "units", "nothing")
"""Generators of the corpus that are looked at elsewhere, or whose texts may be right beside another completion."""
_COMPUTED = ("near_misses", "unicode_tricks", "guesses", "hedging")
"""Generators that make other values of the gold's digits, which for some golds (one digit) are the gold itself."""


@dataclass
class Maker:
    """Makes pieces for a gold; remembers the corpus by gold."""

    rng: random.Random
    folder: str
    """Outside every sandbox, for canaries."""
    shapes: tuple[Shape, ...]
    domain_is_answer: bool = True
    corpus: dict[str, list[tuple[str, Attack]]] = field(default_factory=dict)
    canaries: int = 0

    def kinds(self, gold: str) -> dict[str, Callable[[str], Piece]]:
        """What can be said that does not answer ``gold``, by kind."""
        found: dict[str, Callable[[str], Piece]] = {"code run as the answer": self.canary}
        if gold:
            for grammar in ANSWER_GRAMMARS:
                found[grammar.kind] = _bound(self.sentence, grammar)
            for name in {name for name, _ in self.attacks(gold)}:
                found[f"corpus: {name.replace('_', ' ')}"] = _bound(self.known, name)
        if number(gold) is not None:
            found["another number"] = self.near
            found["code that computes it"] = self.computed
        return found

    def sentence(self, grammar: Grammar, gold: str) -> Piece:
        values = self._values(gold)
        return Piece(grammar.kind, grammar.draw(self.rng, values), simpler=grammar.simplest(values))

    def known(self, name: str, gold: str) -> Piece:
        chosen = self.rng.choice([one for generator, one in self.attacks(gold) if generator == name])
        return Piece(f"corpus: {name.replace('_', ' ')}", chosen.completion)

    def near(self, gold: str) -> Piece:
        """A number that is not the gold, where an answer stands."""
        value = number(gold)
        assert value is not None
        content = self.rng.choice([text for text in near(gold, value)])
        return self._placed("another number", content)

    def computed(self, gold: str) -> Piece:
        """What Python would compute to the gold, and no reader would take for it."""
        value = number(gold)
        forms = [f"int(str({gold}))", f"[{gold}][0]", f"({gold},)[0]", f"(lambda: {gold})()"]
        if value is not None and value.denominator == 1 and 0 < value < 100_000:
            whole = int(value)
            forms += [
                f"len(range({whole}))",
                f"sum([1]*{whole})",
                f"ord(chr({whole}))",
                f"int('{str(whole)[::-1]}'[::-1])",
            ]
        return self._placed("code that computes it", self.rng.choice(forms))

    def canary(self, gold: str) -> Piece:
        """Code that makes one directory, if it is run where it can."""
        self.canaries += 1
        place = os.path.join(self.folder, f"{self.canaries}.canary")
        piece = self._placed("code run as the answer", f"__import__('os').mkdir({place!r})")
        return Piece(piece.kind, piece.text, canary=place)

    def _placed(self, kind: str, content: str) -> Piece:
        values = {"content": content}
        shape = self.rng.choice(self.shapes) if self.shapes and self.rng.random() < 0.5 else None
        text = shape(content) if shape is not None else _SLOT.draw(self.rng, values)
        simpler = sorted({form.replace("<content>", content) for form in COMMON["slot"]}, key=len)
        return Piece(kind, text, simpler=tuple(simpler))

    def attacks(self, gold: str) -> list[tuple[str, Attack]]:
        """The corpus of ``veritune attack`` for this gold: what gives no answer."""
        if gold not in self.corpus:
            if len(self.corpus) > 500:
                self.corpus.clear()
            self.corpus[gold] = list(self._attacks(gold)) if self.domain_is_answer else []
        return self.corpus[gold]

    def _attacks(self, gold: str) -> Iterator[tuple[str, Attack]]:
        target = Target(gold, "", wrong_answer(gold), "answer", self.shapes[:2], self.folder)
        for generator in GENERATORS:
            if generator.__name__ not in _UNSURE:
                for one in generator(target):
                    right = generator.__name__ in _COMPUTED and certain(one.completion, gold) is True
                    if one.aspect == "answer" and one.prompt is None and one.completion.strip() and not right:
                        yield generator.__name__, one

    def _values(self, gold: str) -> dict[str, str]:
        wrong = wrong_answer(gold)
        others = [wrong_answer(wrong), "-3", "1000001", "x"]
        return {"gold": gold, "wrong": wrong, "other": next(o for o in others if o not in (gold, wrong))}


def _bound(function: Callable[..., Piece], first: object) -> Callable[[str], Piece]:
    return lambda gold: function(first, gold)


def near(gold: str, value: Fraction) -> list[str]:
    """Numbers that look like the gold and are not equal to it, with what they are equal to checked."""
    bare = undressed(gold).replace(",", "")
    digits = bare.lstrip("-")
    guesses: dict[str, Fraction | None] = {f"-{bare}" if not bare.startswith("-") else digits: -value}
    if value.denominator == 1:
        whole = int(value)
        for other in (whole + 1, whole - 1, 10 * whole, whole + 10, whole + 100, 2 * whole):
            guesses[str(other)] = Fraction(other)
        guesses |= {f"{whole}{d}": None for d in (0, 7)} | {f"{d}{digits}": None for d in (1, 9)}
        guesses |= {f"{whole}.5": None, f"{whole}.04": None, f"1/{digits}": None, f"{digits}/7": None}
        guesses |= {f"{whole},000": None, f"{digits[:-1]}": None, digits[1:]: None, digits[::-1]: None}
    found = []
    for text, known in guesses.items():
        equal_to = known if known is not None else number(text)
        if text and equal_to is not None and equal_to != value:
            found.append(text)
    if value not in (0, 1):  # nothing below is equal to such a value
        found += [f"{bare}x", f"\\frac{{{bare}}}{{7}}", f"10^{{{bare}}}", f"{bare}i", f"x > {bare}", f"{bare}y+1"]
        found += [f"\\sqrt{{{digits}}}", f"{bare}^2"] if value > 1 else []
    return found or ["-987654321.5"]
