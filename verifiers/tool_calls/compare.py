"""Whether a call is the one that was asked for: its name, every argument, the types."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from veritune.verifiers.tool_calls.calls import Call, Malformed, Untyped, load
from veritune.verifiers.tool_calls.golds import Wanted

Strings: TypeAlias = Literal["auto", "exact", "bfcl"]

_LOOSE = re.compile(r"(?<!\d)[ ,./\-_*^]+|[ ,./\-_*^]+(?!\d)|[ _]+")
"""What BFCL's checker deletes from texts; kept between digits, where it would make another number."""
_INTEGERS = ("integer", "int", "long")
_NUMBERS = ("number", "float", "double")


def difference(call: Call, wanted: Wanted, schemas: Mapping[str, Mapping[str, Any]], strings: Strings) -> str:
    """Why a call is not the one asked for, in a few words; empty where it is."""
    if not same_name(call.name, wanted.name):
        return f"it calls {call.name[:60]!r}, not {wanted.name[:60]!r}"
    schema = schemas.get(wanted.name) or schemas.get(call.name) or {}
    properties = schema.get("properties") if isinstance(schema.get("properties"), Mapping) else {}
    named = with_names(call, properties or {})
    if named is None:
        return f"{call.name[:60]} has an argument without a name"
    loose = strings == "bfcl" or (strings == "auto" and wanted.alternatives)
    for key, value in named.arguments.items():
        described = (properties or {}).get(key)
        described = described if isinstance(described, Mapping) else {}
        if key not in wanted.allowed:
            if "default" in described and _equal(value, described["default"], described, loose):
                continue
            return f"{call.name[:60]} has an argument {key[:40]!r} that was not asked for"
        if not any(_matches(value, one, described, loose, wanted.alternatives) for one in wanted.allowed[key]):
            return f"{key[:40]} is {value!r:.60}, not {_listed(wanted.allowed[key])}"
    for key, values in wanted.allowed.items():
        if key in named.arguments or (wanted.alternatives and _may_be_left_out(values)):
            continue
        described = (properties or {}).get(key)
        described = described if isinstance(described, Mapping) else {}
        if "default" in described and any(_equal(described["default"], one, described, loose) for one in values):
            continue
        return f"{call.name[:60]} lacks the argument {key[:40]!r}"
    return ""


def share(call: Call, wanted: Wanted, schemas: Mapping[str, Mapping[str, Any]], strings: Strings) -> float:
    """Of a call with the right name, the share of its arguments that are right; 0 with another name."""
    if not same_name(call.name, wanted.name):
        return 0.0
    optional = {k for k, v in wanted.allowed.items() if wanted.alternatives and _may_be_left_out(v)}
    every = {*call.arguments, *(wanted.allowed.keys() - optional)}
    if not every:
        return 1.0
    right = 0
    for key in every:
        allowed = {key: wanted.allowed[key]} if key in wanted.allowed else {}
        given = {key: call.arguments[key]} if key in call.arguments else {}
        right += not difference(Call(call.name, given), replace(wanted, allowed=allowed), schemas, strings)
    return right / len(every)


def same_name(given: str, wanted: str) -> bool:
    """Names are the same letter for letter; ``math_gcd`` is ``math.gcd``, for APIs that allow no dots."""
    return given == wanted or ("." in wanted and given == wanted.replace(".", "_"))


def with_names(call: Call, properties: Mapping[str, Any]) -> Call | None:
    """The call with names for its positional arguments, by the order of the tool's properties; None without."""
    if not call.positional:
        return call
    names = list(properties)[: len(call.positional)]
    if len(names) < len(call.positional) or any(name in call.arguments for name in names):
        return None
    return Call(call.name, {**dict(zip(names, call.positional, strict=True)), **call.arguments})


def _may_be_left_out(values: Sequence[Any]) -> bool:
    return any(isinstance(value, str) and value == "" for value in values)


def _matches(value: Any, allowed: Any, described: Mapping[str, Any], loose: bool, nested: bool) -> bool:
    """Whether a value is one allowed value; of a BFCL row, objects inside list their values too."""
    if isinstance(value, Untyped):
        return any(_matches(one, allowed, described, loose, nested) for one in _readings(value, described, allowed))
    if nested and isinstance(allowed, Mapping):
        if not isinstance(value, Mapping) or any(key not in allowed for key in value):
            return False
        return all(
            (key in value and any(_matches(value[key], one, {}, loose, True) for one in _list(choices)))
            or (key not in value and _may_be_left_out(_list(choices)))
            for key, choices in allowed.items()
        )
    if nested and isinstance(allowed, list | tuple):
        if not isinstance(value, list | tuple) or len(value) != len(allowed):
            return False
        return all(_matches(one, other, {}, loose, True) for one, other in zip(value, allowed, strict=True))
    return _equal(value, allowed, described, loose)


def _list(choices: Any) -> Sequence[Any]:
    return choices if isinstance(choices, list | tuple) else [choices]


def _equal(value: Any, wanted: Any, described: Mapping[str, Any], loose: bool) -> bool:
    """Equal values of one type: 1 is no True, no "1" and no 1.0; a whole number may stand where a float is asked."""
    if isinstance(value, Untyped):
        return any(_equal(one, wanted, described, loose) for one in _readings(value, described, wanted))
    if isinstance(wanted, bool) or isinstance(value, bool):
        return isinstance(wanted, bool) and isinstance(value, bool) and wanted == value
    if isinstance(wanted, int | float) and isinstance(value, int | float):
        if isinstance(value, float) and isinstance(wanted, int):
            return described.get("type") in _NUMBERS and value == wanted
        return value == wanted
    if isinstance(wanted, str) and isinstance(value, str):
        return value == wanted or (loose and _standard(value) == _standard(wanted))
    if isinstance(wanted, Mapping) and isinstance(value, Mapping):
        return wanted.keys() == value.keys() and all(_equal(value[k], wanted[k], {}, loose) for k in wanted)
    if isinstance(wanted, list | tuple) and isinstance(value, list | tuple):
        return len(wanted) == len(value) and all(_equal(v, w, {}, loose) for v, w in zip(value, wanted, strict=True))
    return wanted is None and value is None


def _standard(text: str) -> str:
    """A text as BFCL's checker compares it: case, spaces and ``,./-_*^`` aside, quotes alike; signs in numbers stay."""
    stripped = text.strip()
    sign = "-" if stripped[:1] == "-" and stripped[1:2].isdecimal() else ""
    return sign + _LOOSE.sub("", stripped).lower().replace("'", '"')


def _readings(value: Untyped, described: Mapping[str, Any], wanted: Any) -> list[Any]:
    """What a value without a type is: by its schema's type, or by the type of what is asked for."""
    kind = described.get("type")
    text = str(value)
    if kind in ("string", "str") or (kind is None and isinstance(wanted, str)):
        return [text]
    try:
        found = load(text.strip())
    except Malformed:
        word = {"true": True, "false": False, "none": None}.get(text.strip().lower())
        found = word if text.strip().lower() in ("true", "false", "none") else text
    if kind in _INTEGERS and not isinstance(found, int):
        return []
    return [found]


def _listed(values: Sequence[Any]) -> str:
    shown = [json.dumps(value, ensure_ascii=False, default=str)[:40] for value in list(values)[:3] if value != ""]
    return " or ".join(shown) or "left out"
