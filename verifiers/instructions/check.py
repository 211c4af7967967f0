"""What an instruction type is: a function of a text and its arguments, known by its id."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from veritune.plugins.errors import did_you_mean

Relation: TypeAlias = Literal["less than", "at least", "at most", "more than", "exactly"]
"""How a count is compared. IFEval's rows have the first two."""

MOST = 10**9
"""No count in a row is larger."""


class Found(NamedTuple):
    """Whether an instruction is followed (None: that cannot be told), and what was seen."""

    followed: bool | None
    seen: str


class ArgumentFault(ValueError):
    """An instruction of a row cannot be checked as it stands: the row's fault, said in its message."""


Check: TypeAlias = Callable[..., Found]

CHECKS: dict[str, Check] = {}
"""Instruction id → its check. Filled by :func:`instruction`."""


def instruction(*ids: str) -> Callable[[Check], Check]:
    """Register a check ``(text, *, arguments) -> Found`` under its ids; types and defaults are read from it."""

    def register(check: Check) -> Check:
        for name in ids:
            CHECKS[name] = check
        return check

    return register


def compared(count: int, relation: Relation, wanted: int, of: str) -> Found:
    """``count`` against ``wanted``; ``of`` says what was counted."""
    followed = {
        "less than": count < wanted,
        "at least": count >= wanted,
        "at most": count <= wanted,
        "more than": count > wanted,
        "exactly": count == wanted,
    }[relation]
    return Found(followed, f"{count} {of}, asked for {relation} {wanted}")


def bound(name: str, given: Mapping[str, Any]) -> tuple[Check, dict[str, Any]]:
    """The check of an id and its arguments, read from a row's ``kwargs``.

    None and what is missing are one thing (tables have every argument of every type in every row). Arguments that the
    type does not have are passed over. Raises ArgumentFault.
    """
    check = CHECKS.get(name)
    if check is None:
        raise ArgumentFault(f"unknown instruction {name!r}.{did_you_mean(name, CHECKS)}")
    values: dict[str, Any] = {}
    for argument, (annotation, default) in _arguments(check).items():
        value: Any = given.get(argument)
        if hasattr(value, "tolist"):
            value = value.tolist()
        if value is None or (isinstance(value, float) and value != value):
            if default is inspect.Parameter.empty:
                near = did_you_mean(argument, [key for key, other in given.items() if other is not None])
                raise ArgumentFault(f"{name} has no {argument}.{near}")
            continue
        values[argument] = _read(annotation, value, f"{name}: {argument}")
    return check, values


_KNOWN: dict[Check, dict[str, tuple[Any, Any]]] = {}


def _arguments(check: Check) -> dict[str, tuple[Any, Any]]:
    """Name → annotation and default of a check's arguments."""
    if check not in _KNOWN:
        hints = typing.get_type_hints(check)
        found = inspect.signature(check).parameters.values()
        _KNOWN[check] = {p.name: (hints[p.name], p.default) for p in found if p.kind is p.KEYWORD_ONLY}
    return _KNOWN[check]


def _read(annotation: Any, value: Any, where: str) -> Any:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        annotation = next(kind for kind in typing.get_args(annotation) if kind is not type(None))
    if typing.get_origin(annotation) is typing.Literal:
        text = " ".join(value.lower().split()) if isinstance(value, str) else value
        if text in typing.get_args(annotation):
            return text
        raise ArgumentFault(f"{where} is {value!r:.60}, and not one of {', '.join(typing.get_args(annotation))}")
    if annotation is int:
        return _count(value, where)
    if annotation is str:
        if isinstance(value, str) and value.strip():
            return value
        raise ArgumentFault(f"{where} is no text: {value!r:.60}")
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Sequence) or not items or not all(isinstance(i, str) and i.strip() for i in items):
        raise ArgumentFault(f"{where} is no list of words: {value!r:.60}")
    return list(items)


def _count(value: Any, where: str) -> int:
    """A count from 0 on: 8, 8.0 (a column with empty rows) or ``"8"``."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise ArgumentFault(f"{where} is no number: {value!r:.60}")
    if value < 0 or value > MOST or value != int(value):
        raise ArgumentFault(f"{where} is no count: {value!r:.60}")
    return int(value)
