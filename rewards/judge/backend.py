"""What every back-end gives: a reply for each question, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from veritune.plugins.types import Cause
from veritune.rewards.judge.prompts import Question


@dataclass(frozen=True)
class Reply:
    """A judge's text with what it cost; or no text, with the cause."""

    text: str | None
    cause: Cause | None = None
    problem: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    attempts: int = 0
    cached: bool = False
    unheard: int = 0
    """Attempts that may have been answered and billed without our hearing it."""


class Backend(Protocol):
    """Answers questions, from any thread. Failures are replies, not exceptions."""

    def ask(self, questions: Sequence[Question], meanwhile: Iterator[None] | None = None) -> list[Reply]:
        """One reply a question, in order. ``meanwhile`` is gone through while the answers are waited for."""
