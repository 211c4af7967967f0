"""What stands inside the answer tag, by its letters alone."""

from __future__ import annotations

import re
from typing import Any, Literal

from veritune.plugins.golds import gold_texts
from veritune.plugins.reward import reward
from veritune.plugins.types import Cause, Sample, Score
from veritune.rewards.text import Prefilled, last_answer, said_answer

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
    sample: Sample,
    gold: Any,
    *,
    value: float = 2.0,
    gold_format: Literal["answer", "solution"] = "answer",
    prefilled: Prefilled = "auto",
) -> Score:
    """``value`` where the answer tag holds the gold, letter for letter (white space around aside), else 0.

    The last complete answer tag after the thinking counts; thinking that never ends (``prefilled``: that the prompt
    began) leaves none. ``gold_format: solution`` takes what follows the last
    ``####`` of a worked solution (GSM8K's ``answer`` column). Of several golds each is right; a whole number is the
    same as a float (4.0 is ``4``). A missing gold (None, NaN, blank) is undecided, never right or wrong.

    Source: the correctness reward of the R1-Zero tutorials on GSM8K (2.0).
    """
    golds = gold_texts(gold)
    wanted = golds
    if gold_format == "solution":
        wanted = tuple(filter(None, (text.rpartition("####")[2].strip() for text in golds if "####" in text)))
    if not wanted:
        return Score.none(f"the gold {'has nothing after ####' if golds else 'is missing'}", Cause.INVALID_GOLD)
    answer = said_answer(sample, prefilled)
    if answer is None:
        return Score(0.0, _NO_ANSWER)
    answer = answer.strip()
    if answer in wanted:
        return Score(value, f"the answer is {_short(answer)!r}")
    listed = " or ".join(repr(_short(text)) for text in wanted[:3])
    return Score(0.0, f"the answer is {_short(answer)!r}, the gold is {listed}")


def _short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


digit.for_rows("value", "kind")
exact_answer.for_rows("value", "gold_format", "prefilled")
