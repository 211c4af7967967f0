"""Golds and references as the judge is shown them, whatever a dataset's column made of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from numbers import Number
from typing import Any

from veritune.plugins.types import completion_text, is_chat
from veritune.plugins.unseen import visible

_NOTHING = ("NAType", "NaTType")
"""pandas' missing values, by name: pandas need not be there."""


def usable(gold: Any) -> bool:
    """Whether it says something: no None, NaN or empty text, one of these in a list, or an object of them alone."""
    gold = _plain(gold)
    if gold is None or type(gold).__name__ in _NOTHING:
        return False
    if isinstance(gold, Mapping):
        return any(map(usable, gold.values()))
    if isinstance(gold, list) and not is_chat(gold):
        return all(map(usable, gold))
    if isinstance(gold, Number) and not isinstance(gold, int | complex):
        return _finite(gold)
    return bool(visible(as_text(gold)).strip())


def as_text(value: Any) -> str:
    """A gold or reference as text: messages by their last assistant turn, several golds as alternatives."""
    value = _plain(value)
    if isinstance(value, list) and value:
        return completion_text(value) if is_chat(value) else " or ".join(map(as_text, value))
    if isinstance(value, list):
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(Decimal(value))  # str() refuses a number of more than 4,300 digits
    return str(value)


def _plain(value: Any) -> Any:
    """Arrays, scalars of numpy, tuples and sets as lists, numbers and texts of Python's own; bytes as the text."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    return list(value) if isinstance(value, tuple) else value


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except (TypeError, ValueError, OverflowError):  # a signalling NaN; a fraction beyond what floats hold
        return str(value).casefold() != "snan"
