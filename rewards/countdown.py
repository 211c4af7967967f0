"""Countdown and the game of 24."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score
from veritune.plugins.unseen import shown
from veritune.rewards.text import Prefilled
from veritune.verifiers.countdown import Countdown, extract


@reward
def countdown(
    sample: Sample,
    nums: Sequence[int],
    target: Any,
    *,
    right: float = 1.0,
    format_score: float = 0.0,
    prefilled: Prefilled = "auto",
) -> Score:
    """``right`` where the expression in the answer tag uses each of ``nums`` once and equals ``target``, else 0.

    Whole numbers, ``+ - * /`` and parentheses in exact rational arithmetic; powers and anything else are wrong.
    ``format_score`` is the value of a wrong expression that stands in a complete answer tag (TinyZero has 0.1); a tag
    in which no number is seen has none.
    Thinking that never ends (``prefilled``: that the prompt began) leaves no answer. Columns: ``nums`` and ``target``
    (others by ``columns: {nums: COLUMN}``).

    Source: TinyZero's countdown task.
    """
    gold = {"nums": nums, "target": target}
    verdict = Countdown(prefilled=prefilled).verify(sample.text, gold, sample.prompt_text)
    said = extract(sample.text, sample.prompt_text, prefilled=prefilled) or ""
    tagged = any(map(str.isdecimal, shown(said)))
    return Score.of(verdict, right=right, wrong=format_score if tagged else 0.0)


countdown.for_rows("right", "format_score", "prefilled")
