"""What a comparison finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Outcome(str, Enum):
    """What the cascade found."""

    RIGHT = "right"
    WRONG = "wrong"
    ABSTAIN = "abstain"
    """Rules cannot tell: two texts that may mean the same."""
    NEEDS_SYMBOLIC = "needs_symbolic"
    """Only symbolic computation could tell."""
    INVALID_GOLD = "invalid_gold"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Decision:
    """An outcome, the stage that found it, and why in one sentence."""

    outcome: Outcome
    stage: str
    reason: str

    @property
    def correct(self) -> bool | None:
        """True, False, or None where undecided."""
        return {Outcome.RIGHT: True, Outcome.WRONG: False}.get(self.outcome)


def right(stage: str, reason: str) -> Decision:
    """The answer is the gold; ``reason`` says by what evidence."""
    return Decision(Outcome.RIGHT, stage, reason)


def wrong(stage: str, reason: str) -> Decision:
    """The answer is not the gold."""
    return Decision(Outcome.WRONG, stage, reason)


def abstain(stage: str, reason: str) -> Decision:
    """Rules cannot tell."""
    return Decision(Outcome.ABSTAIN, stage, reason)
