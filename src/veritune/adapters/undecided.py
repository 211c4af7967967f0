"""What a trainer without a word for "undecided" is told. There is no right number, so the user names one or none."""

from __future__ import annotations

import math
import numbers
from typing import Literal, TypeAlias

from veritune.plugins import ParameterError, Score, VerituneError

Undecided: TypeAlias = float | Literal["raise"]
"""``raise``, or the number that stands for an undecided sample."""


def checked(undecided: object) -> Undecided:
    """``undecided`` as it is given. Raises ParameterError for anything but ``raise`` or a finite number: what would be
    found out at the first undecided sample of a long run only, or never."""
    if undecided == "raise":
        return "raise"
    if isinstance(undecided, bool) or not isinstance(undecided, numbers.Real) or not math.isfinite(undecided):
        raise ParameterError(f"undecided is a finite number or 'raise', got {undecided!r:.80}")
    return float(undecided)


class UndecidedError(VerituneError):
    """A sample stayed undecided where the trainer takes only numbers."""


def as_number(score: Score, undecided: Undecided, trainer: str) -> float:
    """The score's value, or what ``undecided`` says. Raises UndecidedError where it says ``raise``."""
    if score.value is not None:
        return score.value
    if undecided == "raise":
        raise UndecidedError(
            f"a completion is undecided ({score.cause}: {score.reason}) and {trainer} takes only numbers. "
            "Pass undecided=NUMBER to stand for such samples (0.0 punishes the policy for our failures), "
            "or filter them beforehand with `veritune score`."
        )
    return float(undecided)
