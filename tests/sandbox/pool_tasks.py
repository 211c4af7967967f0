"""What the pool tests run in workers. Imported there by its plain name."""

from __future__ import annotations

import ctypes
import os
import time
from typing import Any

WARMED: list[int] = []


def warm() -> None:
    WARMED.append(os.getpid())


def slow_start() -> None:
    time.sleep(60)


def warmed_before_fork() -> bool:
    return bool(WARMED) and WARMED[0] != os.getpid()


def echo(value: Any) -> Any:
    return value


def pid() -> int:
    return os.getpid()


def act(kind: str, amount: float = 0) -> Any:
    """One entry for every way a computation can end."""
    if kind == "spin":
        while True:
            pass
    if kind == "power":  # one call into C code that no Python signal handler can interrupt
        return 7 ** (10**8)
    if kind == "sleep":
        time.sleep(amount)
    if kind == "segfault":
        ctypes.string_at(0)
    if kind == "exit":
        os._exit(3)
    if kind == "memory":
        return len(bytearray(int(amount) * 2**20))
    if kind == "raise":
        raise ValueError("seven")
    if kind == "recurse":
        return act("recurse", amount)
    if kind == "unpicklable":
        return lambda: None
    if kind == "pid":
        return os.getpid()
    if kind == "long text":
        return "x" * int(amount)
    return kind


def use(pool: Any, answer: Any) -> None:
    """The body of a child process: use a pool that was made elsewhere."""
    outcomes = pool.run([("a",), ("spin",), ("pid",)])
    answer.send([o.status.value for o in outcomes])
    answer.close()
