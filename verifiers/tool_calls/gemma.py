"""Calls as Gemma writes them: ``call:f{city:<|"|>Paris<|"|>,days:3}``."""

from __future__ import annotations

import re
from typing import Any

from veritune.verifiers.tool_calls.calls import MAX_CALLS, MAX_DEPTH, Call, Malformed

QUOTES = ('<|"|>', "<escape>")
"""What stands around a text: Gemma 4's, and FunctionGemma's."""
_CALL = re.compile(r"\s*call:([A-Za-z_][\w.\-]{0,200})\s*(?=\{)")
_NAME = re.compile(r"\s*([A-Za-z_][\w.\-]{0,200})\s*:")
_NUMBER = re.compile(r"-?\d{1,400}(?:\.\d{1,400})?(?:[eE][+-]?\d{1,4})?(?![\w.])")
_WORDS = {"true": True, "false": False, "null": None, "None": None}


def looks(body: str) -> bool:
    """Whether a call's body is written this way."""
    return body.lstrip().startswith("call:")


def read(body: str) -> list[Call]:
    """The calls of a body. Raises Malformed."""
    found: list[Call] = []
    at = 0
    while body[at:].strip():
        name = _CALL.match(body, at)
        if name is None or len(found) >= MAX_CALLS:
            raise Malformed("text stands beside a call")
        arguments, at = _object(body, name.end(), 0)
        found.append(Call(name[1], arguments))
    return found


def _value(text: str, at: int, depth: int) -> tuple[Any, int]:
    if depth > MAX_DEPTH:
        raise Malformed(f"its arguments are more than {MAX_DEPTH} deep")
    at = _past(text, at)
    for quote in QUOTES:
        if text.startswith(quote, at):
            end = text.find(quote, at + len(quote))
            if end < 0:
                raise Malformed("a text does not end")
            return text[at + len(quote) : end], end + len(quote)
    if text.startswith("{", at):
        return _object(text, at, depth)
    if text.startswith("[", at):
        return _list(text, at, depth)
    for word, meant in _WORDS.items():
        if text.startswith(word, at):
            return meant, at + len(word)
    number = _NUMBER.match(text, at)
    if number is None:
        raise Malformed(f"a value cannot be read: {text[at : at + 40]!r}")
    whole = number[0].lstrip("-").isdecimal()
    return int(number[0]) if whole else float(number[0]), number.end()


def _object(text: str, at: int, depth: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    at = _past(text, at + 1)
    while not text.startswith("}", at):
        name = _NAME.match(text, at)
        if name is None:
            raise Malformed("an argument has no name")
        if name[1] in found:
            raise Malformed(f"it gives {name[1][:40]!r} twice")
        found[name[1]], at = _value(text, name.end(), depth + 1)
        at = _next(text, at, "}")
    return found, at + 1


def _list(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    at = _past(text, at + 1)
    while not text.startswith("]", at):
        value, at = _value(text, at, depth + 1)
        found.append(value)
        at = _next(text, at, "]")
    return found, at + 1


def _next(text: str, at: int, closing: str) -> int:
    """Past a comma; at the closing bracket."""
    at = _past(text, at)
    if text.startswith(",", at):
        return _past(text, at + 1)
    if text.startswith(closing, at):
        return at
    raise Malformed("a value does not end, or a bracket is missing")


def _past(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
