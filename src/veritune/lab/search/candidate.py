"""What the search tries: a real completion (or nothing), with pieces put in and lines taken out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from veritune.plugins.types import Text


@dataclass(frozen=True)
class Question:
    """One row of the data without its completion."""

    place: str
    prompt: Text | None
    columns: Mapping[str, Any]
    gold: str = ""
    """The right answer as text; empty where the reward reads none."""


@dataclass(frozen=True)
class Base:
    """A completion that certainly does not answer the question, and what the reward gives for it as it is."""

    question: Question
    text: str
    value: float | None = None
    preamble: str = ""
    """Programs: what every candidate begins with, so that a missing import is no reason to fail."""


@dataclass(frozen=True)
class Piece:
    """Text that is put in. None of them answers the question."""

    kind: str
    text: str
    canary: str = ""
    """A file that exists afterwards only if the text was run outside a sandbox."""
    simpler: tuple[str, ...] = ()
    """Shorter texts of the same kind, shortest first: what shrinking tries."""
    honest: bool = False
    """It repeats what stood there already: no mark of a wrong answer, and paid only if the reward pays it twice."""


@dataclass(frozen=True)
class Candidate:
    """Lines of a base with pieces before, inside (a program's body, an answer's place) and behind them."""

    base: Base
    lines: tuple[str, ...]
    before: tuple[Piece, ...] = ()
    behind: tuple[Piece, ...] = ()
    times: int = 1
    """How often the whole is written."""
    fenced: bool = False
    """The whole is a program and stands in a code block."""
    prompt: str | None = None
    """The question as the policy saw it, where a piece changed it (an example in front)."""
    tags: frozenset[str] = field(default_factory=frozenset)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return (*self.before, *self.behind)

    @property
    def text(self) -> str:
        parts = [*(p.text for p in self.before), "\n".join(self.lines), *(p.text for p in self.behind)]
        body = "\n".join(part for part in parts if part)
        whole = "\n".join([body] * self.times)
        if not self.fenced:
            return whole
        head = f"{self.base.preamble}\n" if self.base.preamble else ""
        return f"```python\n{head}{whole}\n```"

    @property
    def kinds(self) -> tuple[str, ...]:
        """What makes it hostile, in order: of its pieces, and whether it is written several times."""
        found = sorted({piece.kind for piece in self.pieces})
        return (*found, *(["the whole, several times"] if self.times > 1 else []), *sorted(self.tags))

    def without(self, piece: Piece) -> Candidate:
        return replace(
            self,
            before=tuple(p for p in self.before if p is not piece),
            behind=tuple(p for p in self.behind if p is not piece),
        )

    def swapped(self, piece: Piece, text: str) -> Candidate:
        """The same with a piece's text replaced by a simpler one."""
        other = replace(piece, text=text)
        return replace(
            self,
            before=tuple(other if p is piece else p for p in self.before),
            behind=tuple(other if p is piece else p for p in self.behind),
        )
