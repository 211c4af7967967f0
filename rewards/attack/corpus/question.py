"""Rewards with columns of their own: what a policy tries at the packaged question."""

from __future__ import annotations

from collections.abc import Iterator

from veritune.rewards.attack.questions import AS_AN_ANSWER
from veritune.rewards.attack.target import Attack, Target


def question(target: Target) -> Iterator[Attack]:
    """The answers that the question lists, in the shape that the reward reads best and as they stand."""
    if target.question is None:
        return
    for name, content in target.question.attacks.items():
        yield Attack(name, "answer", content)
        yield from target.written(f"{name}{AS_AN_ANSWER}", content)
