"""A call, and reading one from JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_LENGTH = 200_000
"""Characters of a completion in which calls are read."""
MAX_CALLS = 64
MAX_DEPTH = 64
"""Lists and objects inside each other, in one call's arguments."""
_NAMES = ("name", "tool_name", "function_name", "tool")
_ARGUMENTS = ("arguments", "parameters", "args", "tool_parameters", "input", "kwargs")


class Malformed(ValueError):
    """What is written as a call is none; the message says why, in one line."""


class Untyped(str):
    """A value of a form that writes all as text (XML parameters): its type is the schema's, or that of the gold."""


@dataclass(frozen=True)
class Call:
    """One call: a function's name, and its arguments by name."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    positional: tuple[Any, ...] = ()
    """Arguments without a name (``f(1)``): they have one only where the tool's description is known."""

    def __str__(self) -> str:
        given = [repr(value) for value in self.positional] + [f"{k}={v!r}" for k, v in self.arguments.items()]
        return f"{self.name}({', '.join(given)})"[:200]


def load(text: str) -> Any:
    """JSON as it is defined: no NaN, no name twice in one object, no depth or digits without end. Raises Malformed."""
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except Malformed:
        raise
    except (ValueError, RecursionError) as error:
        raise Malformed(f"its JSON cannot be read: {str(error)[:80]}") from None
    return checked(found)


_DECODER = json.JSONDecoder(
    object_pairs_hook=lambda pairs: _object(pairs), parse_constant=lambda name: _no_constant(name)
)


def several(text: str) -> Iterator[Any]:
    """One JSON value behind another, with white space, commas or semicolons between. Raises Malformed."""
    at = 0
    while at < len(text):
        while at < len(text) and text[at] in " \t\r\n;,":
            at += 1
        if at == len(text):
            return
        try:
            found, at = _DECODER.raw_decode(text, at)
        except Malformed:
            raise
        except (ValueError, RecursionError) as error:
            raise Malformed(f"its JSON cannot be read: {str(error)[:80]}") from None
        yield checked(found)


def from_json(value: Any) -> Iterator[Call]:
    """The calls of a JSON value: ``{"name": …, "arguments": {…}}``, the same inside ``function``, or a list of these.

    Raises Malformed.
    """
    if isinstance(value, list):
        if not value:
            raise Malformed("it is an empty list")
        for item in value:
            yield from from_json(item)
        return
    if not isinstance(value, Mapping):
        raise Malformed(f"it is no object with a name and arguments, but {value!r:.60}")
    inner = value.get("function")
    places = [inner, value] if isinstance(inner, Mapping) else [value]
    if isinstance(places[0].get("tool_calls"), list):
        yield from from_json(places[0]["tool_calls"])
        return
    name = _only(places, (*_NAMES, "function"))
    if not isinstance(name, str) or not name.strip():
        raise Malformed("it has no name")
    yield Call(plain_name(name), _arguments(_only(places, _ARGUMENTS)))


def _only(places: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> Any:
    """What a call has under one of several keys, None where under none. Two that differ make no call: Malformed."""
    found = [
        (key, place[key])
        for place in places
        for key in keys
        if place.get(key) is not None and place[key] is not places[0]
    ]
    told = {json.dumps(value, sort_keys=True, default=repr) for _, value in found}
    if len(told) > 1:
        raise Malformed(f"it gives {' and '.join(dict.fromkeys(repr(key) for key, _ in found))}, which differ")
    return found[0][1] if found else None


def is_call_like(value: Any) -> bool:
    """Whether a JSON value has the shape of a call or of a list of calls."""
    if isinstance(value, list):
        return bool(value) and all(is_call_like(item) for item in value)
    if not isinstance(value, Mapping):
        return False
    if isinstance(value.get("function"), Mapping):
        value = value["function"]
    if isinstance(value.get("tool_calls"), list):
        return is_call_like(value["tool_calls"])
    return any(isinstance(value.get(key), str) for key in (*_NAMES, "function")) and any(
        isinstance(value.get(key), Mapping) for key in _ARGUMENTS
    )


def _arguments(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Malformed(f"its arguments are no object, but {value!r:.60}")
    return value


def plain_name(name: str) -> str:
    """``functions.f:0`` and ``functions.f`` as ``f``, as Kimi and Harmony write it."""
    name = name.strip()
    if name.startswith("functions."):
        name, colon, number = name.removeprefix("functions.").rpartition(":")
        return (name if colon and number.isdecimal() else f"{name}{colon}{number}").strip()
    return name


def checked(value: Any, depth: int = 0) -> Any:
    """The value. Raises Malformed where lists and objects stand too deep in each other."""
    if depth > MAX_DEPTH:
        raise Malformed(f"its arguments are more than {MAX_DEPTH} deep")
    if isinstance(value, Mapping):
        for item in value.values():
            checked(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            checked(item, depth + 1)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed(f"it gives {twice[:40]!r} twice")
    return found


def _no_constant(name: str) -> Any:
    raise Malformed(f"{name} is no JSON")
