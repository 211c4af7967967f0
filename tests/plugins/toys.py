"""Rewards of every form, loaded by path."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from pydantic import PositiveInt

from veritune import Sample, Score, Verdict, reward
from veritune.plugins import Cause


@reward
def short(completion: str, *, limit: PositiveInt = 5, mode: Literal["hard", "soft"] = "hard") -> float:
    """1 if the completion has at most `limit` characters."""
    return float(len(completion) <= limit) if mode == "hard" else min(1.0, limit / max(len(completion), 1))


@reward(batch=True)
def relative(completions: list[str], prompts: list[str], **columns: Any) -> list[float | None]:
    longest = max(map(len, completions))
    return [None if not c else len(c) / longest for c in completions]


@reward
async def waits(completion: str, *, seconds: float = 0.0) -> int:
    await asyncio.sleep(seconds)
    return len(completion)


@reward
class Keyword:
    """1 where the word occurs."""

    made = 0

    def __init__(self, *, word: str) -> None:
        type(self).made += 1
        self.word = word

    def __call__(self, completion: str) -> bool:
        return self.word in completion


@reward
def equal(completion: str, gold: str) -> bool:
    return completion == gold


@reward
def near(completion: str, hint: str, bonus: float = 0.5) -> float:
    return float(hint in completion) + bonus


@reward
def everything(sample: Sample, **columns: Any) -> float:
    assert dict(sample.columns) == columns
    return float(len(columns))


@reward
def verdict(completion: str) -> Verdict | Score | None:
    return {
        "right": Verdict.right("fine"),
        "late": Verdict.undecided(Cause.TIMEOUT, "starved"),
        "none": None,
        "skip": Score.none("no opinion"),
    }.get(completion, Verdict.wrong("bad"))


@reward
def broken(completion: str) -> Any:
    if completion == "nan":
        return float("nan")
    if completion == "text":
        return "one"
    raise KeyError("lost")


@reward
def injected(completion: str, *, log_metric: Any = None, trainer_state: Any = None) -> float:
    if log_metric is not None:
        log_metric("seen", 1.0)
    return float(trainer_state is not None)


def plain(completion: str) -> float:
    return 0.25


async def plain_async(completions: list[str]) -> list[float]:
    return [0.5 for _ in completions]
