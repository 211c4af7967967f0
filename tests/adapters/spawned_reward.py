"""Runs in a spawned process: what TRL's asynchronous trainer does with a pickled reward function."""

from __future__ import annotations

import asyncio
import pickle
import threading
from typing import Any


def call_all(pickled: list[bytes], inputs: dict[str, Any]) -> list[tuple[str, Any]]:
    """Unpickle each reward and call it from a thread that is not the main one; (name, result) each."""

    def call(reward: Any) -> list[float | None]:
        assert threading.current_thread() is not threading.main_thread()
        values: list[float | None] = reward(**inputs)
        return values

    async def run() -> list[tuple[str, Any]]:
        rewards = [pickle.loads(each) for each in pickled]
        return [(reward.__name__, await asyncio.to_thread(call, reward)) for reward in rewards]

    return asyncio.run(run())
