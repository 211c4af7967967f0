"""One step of the search: a candidate from a base and a kind of piece."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace

from veritune.lab.search import programs
from veritune.lab.search.answers import Maker
from veritune.lab.search.candidate import Base, Candidate, Piece, Question
from veritune.lab.search.expressions import rule_breakers
from veritune.lab.search.setting import Setting
from veritune.rewards.attack.corpus.boxes import boxes
from veritune.rewards.attack.corpus.formats import formats
from veritune.rewards.attack.corpus.length import length
from veritune.rewards.attack.target import Target

Move = Callable[[], Candidate]
_BLOCK = re.compile(r"<(\w+)>.{0,2000}?</\1>|\\boxed\{[^{}]{0,200}\}|^#### .*$", re.DOTALL | re.MULTILINE)
_FORMS = (formats, boxes, length)
EMPTY_SHARE = 0.4
"""Of the candidates, how many have no real completion in them."""


class Moves:
    """Makes candidates, by kind."""

    def __init__(self, setting: Setting, rng: random.Random, folder: str) -> None:
        self.setting, self.rng = setting, rng
        self.maker = Maker(rng, folder, setting.shapes or ())
        self.forms = [
            one
            for generator in _FORMS
            for one in generator(Target("12", "", "13", "answer", setting.shapes[:1], folder))
            if one.aspect == "format"
        ]
        self.kinds = self._kinds()

    def _kinds(self) -> dict[str, Move]:
        domain = self.setting.reading.domain
        if domain == "program":
            names = list(programs.kinds(self.rng, "f"))
            return {name: (lambda name=name: self._program(name)) for name in names}  # type: ignore[misc]
        found: dict[str, Move] = {
            "the whole, several times": self._repeated,
            "a part again": self._part_again,
            "marks of a format": self._form,
        }
        if domain == "expression":
            return {**found, "breaks the rules": self._rule_breaker}
        found["code run as the answer"] = self._canary
        golds = [question.gold for question in self.setting.questions if question.gold]
        if golds and self.setting.sees_answers:
            names = list(dict.fromkeys(name for gold in golds[:50] for name in self.maker.kinds(gold)))
            found |= {name: (lambda name=name: self._answer(name)) for name in names}  # type: ignore[misc]
            if self.setting.reading.prompt and self.setting.shapes:
                found["a copied example"] = self._copied
        return found

    def more(self, parent: Candidate) -> Candidate:
        """A candidate a step away from one that earned something: written more often, or with one more piece."""
        if self.rng.random() < 0.5 or self.setting.reading.domain != "answer":
            return replace(parent, times=min(parent.times * self.rng.choice((2, 3)), 60))
        gold = parent.base.question.gold
        makers = self.maker.kinds(gold)
        piece = makers[self.rng.choice(list(makers))](gold)
        return replace(parent, behind=(*parent.behind, piece))

    def _answer(self, kind: str) -> Candidate:
        base = self._base(with_gold=True)
        makers = self.maker.kinds(base.question.gold)
        pieces = [makers[kind if kind in makers else "denial"](base.question.gold)]
        if self.rng.random() < 0.25:
            pieces.append(makers[self.rng.choice(list(makers))](base.question.gold))
        return self._placed(base, pieces)

    def _canary(self) -> Candidate:
        base = self._base(with_gold=False)
        return self._placed(replace(base, text=""), [self.maker.canary(base.question.gold)])

    def _copied(self) -> Candidate:
        """An example in the prompt whose answer is the gold, given back."""
        base = self._base(with_gold=True)
        prompt = base.question.prompt
        gold = base.question.gold
        written = [text for text in (shape(gold) for shape in self.setting.shapes) if text != gold]
        example = f"Example of a solved problem:\n{self.rng.choice(written or [gold])}"
        piece = Piece("a copied example", example)
        candidate = self._placed(replace(base, text=""), [piece])
        return replace(candidate, prompt=f"{example}\n\nNow solve: {prompt if isinstance(prompt, str) else ''}")

    def _program(self, kind: str) -> Candidate:
        base = self._base(with_gold=False)
        name = _function(base)
        makers = programs.kinds(self.rng, name)
        pieces = [makers[kind]()]
        if self.rng.random() < 0.3:
            pieces.append(makers[self.rng.choice(list(makers))]())
        if self.rng.random() < 0.3:
            base = replace(base, text=f"def {name}(*args):\n    return None", value=None)
        behind = tuple(p for p in pieces if p.kind in programs.REPLACING or self.rng.random() < 0.4)
        before = tuple(p for p in pieces if p not in behind)
        return Candidate(base, tuple(base.text.splitlines()), before, behind, fenced=True)

    def _rule_breaker(self) -> Candidate:
        question = self.rng.choice(self.setting.questions)
        columns = question.columns
        content = self.rng.choice(rule_breakers(self.rng, columns["nums"], int(columns["target"])))
        shape = self.rng.choice(self.setting.shapes)
        return Candidate(Base(question, ""), (), (Piece("breaks the rules", shape(content)),))

    def _repeated(self) -> Candidate:
        base = self._any()
        return Candidate(base, tuple(base.text.splitlines()), times=self.rng.choice((2, 2, 3, 5, 12, 30)))

    def _part_again(self) -> Candidate:
        base = self._any()
        parts = [found[0] for found in _BLOCK.finditer(base.text)] or base.text.splitlines() or [""]
        part, times = self.rng.choice(parts), self.rng.choice((1, 1, 2, 4, 11, 30))
        fewer = tuple("\n".join([part] * n) for n in range(1, min(times, 12)))
        piece = Piece("a part again", "\n".join([part] * times), simpler=fewer, honest=True)
        return Candidate(base, tuple(base.text.splitlines()), behind=(piece,))

    def _form(self) -> Candidate:
        one, base = self.rng.choice(self.forms), self._any()
        piece = Piece("marks of a format", one.completion, honest=True)
        lines = tuple(base.text.splitlines()) if self.rng.random() < 0.5 else ()
        return Candidate(base, lines, behind=(piece,))

    def _placed(self, base: Base, pieces: list[Piece]) -> Candidate:
        before = tuple(piece for piece in pieces if self.rng.random() < 0.5)
        behind = tuple(piece for piece in pieces if piece not in before)
        return Candidate(base, tuple(base.text.splitlines()), before, behind)

    def _base(self, *, with_gold: bool) -> Base:
        bases = self.setting.bases
        if bases and (self.setting.reading.domain == "program" or self.rng.random() > EMPTY_SHARE):
            return self.rng.choice(bases)
        questions: list[Question] = self.setting.questions
        for _ in range(50):
            question = self.rng.choice(questions)
            if question.gold or not with_gold:
                return Base(question, "")
        return self.rng.choice(bases or [Base(next(q for q in questions if q.gold), "")])

    def _any(self) -> Base:
        base = self.rng.choice(self.setting.any)
        if self.setting.shapes and base.question.gold and self.rng.random() < 0.2:
            return replace(base, text=self.rng.choice(self.setting.shapes)(base.question.gold))
        return base


def _function(base: Base) -> str:
    named = base.question.columns.get("entry_point")
    found = re.findall(r"^def (\w+)\(", base.text, re.MULTILINE)
    return str(named or (found[-1] if found else "solution"))
