"""Documents read strictly and within bounds: JSON as RFC 8259 has it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 100
MAX_DIGITS = 4000
"""Digits of one number; more are refused (reading them takes quadratic time)."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


class DocumentFault(ValueError):
    """A text is no document of the form asked for; the message says where and why."""


def read_json(text: str, *, unique: bool = True) -> Any:
    """The value of a JSON text (RFC 8259: no NaN, no comments, no trailing commas).

    ``unique`` refuses an object with two fields of one name. Raises DocumentFault, also past 1,000,000 characters, 100
    levels or a number of 4000 digits.
    """
    if len(text) > MAX_CHARACTERS:
        raise DocumentFault(f"it has {len(text)} characters, more than {MAX_CHARACTERS}")
    _bound_depth(text)
    hook = _unique if unique else None
    try:
        return json.loads(text, parse_constant=_no_constant, parse_int=_whole, object_pairs_hook=hook)
    except json.JSONDecodeError as error:
        raise DocumentFault(f"it is no JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise DocumentFault("it is nested too deeply") from None


def _bound_depth(text: str) -> None:
    """Refuse brackets deeper than MAX_DEPTH, those in strings aside."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for sign in re.findall(r"[\[\]{}]", _STRING.sub("", text)):
        depth += 1 if sign in "[{" else -1
        if depth > MAX_DEPTH:
            raise DocumentFault(f"it is nested deeper than {MAX_DEPTH} levels")


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise DocumentFault(f"the field {twice!r:.80} stands twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise DocumentFault(f"{name} is no JSON")


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise DocumentFault(f"a number has more than {MAX_DIGITS} digits")
    return int(digits)
