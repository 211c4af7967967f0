"""Golds as text, whatever a dataset's column made of them."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import Any


def gold_texts(gold: Any) -> tuple[str, ...]:
    """The acceptable answers of one row as texts without white space around; none where the gold is missing.

    A gold is a text, a number, or a list or array of these, each of which is right. A whole number stays one where a
    column with empty rows made it a float: 4.0 is ``4``. None, NaN, infinities, pandas' NA and blanks are missing.
    """
    if hasattr(gold, "tolist"):  # numpy arrays and scalars, pandas columns
        gold = gold.tolist()
    items = gold if isinstance(gold, Iterable) and not isinstance(gold, str | bytes | dict) else [gold]
    texts = (_text(item) for item in items)
    return tuple(dict.fromkeys(text for text in texts if text))


def _text(item: Any) -> str:
    if isinstance(item, str):
        return item.strip()
    if not isinstance(item, numbers.Number):
        return ""
    if isinstance(item, numbers.Real) and not isinstance(item, numbers.Rational):
        number = float(item)
        if not math.isfinite(number):
            return ""
        if number.is_integer() and abs(number) < 2**53:
            return str(int(number))
    text = str(item)
    return "" if text.casefold().lstrip("+-") in ("nan", "snan", "infinity") else text
