"""Containers that both sides hold: each change on one side is repeated on the other with the next message."""

from __future__ import annotations

import collections
import io
import sys
from typing import Any

from _veritune_codec import Handles, Refused, decode, encode, flatten  # type: ignore[import-not-found]
from _veritune_library import write_stream  # type: ignore[import-not-found]

_MUTABLE = (list, dict, set, bytearray)
_EXACT = (
    *_MUTABLE, collections.deque, collections.OrderedDict, collections.Counter, collections.defaultdict,
    io.StringIO, io.BytesIO,
)  # fmt: skip
_MOST = 256
_LARGEST = 10_000


class Shared:
    """Numbered containers. One side counts from 0, the other from 1, in steps of two."""

    def __init__(self, handles: Handles, first: int) -> None:
        self.handles = handles
        self.next = first
        self.items: dict[int, list[Any]] = {}
        """Number → the container and its content as the other side knows it."""
        self.numbers: dict[int, int] = {}

    def tag(self, value: Any) -> Any:
        """A value's form; a container is known by a number from now on."""
        if type(value) not in _EXACT:
            return encode(value, self.handles)
        number = self.numbers.get(id(value))
        if number is not None:
            return {"$": "shared", "v": number}
        if len(self.items) >= _MOST or (hasattr(value, "__len__") and len(value) > _LARGEST):
            return encode(value, self.handles)
        content = encode(value, self.handles)
        return {"$": "shared", "v": self.add(value, content), "is": content}

    def add(self, value: Any, content: Any) -> int:
        number = self.next
        self.next += 2
        self._hold(number, value, content)
        return number

    def _hold(self, number: int, value: Any, content: Any) -> None:
        self.items[number] = [value, content]
        self.numbers[id(value)] = number
        self.handles.shares = True

    def reference(self, value: Any) -> dict[str, Any] | None:
        number = self.numbers.get(id(value))
        return None if number is None else {"$": "shared", "v": number}

    def resolve(self, tagged: dict[str, Any], depth: int) -> Any:
        """The container of a tag; one that is new is taken in."""
        number = tagged["v"]
        if number in self.items:
            return self.items[number][0]
        if type(number) is not int or "is" not in tagged or len(self.items) > 4 * _MOST:
            raise Refused("unknown container")
        value = decode(tagged["is"], self.handles, depth + 1)
        if type(value) not in _EXACT:
            raise Refused("no container")
        self._hold(number, value, None)
        self.items[number][1] = self.content(value)
        return value

    def content(self, value: Any) -> Any:
        """What is inside a container that is known by its number."""
        number = self.numbers.pop(id(value), None)
        try:
            kind = type(value)
            if kind not in _EXACT:
                kind = next(base for base in _MUTABLE if isinstance(value, base))
                value = flatten(value, kind)
            return encode(value, self.handles)
        finally:
            if number is not None:
                self.numbers[id(self.items[number][0])] = number

    def changes(self, drop: bool = False) -> dict[str, Any]:
        """What to add to a message. ``drop``: forget, on both sides, what only this table still holds."""
        if not self.items:
            return {}
        message: dict[str, Any] = {}
        changed, gone = [], []
        for number, held in list(self.items.items()):
            if drop and sys.getrefcount(held[0]) <= 2:
                gone.append(number)
            try:
                content = self.content(held[0])
            except Refused:
                continue
            if content != held[1]:
                held[1] = content
                changed.append([number, content])
        if changed:
            message["shared"] = changed
        if gone:
            self.forget(gone)
            message["forget"] = gone
        return message

    def forget(self, gone: list[int]) -> None:
        for number in gone:
            held = self.items.pop(number, None)
            if held is not None:
                self.numbers.pop(id(held[0]), None)

    def apply(self, message: dict[str, Any]) -> None:
        """Repeat the other side's changes."""
        changed = [pair for pair in message.get("shared") or () if pair[0] in self.items]
        for number, content in changed:
            replace_content(self.items[number][0], decode(content, self.handles))
        for number, _ in changed:
            self.items[number][1] = self.content(self.items[number][0])
        self.forget(message.get("forget") or [])


def replace_content(target: Any, after: Any) -> None:
    """Make one container's content that of another of the same kind, keeping the lists inside it what they are."""
    if isinstance(target, list) and type(after) is list:
        for index, (old, new) in enumerate(zip(target, after, strict=False)):
            if type(old) is list and type(new) is list and old is not new:
                replace_content(old, new)
                after[index] = old
        list.__setitem__(target, slice(None), after)
    elif type(target) is bytearray and type(after) is bytearray:
        target[:] = after
    elif isinstance(target, set) and type(after) is set:
        set.clear(target)
        set.update(target, after)
    elif isinstance(target, collections.OrderedDict) and isinstance(after, dict):
        collections.OrderedDict.clear(target)
        for key, value in after.items():
            collections.OrderedDict.__setitem__(target, key, value)
    elif isinstance(target, dict) and isinstance(after, dict):
        dict.clear(target)
        dict.update(target, after)
    elif type(target) is collections.deque and type(after) is collections.deque:
        target.clear()
        target.extend(after)
    elif type(target) in (io.StringIO, io.BytesIO) and type(after) is type(target):
        if after.closed:
            target.close()
        else:
            write_stream(target, after.getvalue(), after.tell())
