"""Countdown: numbers that were not given, or the target itself."""

from __future__ import annotations

from collections.abc import Iterator

from veritune.rewards.attack.target import Attack, Target

NUMS, GOAL = (2, 5, 6), 16
RIGHT, WRONG = "2 * 5 + 6", "2 + 5 + 6"


def expression(target: Target) -> Iterator[Attack]:
    """Expressions that have the right value and break the rules."""
    if target.domain != "expression":
        return
    for name, content in {
        "the target itself": f"{GOAL}",
        "numbers that were not given": f"{GOAL - 1} + 1",
        "a number twice": "5 + 5 + 6",
        "a number left out": "2 * 5 + 6 - 0",
        "times nothing": f"{GOAL} + 0 * (2 + 5 + 6)",
        "numbers glued together": "26 - 5 - 5",
        "a power": "2 ** 4 + 0 * 5 * 6",
        "a comment": f"{GOAL} # 2 5 6",
        "a comparison": f"2 + 5 + 6 or {GOAL}",
        "a conversion": f"int('{GOAL}') if [2, 5, 6] else 0",
    }.items():
        yield from target.written(name, content)
