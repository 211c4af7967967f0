"""Reading a request's body: bounded in bytes, in time and in nesting, and JSON that can be read one way only."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from veritune.serve.errors import Refusal, malformed, unfit

RATE = 64 << 10
"""Bytes a second below which a sender counts as slow."""
DEPTH = 64
"""Lists and objects within each other."""

Receive = Callable[[], Awaitable[Any]]


async def read_body(receive: Receive, headers: Mapping[str, str], limit: int, patience: float) -> bytes:
    """The body's bytes. Refusal 413 over ``limit``, at once where the head says so; 408 for a sender who takes longer
    than ``patience`` seconds and :data:`RATE` allow;
    415 for another kind of content, or none: a page of another site may send that unasked."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(
            415, "not_json", f"Content-Type: application/json is expected, got {kind[:80] or 'none'!r}", close=True
        )
    declared = headers.get("content-length", "")
    if declared.isdigit() and (len(declared) > 18 or int(declared) > limit):
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    async for part in _parts(receive, patience):
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


async def _parts(receive: Receive, patience: float) -> AsyncIterator[bytes]:
    begun, size, more = time.monotonic(), 0, True
    while more:
        left = begun + patience + size / RATE - time.monotonic()
        try:
            message = await asyncio.wait_for(receive(), max(left, 0.001))
        except asyncio.TimeoutError:
            problem = f"the body took longer than {patience:g} s and {RATE >> 10} KiB/s allow"
            raise Refusal(408, "slow", problem, close=True) from None
        if message["type"] == "http.disconnect":
            raise Refusal(499, "gone", "the sender left", close=True)
        part: bytes = message.get("body", b"")
        size += len(part)
        more = message.get("more_body", False)
        yield part


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "too_large", f"a body has at most {limit:,} bytes here; send less at once", close=True)


def parse_json(body: bytes) -> Any:
    """The value of a JSON text. Refusal 400 for what is no JSON, or could be read in two ways: a key given twice,
    ``NaN``, ``Infinity``, numbers that no float holds, bytes that are not UTF-8, nesting without an end."""
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=_float,
        )
    except UnicodeDecodeError as error:
        raise malformed(f"the body is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise malformed(f"the body is not JSON: {error.msg} (character {error.pos})") from None
    except RecursionError:
        raise malformed("the body is nested too deeply") from None
    except ValueError as error:  # an integer of thousands of digits
        raise malformed(f"the body is not JSON: {error}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise malformed(f"the key {twice[:80]!r} is given twice in one object")
    return found


def _no_constant(word: str) -> None:
    raise malformed(f"{word} is no JSON number")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise malformed(f"{text[:40]} is larger than any float")
    return value


def check_depth(value: Any, where: str) -> None:
    """Refusal 422 for lists and objects nested deeper than :data:`DEPTH`: nothing behind here need fear them."""
    level: list[Any] = [value]
    for _ in range(DEPTH):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise unfit(f"{where} is nested deeper than {DEPTH} levels")
