"""Length-prefixed messages over a stream socket: eight bytes of length, then a pickle.

Both ends run this package's code; the untrusted text travels inside as plain data.
"""

from __future__ import annotations

import pickle
import socket
import struct
from typing import Any

_HEADER = struct.Struct("!Q")
_CHUNK = 1 << 16


def pack(message: Any) -> bytes:
    """One message as bytes on the wire."""
    payload = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return _HEADER.pack(len(payload)) + payload


class Inbox:
    """Puts messages together from whatever pieces the socket delivers."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next(self) -> bytes | None:
        """The next complete payload, or None."""
        if len(self._buffer) < _HEADER.size:
            return None
        (length,) = _HEADER.unpack_from(self._buffer)
        end = _HEADER.size + length
        if len(self._buffer) < end:
            return None
        payload = bytes(self._buffer[_HEADER.size : end])
        del self._buffer[:end]
        return payload


def receive(sock: socket.socket, inbox: Inbox) -> bytes | None:
    """Block for one payload; None at the end of the stream."""
    while (payload := inbox.next()) is None:
        data = sock.recv(_CHUNK)
        if not data:
            return None
        inbox.feed(data)
    return payload
