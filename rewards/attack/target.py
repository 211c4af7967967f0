"""What is attacked: a question with its right answer, in the shapes that the reward reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from veritune.rewards.attack.questions import Question

Aspect: TypeAlias = Literal["answer", "program", "format", "robustness", "execution", "language"]
"""What an attack is aimed at: earn without the right answer, pass tests with a wrong program, earn without the format,
break the checker, have the checker run the completion's code, think in a language that is not paid."""

Domain: TypeAlias = Literal["answer", "program", "expression"]
"""What honest work is here: an answer, a program, an expression of given numbers (Countdown)."""

Shape: TypeAlias = Callable[[str], str]
"""Writes an answer as a completion."""

NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")


@dataclass(frozen=True)
class Attack:
    """One hostile completion."""

    name: str
    aspect: Aspect
    completion: str
    canary: str = ""
    """A file that exists afterwards only if the completion's code was run outside a sandbox."""
    prompt: str | None = None
    """The question it answers, where that is not the target's."""
    junk: Literal["", "before", "behind"] = ""
    """Text around a whole format: an attack only where the format does not mean to allow it."""


@dataclass(frozen=True)
class Target:
    """One question, its right answer and how answers are written so that the reward reads them."""

    gold: str
    prompt: str
    wrong: str
    domain: Domain = "answer"
    shapes: tuple[Shape, ...] = ()
    """Up to two shapes in which the right answer earns most."""
    folder: str = ""
    """A folder outside every sandbox, for canaries."""
    function: str = "add"
    """Programs: the name of the function that the tests call."""
    question: Question | None = None
    """Rewards with columns of their own: what is asked of them."""

    @property
    def number(self) -> str | None:
        """The gold, where it is a plain number."""
        return self.gold if NUMBER.fullmatch(self.gold.strip()) else None

    def written(self, name: str, content: str, *, everywhere: bool = False) -> list[Attack]:
        """An answer that is not the gold in the shape that the reward reads best, or in all that it reads."""
        if self.domain == "program":
            return []  # programs have attacks of their own
        shapes = self.shapes if everywhere else self.shapes[:1]
        return [Attack(_numbered(name, i), "answer", shape(content)) for i, shape in enumerate(shapes)]


def _numbered(name: str, index: int) -> str:
    return name if index == 0 else f"{name} (another shape)"


def wrong_answer(gold: str) -> str:
    """A plausible answer that is not the gold."""
    gold = gold.strip()
    if re.fullmatch(r"[A-Za-z]", gold):
        others = "BCDA" if gold.isupper() else "bcda"
        return next(letter for letter in others if letter != gold)
    if re.fullmatch(r"-?[0-9]{1,12}", gold):
        return str(int(gold) + 1)
    return "-987654321.5" if not re.match(r"[A-Za-z]", gold) else "none of them"
