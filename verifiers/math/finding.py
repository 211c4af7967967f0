"""What is known about one (answer, gold) pair, and the memory of such findings across steps."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from veritune.plugins.types import Cause

Value = TypeVar("Value")

_LONG = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer against one gold: decided, or undecided with its cause."""

    correct: bool | None
    stage: str
    reason: str
    cause: Cause | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


class BoundedCache(Generic[Value]):
    """The last ``bound`` values by text key, from any thread. Long keys are kept as digests."""

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self._lock = threading.Lock()
        self._values: OrderedDict[tuple[str, ...], Value] = OrderedDict()

    def get(self, *key: str) -> Value | None:
        if self.bound <= 0:
            return None
        short = _shortened(key)
        with self._lock:
            value = self._values.get(short)
            if value is not None:
                self._values.move_to_end(short)
            return value

    def put(self, value: Value, *key: str) -> None:
        if self.bound <= 0:
            return
        short = _shortened(key)
        with self._lock:
            self._values[short] = value
            self._values.move_to_end(short)
            while len(self._values) > self.bound:
                self._values.popitem(last=False)

    def __len__(self) -> int:
        return len(self._values)

    def __getstate__(self) -> dict[str, Any]:
        return {"bound": self.bound}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["bound"])  # type: ignore[misc]


def _shortened(key: tuple[str, ...]) -> tuple[str, ...]:
    for part in key:
        if len(part) > _LONG:
            return tuple(part if len(part) <= _LONG else _digest(part) for part in key)
    return key


def _digest(text: str) -> str:
    return "\0" + hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
