"""Calls whose arguments are elements: Qwen3-Coder, Seed, MiniMax, DeepSeek V3.2, GLM."""

from __future__ import annotations

import re
from typing import Any

from veritune.verifiers.tool_calls.calls import Call, Malformed, Untyped, load

_FUNCTION = re.compile(r"\s*<function=([^<>\n]{1,200})>(.*?)</function>\s*", re.DOTALL)
_PARAMETER = re.compile(r"\s*<parameter=([^<>\n]{1,200})>(.*?)</parameter>", re.DOTALL)
_INVOKE = re.compile(
    r"\s*<(?:｜DSML｜|atem:)?invoke\s+name=\"([^\"<>]{1,200})\"\s*>(.*?)</(?:｜DSML｜|atem:)?invoke>\s*", re.DOTALL
)
_GIVEN = re.compile(
    r"\s*<(?:｜DSML｜|atem:)?parameter\s+name=\"([^\"<>]{1,200})\"(?:\s+string=\"(true|false)\")?\s*>"
    r"(.*?)</(?:｜DSML｜|atem:)?parameter>",
    re.DOTALL,
)
_KEYED = re.compile(r"\s*<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)</arg_value>", re.DOTALL)


def looks(body: str) -> bool:
    """Whether a call's body is written with elements."""
    start = body.lstrip()[:60]
    return start.startswith(("<function=", "<invoke", "<｜DSML｜invoke", "<atem:invoke")) or "<arg_key>" in body[:400]


def read(body: str) -> list[Call]:
    """The calls of a body. Raises Malformed."""
    start = body.lstrip()
    if start.startswith("<function="):
        return _all(body, _FUNCTION, _qwen)
    if start.startswith(("<invoke", "<｜DSML｜invoke", "<atem:invoke")):
        return _all(body, _INVOKE, _invoked)
    name, _, rest = start.partition("<arg_key>")
    return [Call(_named(name), _pairs("<arg_key>" + rest, _KEYED, lambda m: (m[1].strip(), Untyped(m[2]))))]


def _all(body: str, expression: re.Pattern[str], one: Any) -> list[Call]:
    found, at = [], 0
    while at < len(body) and body[at:].strip():
        match = expression.match(body, at)
        if match is None:
            raise Malformed("an element is not closed, or text stands beside it")
        found.append(one(match))
        at = match.end()
    return found


def _qwen(match: re.Match[str]) -> Call:
    inside = match[2]
    if inside.lstrip().startswith("{"):  # Llama's <function=f>{"a": 1}</function>
        given = load(inside.strip())
        if not isinstance(given, dict):
            raise Malformed("its arguments are no object")
        return Call(_named(match[1]), given)
    return Call(_named(match[1]), _pairs(inside, _PARAMETER, lambda m: (m[1].strip(), Untyped(_line(m[2])))))


def _invoked(match: re.Match[str]) -> Call:
    def pair(m: re.Match[str]) -> tuple[str, Any]:
        if m[2] == "true":
            return m[1], m[3]
        return m[1], load(m[3]) if m[2] == "false" else Untyped(_line(m[3]))

    return Call(_named(match[1]), _pairs(match[2], _GIVEN, pair))


def _pairs(inside: str, expression: re.Pattern[str], pair: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    at = 0
    while inside[at:].strip():
        match = expression.match(inside, at)
        if match is None:
            raise Malformed("a parameter is not closed, or text stands beside it")
        name, value = pair(match)
        if name in found:
            raise Malformed(f"it gives {name[:40]!r} twice")
        found[name] = value
        at = match.end()
    return found


def _line(value: str) -> str:
    """A value without the line breaks that its element puts around it."""
    value = value[1:] if value.startswith("\n") else value
    return value[:-1] if value.endswith("\n") else value


def _named(name: str) -> str:
    name = name.strip().strip("\"'")
    if not name or len(name.split()) != 1:
        raise Malformed("it has no name")
    return name
