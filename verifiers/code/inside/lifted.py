"""Calls without a channel: the program's answers are written down in one run and compared in another.

The first run has the arguments only. Whoever forges its lines there has to know the answers.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import sys
import types
from collections.abc import Iterator
from typing import Any

from _veritune_codec import Handles, Refused, decode, encode  # type: ignore[import-not-found]

_MOST_ITEMS = 1_000_000


def answer(prelude: str) -> None:
    """Load ``solution.py`` and write a line for every call of the task on stdin. Never returns."""
    task = json.loads(sys.stdin.buffer.read())
    sys.stdin = open(os.devnull)  # noqa: SIM115
    module = types.ModuleType("solution")
    sys.modules["solution"] = module
    try:
        with open("solution.py", encoding="utf-8", errors="surrogateescape") as file:
            source = file.read()
        exec(prelude, module.__dict__)
        exec(compile(source, "solution.py", "exec", dont_inherit=True), module.__dict__)
    except BaseException as problem:
        _write(task["token"], {"broken": _said(problem)})
        os._exit(0)
    for args in decode(task["calls"], Handles()):
        _write(task["token"], _one(module, task["entry"], args))
    os._exit(0)


def _one(module: types.ModuleType, entry: str, args: list[Any]) -> dict[str, Any]:
    try:
        names = module.__dict__
        function = names[entry] if entry in names else getattr(names["Solution"](), entry)
        value = function(*args)
        if isinstance(value, Iterator):
            value = list(itertools.islice(value, _MOST_ITEMS))
        return {"value": encode(value, Handles())}
    except KeyError as problem:
        return {"error": _said(problem)} if entry in module.__dict__ else {"error": f"name {entry!r} is not defined"}
    except BaseException as problem:
        return {"error": _said(problem)}


def _said(problem: BaseException) -> str:
    try:
        return f"{type(problem).__name__}: {problem}"[:200]
    except BaseException:
        return type(problem).__name__


def _write(token: str, message: dict[str, Any]) -> None:
    with contextlib.suppress(BaseException):
        sys.stdout.flush()
    data = f"\n{token} {json.dumps(message)}\n".encode()
    while data:
        data = data[os.write(1, data) :]


def compare() -> None:
    """Compare answers with what is expected: the task on stdin, the findings as the last line of stdout."""
    task = json.loads(sys.stdin.buffer.read())
    found: list[list[Any]] = []
    for given, expected in zip(task["answers"], decode(task["expected"], Handles()), strict=False):
        found.append(_compared(given, expected, task["tolerance"]))
    _write(task["token"], {"found": found})
    os._exit(0)


def _compared(given: dict[str, Any], expected: Any, tolerance: float) -> list[Any]:
    from _veritune_same import same, shown  # type: ignore[import-not-found]

    if "error" in given:
        return [False, str(given["error"])[:300]]
    try:
        value = decode(given["value"], Handles())
        if same(value, expected, tolerance):
            return [True, ""]
        return [False, f"{shown(value)} instead of {shown(expected)}"]
    except (Refused, LookupError, TypeError, ValueError, RecursionError) as problem:
        return [False, f"the program's answer cannot be read: {problem}"[:300]]
