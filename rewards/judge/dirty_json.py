"""JSON as models write it: strict where it is, else with the slips that change no meaning put right.

A string may hold LaTeX (``\\sqrt``, ``\\( x \\)``), raw line breaks and quotation marks that nobody escaped; a comma
may follow the last member. Nothing else is mended: what is still no object then is none, and no member is made up.
"""

from __future__ import annotations

import json
import re
from typing import Any

_LONGEST = 50_000
"""Characters of an object that is worth mending."""
_DEEPEST = 8
_SPACE = re.compile(r"\s*")
_KEY = re.compile(r'"([^"\\\n]{1,100})"\s*:\s*')
_CLOSING = re.compile(r'"(?=\s*(?:,\s*(?:"[^"\\\n]{1,100}"\s*:|\})|\}))')
"""The end of a member's text: behind it another member or the object's end, and no more of a sentence."""
_SLIP = re.compile(r"\\(?:u[0-9a-fA-F]{4}|[\"\\/nrt]|[bf](?![A-Za-z]))|\\|\"")


def decode(text: str, start: int) -> tuple[Any, int]:
    """The value that begins at ``start``, and where it ends. ValueError or RecursionError where none does.

    A key that comes twice with values that differ has the list of them.
    """
    try:
        return _DECODER.raw_decode(text, start)
    except ValueError:
        if _KEY.match(text, _after(text, start + 1)) is None:
            raise
    return _object(text[: start + _LONGEST], start, 0)


def _pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in members:
        found[key] = [found[key], value] if key in found and found[key] != value else value
    return found


_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_pairs)


def _after(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space is not None else at


def _object(text: str, start: int, depth: int) -> tuple[dict[str, Any], int]:
    members: list[tuple[str, Any]] = []
    at = _after(text, start + 1)
    while text[at : at + 1] != "}":
        key = _KEY.match(text, at)
        if key is None or depth > _DEEPEST:
            raise ValueError("no member where one should be")
        value, at = _value(text, key.end(), depth)
        members.append((key[1], value))
        at = _after(text, at)
        if text[at : at + 1] == ",":
            at = _after(text, at + 1)
        elif text[at : at + 1] != "}":
            raise ValueError("no comma where one should be")
    return _pairs(members), at + 1


def _value(text: str, at: int, depth: int) -> tuple[Any, int]:
    if text[at : at + 1] == "{":
        try:
            return _DECODER.raw_decode(text, at)
        except ValueError:
            return _object(text, at, depth + 1)
    if text[at : at + 1] != '"':
        return _DECODER.raw_decode(text, at)
    for closing in _CLOSING.finditer(text, at + 1):
        inside = text[at + 1 : closing.start()]
        if (len(inside) - len(inside.rstrip("\\"))) % 2 == 0:  # else the mark is part of the text
            mended = _SLIP.sub(_mended, inside)
            return json.loads(f'"{mended}"', strict=False), closing.end()
    raise ValueError("a text that never ends")


def _mended(found: re.Match[str]) -> str:
    return found[0] if len(found[0]) > 1 else "\\" + found[0]
