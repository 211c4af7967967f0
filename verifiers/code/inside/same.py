"""Whether a call's result is the expected value: the values' own equality, with what JSON cannot say made up for."""

from __future__ import annotations

import collections
import itertools
import math
from collections.abc import Iterator
from typing import Any

from _veritune_remote import is_own  # type: ignore[import-not-found]

_LISTS: Any = (list, tuple, range, collections.deque, type({}.keys()), type({}.values()))


def same(value: Any, expected: Any, tolerance: float) -> bool:
    """Equal, where a row has lists for tuples and what else gives items in order, and strings for keys.

    A float is expected within ``tolerance``, an int exactly; NaN is expected where it is the expected value.
    """
    if isinstance(expected, list | tuple):
        items = _listed(value, len(expected))
        if items is None or len(items) != len(expected):
            return False
        return all(same(v, e, tolerance) for v, e in zip(items, expected, strict=True))
    if isinstance(expected, dict):
        return isinstance(value, dict) and _same_dict(value, expected, tolerance)
    if hasattr(value, "tolist") and isinstance(expected, int | float) and not is_own(value):
        value = value.tolist()
    if isinstance(expected, float) and not isinstance(value, bool | complex):
        return isinstance(value, int | float) and _close(value, expected, tolerance)
    if isinstance(expected, complex) and isinstance(value, complex):
        return _close(value.real, expected.real, tolerance) and _close(value.imag, expected.imag, tolerance)
    if is_own(value) and not isinstance(value, int | str | bytes | frozenset | set | float | complex):
        return False
    return bool(value == expected)


def _listed(value: Any, length: int) -> list[Any] | None:
    """What has items in order as a list: a tuple, an array, what a generator or another built-in iterator gives."""
    if hasattr(value, "tolist") and not is_own(value):
        value = value.tolist()
    if isinstance(value, _LISTS):
        return list(value)
    if isinstance(value, Iterator) and type(value).__module__ in ("builtins", "itertools"):
        return list(itertools.islice(value, length + 1))
    return None


def _same_dict(value: dict[Any, Any], expected: dict[Any, Any], tolerance: float) -> bool:
    if value.keys() != expected.keys():
        named = {k if isinstance(k, str) else str(k): v for k, v in value.items()}
        if len(named) != len(value):
            return False
        value = named
    return value.keys() == expected.keys() and all(same(value[k], v, tolerance) for k, v in expected.items())


def _close(value: float, expected: float, tolerance: float) -> bool:
    if math.isnan(expected):
        return isinstance(value, float) and math.isnan(value)
    try:
        return math.isclose(value, expected, rel_tol=tolerance, abs_tol=tolerance)
    except OverflowError:
        return False


def shown(value: Any) -> str:
    """A value for a reason."""
    try:
        return repr(value)[:80]
    except ValueError:
        return "a very long number"
