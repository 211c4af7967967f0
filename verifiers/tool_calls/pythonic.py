"""Calls written as Python, ``[get_weather(city="Paris")]``, read from the syntax tree. Nothing is evaluated."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from veritune.verifiers.tool_calls.calls import MAX_CALLS, Call, Malformed, checked

MAX_LENGTH = 20_000
_BEGINS = re.compile(r"\[?\s*[A-Za-z_][\w.]*\(")
_WORDS = {"true": True, "false": False, "null": None, "none": None}
_SIGNS = re.compile(r"(?:[-+~]\s*|not\s+){50}")


def looks(text: str) -> bool:
    """Whether a text may be nothing but calls: it begins with a name and a parenthesis, and ends with one."""
    return _BEGINS.match(text.lstrip()) is not None and text.rstrip("; \t\n").endswith((")", "]"))


def read(text: str, *, printed: bool = False) -> list[Call]:
    """The calls of ``f(a=1)``, ``[f(a=1), g()]`` or one call a line. Raises Malformed for anything else.

    ``printed``: ``print(f(a=1))`` is the call ``f(a=1)``, as Gemma writes it in a fence of ``tool_code``.
    """
    if len(text) > MAX_LENGTH:
        raise Malformed(f"it has more than {MAX_LENGTH} characters")
    if _SIGNS.search(text):
        raise Malformed("it is no call")
    try:
        body = ast.parse(text.strip().rstrip(";"), mode="exec").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise Malformed(f"it is no Python: {str(error)[:80]}") from None
    found: list[Call] = []
    for line in body:
        if not isinstance(line, ast.Expr):
            raise Malformed("it is Python, and no call")
        found += list(_calls(line.value, printed))
        if len(found) > MAX_CALLS:
            raise Malformed(f"it has more than {MAX_CALLS} calls")
    if not found:
        raise Malformed("it has no call")
    return found


def _calls(node: ast.expr, printed: bool) -> Iterator[Call]:
    if isinstance(node, ast.List | ast.Tuple):
        for item in node.elts:
            yield _call(item, printed)
        return
    yield _call(node, printed)


def _call(node: ast.expr, printed: bool = False) -> Call:
    if not isinstance(node, ast.Call):
        raise Malformed("it is Python, and no call")
    name = _name(node.func)
    if printed and name == "print" and len(node.args) == 1 and not node.keywords:
        return _call(node.args[0])
    arguments: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise Malformed("it has ** among its arguments")
        if keyword.arg in arguments:
            raise Malformed(f"it gives {keyword.arg[:40]!r} twice")
        arguments[keyword.arg] = _value(keyword.value)
    return Call(name, checked(arguments), tuple(_value(item) for item in node.args))


def _name(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise Malformed("what it calls has no name")
    name = ".".join([node.id, *reversed(parts)])
    return name.removesuffix(".call") if name.count(".") == 1 else name  # Llama's brave_search.call(…)


def _value(node: ast.expr, depth: int = 0) -> Any:
    if depth > 64:
        raise Malformed("its arguments are more than 64 deep")
    if isinstance(node, ast.Constant):
        if node.value is Ellipsis or isinstance(node.value, bytes | complex):
            raise Malformed(f"{node.value!r:.20} is no value")
        return node.value
    if isinstance(node, ast.Name) and node.id in _WORDS:
        return _WORDS[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand, depth + 1)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Malformed("it has a sign before what is no number")
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(item, depth + 1) for item in node.elts]
    if isinstance(node, ast.Dict):
        found = {}
        for key, item in zip(node.keys, node.values, strict=True):
            if not (isinstance(key, ast.Constant) and isinstance(key.value, str)) or key.value in found:
                raise Malformed("it has an object whose names are no texts, or stand twice")
            found[key.value] = _value(item, depth + 1)
        return found
    raise Malformed(f"an argument is no plain value: {type(node).__name__}")
