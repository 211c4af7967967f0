"""Values as tagged JSON, and length-prefixed messages. The one language that the two sandboxes share.

Plain JSON values stand for themselves; everything else is ``{"$": tag, …}``. What has no form of its own, and what is
of a class of the program's, is named by a number: see ``Handles``.
"""

from __future__ import annotations

import json
import math
import os
from typing import Any

try:
    from _veritune_library import decode_library, encode_library  # type: ignore[import-not-found]
except ImportError:  # outside the sandbox: the judge encodes the expected values
    from veritune.verifiers.code.inside.library import decode_library, encode_library

MAX_DEPTH = 150
MAX_MESSAGE = 64 << 20
MAX_ITEMS = 2_000_000
MAX_HEX_DIGITS = 400_000
_EXACT = 1 << 53
BASES = (int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset)


class Refused(Exception):
    """A message or value that is malformed, too deep or too large."""


class Handles:
    """How one side names what cannot be copied. Subclasses say how a handle is made and resolved."""

    shares = False
    """Containers may be known to both sides by number."""

    def make(self, value: Any) -> dict[str, Any]:
        raise Refused(f"a {type(value).__name__} cannot be sent")

    def subclass(self, value: Any, kind: type, base: type, depth: int) -> Any:
        """A value of a class derived from a built-in one: the plain value inside it."""
        return encode(flatten(value, base), self, depth)

    def reference(self, value: Any) -> dict[str, Any] | None:
        """The tag of a container that both sides hold already."""
        return None

    def resolve(self, tagged: dict[str, Any], depth: int) -> Any:
        raise Refused("unknown tag")


def encode(value: Any, handles: Handles, depth: int = 0) -> Any:
    """A value as JSON. Raises Refused where it is nested deeper than MAX_DEPTH."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is int:
        return value if -_EXACT < value < _EXACT else {"$": "int", "v": hex(value)}
    if kind is float:
        return value if math.isfinite(value) and not value.is_integer() else {"$": "float", "v": value.hex()}
    if depth > MAX_DEPTH:
        raise Refused(f"the value is nested more than {MAX_DEPTH} deep")
    if handles.shares:
        known = handles.reference(value)
        if known is not None:
            return known
    if kind is list:
        return [encode(item, handles, depth + 1) for item in value]
    if kind in BASES:
        return _encode_builtin(value, kind, handles, depth)
    special = encode_library(value, kind, lambda inner: encode(inner, handles, depth + 1))
    if special is not None:
        return special
    for base in BASES:
        if issubclass(kind, base):
            return handles.subclass(value, kind, base, depth)
    return handles.make(value)


def _encode_builtin(value: Any, kind: type, handles: Handles, depth: int) -> Any:
    if kind is dict:
        pairs = [[encode(k, handles, depth + 1), encode(v, handles, depth + 1)] for k, v in value.items()]
        return {"$": "dict", "v": pairs}
    if kind in (tuple, set, frozenset):
        return {"$": kind.__name__, "v": [encode(item, handles, depth + 1) for item in value]}
    if kind is complex:
        return {"$": "complex", "v": [value.real.hex(), value.imag.hex()]}
    return {"$": kind.__name__, "v": value.hex()}


def flatten(value: Any, base: type) -> Any:
    """The plain value inside a subclass, read with the base's own methods."""
    if base in (int, float, complex):
        plain: Any = base
        return plain.__add__(value, plain(0))
    if base is dict:
        return dict(dict.items(value))
    if base is str:
        return str.__str__(value) if type(str.__str__(value)) is str else str.__getitem__(value, slice(None))
    if base in (bytes, bytearray):
        return base(memoryview(value))
    return base(base.__iter__(value))  # type: ignore[attr-defined]


def decode(tagged: Any, handles: Handles, depth: int = 0) -> Any:
    """The value of a message. Raises Refused for anything malformed, so that a bad message is only ever a failure."""
    try:
        return _decode(tagged, handles, depth)
    except Refused:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, ArithmeticError) as error:
        raise Refused(f"malformed value: {error}") from None


def _decode(tagged: Any, handles: Handles, depth: int) -> Any:
    kind = type(tagged)
    if kind is not list and kind is not dict:
        return tagged
    if depth > 2 * MAX_DEPTH:
        raise Refused("the value is nested too deep")
    if kind is list:
        return [_decode(item, handles, depth + 1) for item in tagged]
    tag, value = tagged["$"], tagged.get("v")
    if tag in _CONTAINERS:
        return _CONTAINERS[tag]([_decode(item, handles, depth + 1) for item in value])
    if tag == "dict":
        return {_decode(k, handles, depth + 1): _decode(v, handles, depth + 1) for k, v in value}
    if tag in _PLAIN:
        return _decode_plain(tag, value)
    found = decode_library(tagged, lambda inner: _decode(inner, handles, depth + 1), integer)
    return handles.resolve(tagged, depth) if found is None else found


_CONTAINERS: dict[str, Any] = {"tuple": tuple, "set": set, "frozenset": frozenset}
_PLAIN = ("int", "float", "complex", "bytes", "bytearray")


def _decode_plain(tag: str, value: Any) -> Any:
    if tag == "int":
        return integer(value)
    if tag == "float":
        return float.fromhex(value)
    if tag == "complex":
        return complex(float.fromhex(value[0]), float.fromhex(value[1]))
    return bytes.fromhex(value) if tag == "bytes" else bytearray.fromhex(value)


def integer(digits: str) -> int:
    """A hexadecimal integer of bounded length."""
    if len(digits) > MAX_HEX_DIGITS:
        raise Refused("an integer is too long")
    return int(digits, 16)


class Channel:
    """Messages over one stream: four bytes of length, then JSON."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._buffer = b""
        # Bound now: a program that replaces these names later changes nothing here.
        self._read, self._write = os.read, os.write
        self._dumps, self._loads = json.JSONEncoder(separators=(",", ":")).encode, json.JSONDecoder().decode

    def send(self, message: dict[str, Any]) -> None:
        payload = self._dumps(message).encode()
        data = memoryview(len(payload).to_bytes(4, "big") + payload)
        while data:
            data = data[self._write(self.descriptor, data) :]

    def receive(self) -> dict[str, Any]:
        """The next message. EOFError where the other side is gone, Refused where it is none."""
        size = int.from_bytes(self._take(4), "big")
        if size > MAX_MESSAGE:
            raise Refused("a message is too long")
        try:
            message = self._loads(self._take(size).decode())
        except (ValueError, RecursionError) as error:
            raise Refused(f"a message is not JSON: {type(error).__name__}") from None
        if type(message) is not dict:
            raise Refused("a message is no object")
        return message

    def _take(self, size: int) -> bytes:
        parts = [self._buffer]
        have = len(self._buffer)
        while have < size:
            try:
                part = self._read(self.descriptor, 1 << 18)
            except ConnectionError:
                part = b""
            if not part:
                raise EOFError("the other side is gone")
            parts.append(part)
            have += len(part)
        data = b"".join(parts)
        self._buffer = data[size:]
        return data[:size]
