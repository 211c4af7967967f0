"""What stands inside the answer tag, by its letters alone."""

from __future__ import annotations

import re
from typing import Any, Literal

from veritune.plugins.reward import reward
from veritune.plugins.types import Cause, Score
from veritune.rewards.text import last_answer

_FULL_WIDTH = str.maketrans("０１２３４５６７８９．，－＋", "0123456789.,-+")
_INTEGER = r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)"
_NUMBERS = {
    "integer": re.compile(_INTEGER),
    "number": re.compile(rf"(?:{_INTEGER}(?:\.[0-9]*)?|[+-]?\.[0-9]+)"),
}
_NO_ANSWER = "there is no complete <answer>…</answer> after the thinking"


@reward
def digit(completion: str, *, value: float = 0.5, kind: Literal["integer", "number"] = "number") -> Score:
    """``value`` where the answer tag holds a number and nothing else, else 0.

    A ``number`` has an optional sign, digits (full-width ones too), thousands commas and decimals; an ``integer`` no
    decimals. The last complete answer tag after the thinking counts.

    Source: the ``digit`` reward of the R1-Zero tutorials on GSM8K (0.5).
    """
    answer = last_answer(completion)
    if answer is None:
        return Score(0.0, _NO_ANSWER)
    found = _NUMBERS[kind].fullmatch(answer.strip().translate(_FULL_WIDTH)) is not None
    article = "an" if kind == "integer" else "a"
    return Score(value if found else 0.0, f"the answer {'is' if found else 'is not'} {article} {kind}")


@reward
def exact_answer(
    completion: str, gold: Any, *, value: float = 2.0, gold_format: Literal["answer", "solution"] = "answer"
) -> Score:
    """``value`` where the answer tag holds the gold, letter for letter (white space around aside), else 0.

    The last complete answer tag after the thinking counts. ``gold_format: solution`` takes what follows the last
    ``####`` of a worked solution (GSM8K's ``answer`` column). A missing gold is undecided, never right or wrong.

    Source: the correctness reward of the R1-Zero tutorials on GSM8K (2.0).
    """
    wanted = "" if gold is None else str(gold).strip()
    if gold_format == "solution":
        _, mark, wanted = wanted.rpartition("####")
        wanted = wanted.strip() if mark else ""
    if not wanted:
        found = "has nothing after ####" if gold_format == "solution" and gold is not None else "is missing"
        return Score.none(f"the gold {found}", Cause.INVALID_GOLD)
    answer = last_answer(completion)
    if answer is None:
        return Score(0.0, _NO_ANSWER)
    if answer.strip() == wanted:
        return Score(value, f"the answer is {_short(wanted)!r}")
    return Score(0.0, f"the answer is {_short(answer.strip())!r}, the gold is {_short(wanted)!r}")


def _short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
