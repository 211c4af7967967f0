"""ASGI responses: JSON, refusals, and a refusal in the middle of a body that its sender gets to read."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from starlette.responses import Response

from veritune.serve.errors import Refusal

_LINGER_S = 3.0
_SILENCE_S = 0.5
"""A sender who has stopped for so long has the answer, or will not read it."""
_LINGER_BYTES = 1 << 30


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """``value`` as JSON; ASCII, so that half a character goes through unharmed."""
    body = json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
    return raw_json(body, status, headers)


def raw_json(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON text that is made already."""
    return Response(body, status, dict(headers or {}), "application/json")


def refusal_response(refusal: Refusal) -> Response:
    """What the sender is told."""
    if refusal.close:
        return _Farewell(refusal)
    return raw_json(refusal.body, refusal.status, refusal.headers)


class _Farewell(Response):  # type: ignore[misc]
    """A refusal that ends the connection.

    It is sent whole at once; then what the sender has not stopped sending is thrown away for a moment, since a socket
    that is closed upon unread bytes takes the answer with it.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.body, refusal.status, {**refusal.headers, "Connection": "close"}, "application/json")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        end, size = time.monotonic() + _LINGER_S, 0
        with suppress(asyncio.TimeoutError):
            while size < _LINGER_BYTES:
                left = min(_SILENCE_S, end - time.monotonic())
                message = await asyncio.wait_for(receive(), max(0.0, left))
                size += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    break
        await send({"type": "http.response.body", "body": b"", "more_body": False})
