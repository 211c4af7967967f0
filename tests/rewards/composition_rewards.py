"""Small rewards that the composition's tests compose. Each does one thing a real one may do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from veritune.plugins import Cause, Sample, Score, reward

calls: list[tuple[str, list[str]]] = []
"""(reward, completions it was called with), in order; for tests that ask what was evaluated."""


@reward
def right(completion: str, gold: str) -> float:
    """1 where the completion is the gold."""
    calls.append(("right", [completion]))
    return float(completion == gold)


@reward
def size(completion: str, *, per: float = 1.0) -> float:
    """Length in characters, divided by `per`."""
    return len(completion) / per


@reward
def number(completion: str) -> float | None:
    """The completion read as a number; None where it is none."""
    try:
        return float(completion)
    except ValueError:
        return None


@reward
def stuck(completion: str, *, cause: Cause = Cause.TIMEOUT) -> Score:
    """Undecided where the completion says `stuck`, else 1."""
    return Score.none("the checker starved", cause) if "stuck" in completion else Score(1.0, "checked")


@reward(batch=True)
def share(completions: list[str], prompts: list[str]) -> list[float]:
    """Length over the longest of the same call: only right when it sees whole groups."""
    calls.append(("share", list(completions)))
    longest: dict[str, int] = {}
    for prompt, completion in zip(prompts, completions, strict=True):
        longest[prompt] = max(longest.get(prompt, 0), len(completion))
    return [len(c) / longest[p] for p, c in zip(prompts, completions, strict=True)]


@reward(batch=True)
def judge(completions: list[str]) -> list[float]:
    """0.5 for everything: an expensive opinion."""
    calls.append(("judge", list(completions)))
    return [0.5] * len(completions)


@reward
def buggy(completion: str) -> float:
    """Fails on `boom`."""
    if completion == "boom":
        raise ZeroDivisionError("nobody expected this")
    return 1.0


def plain(completion: str) -> float:
    """An undecorated function."""
    return float(len(completion) > 2)


class Strict:
    """A reward as a class; its parameters are those of ``__init__``."""

    def __init__(self, *, penalty: float = -1.0) -> None:
        self.penalty = penalty

    def __call__(self, completion: str) -> float:
        return 0.0 if completion.strip() else self.penalty


def samples(*completions: str, prompt: str | Sequence[str] = "p", **columns: Any) -> list[Sample]:
    """One sample a completion; list columns are spread."""
    return [
        Sample(
            text,
            prompt if isinstance(prompt, str) else prompt[i],
            None,
            {k: v[i] if isinstance(v, list) else v for k, v in columns.items()},
        )
        for i, text in enumerate(completions)
    ]


def use(name: str) -> str:
    """The path of a reward of this module."""
    return f"{__name__}:{name}"
