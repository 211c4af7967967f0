"""Coroutines of the program, run a little at a time, so that those that the tests run beside them have their turn."""

from __future__ import annotations

import asyncio
from typing import Any

_STEP_S = 0.002
_tasks: dict[int, asyncio.Task[Any]] = {}
_loop: list[asyncio.AbstractEventLoop] = []


def step(awaitable: Any, number: int, cancel: bool) -> list[Any]:
    """Run until the awaitable is done, or a moment has passed: ``[done, value]``. Raises what it raises."""
    if not _loop:
        _loop.append(asyncio.new_event_loop())
        asyncio.set_event_loop(_loop[0])
    loop = _loop[0]
    if number not in _tasks:
        _tasks[number] = loop.create_task(_run(awaitable))
    task = _tasks[number]
    if cancel:
        task.cancel()
    loop.run_until_complete(asyncio.wait({task}, timeout=_STEP_S))
    if not task.done():
        return [False, None]
    if task.cancelled():
        return [True, None]
    return [True, task.result()]


async def _run(awaitable: Any) -> Any:
    return await awaitable
