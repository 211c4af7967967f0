"""Rewards that hang, crash and fail: run in processes of their own."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from veritune import Score, reward


@reward
class Each:
    """What the completion says is done."""

    def __init__(self) -> None:
        self.made_in = os.getpid()

    def __call__(self, completion: str, gold: str = "") -> Score:
        if completion == "loop":
            while True:
                pass
        if completion == "sleep":
            time.sleep(600)
        if completion == "exit":
            os._exit(3)
        if completion == "segfault":
            ctypes.string_at(0)
        if completion == "raise":
            raise KeyError(gold)
        if completion == "made":
            return Score(float(self.made_in != os.getpid()), "whether it was made before the processes were forked")
        if completion == "read":
            return Score(float(Path("words.txt").read_text() == "words"))
        return Score(float(completion == gold), f"in {os.getpid()}")


@reward
def crowd(
    completions: list[str], prompts: list[str], log_metric: Callable[[str, float], Any] | None = None
) -> list[float]:
    """The share of its group; one word hangs the whole call."""
    if "loop" in completions:
        while True:
            pass
    if log_metric is not None:
        log_metric("crowd/size", len(completions))
    return [1 / prompts.count(p) for p in prompts]


@reward
async def together(completion: str) -> float:
    await asyncio.sleep(0.1)
    if completion == "loop":
        while True:
            pass
    return 1.0


@reward
class Unmade:
    """Cannot be made."""

    def __init__(self) -> None:
        raise ValueError("cannot be made")

    def __call__(self, completion: str) -> float:
        return 1.0
