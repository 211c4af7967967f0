"""Countdown and the game of 24."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from veritune.plugins.reward import reward
from veritune.plugins.types import Score
from veritune.verifiers.countdown import Countdown, extract


@reward
def countdown(
    completion: str, nums: Sequence[int], target: Any, *, right: float = 1.0, format_score: float = 0.0
) -> Score:
    """``right`` where the expression in the answer tag uses each of ``nums`` once and equals ``target``, else 0.

    Whole numbers, ``+ - * /`` and parentheses in exact rational arithmetic; powers and anything else are wrong.
    ``format_score`` is the value of a wrong expression that stands in a complete answer tag (TinyZero has 0.1).
    Columns: ``nums`` and ``target`` (others by ``columns: {nums: COLUMN}``).

    Source: TinyZero's countdown task.
    """
    verdict = Countdown().verify(completion, {"nums": nums, "target": target})
    tagged = extract(completion) is not None
    return Score.of(verdict, right=right, wrong=format_score if tagged else 0.0)
