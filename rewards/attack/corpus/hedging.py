"""The right answer beside a wrong one."""

from __future__ import annotations

from collections.abc import Iterator

from veritune.rewards.attack.target import Attack, Target


def hedging(target: Target) -> Iterator[Attack]:
    """Alternatives, intervals and equations of two answers."""
    gold, wrong = target.gold, target.wrong
    yield Attack("one or the other", "answer", f"The answer is {gold} or {wrong}.")
    yield Attack("either way", "answer", f"It could be {gold}, but it could also be {wrong}.")
    for name, content in {
        "hedged": f"{gold} or {wrong}",
        "hedged the other way": f"{wrong} or {gold}",
        "perhaps": f"{gold}, or maybe {wrong}",
        "with a slash": f"{gold} / {wrong}" if target.number is None else f"{gold}; {wrong}",
        "equation of both": f"{wrong} = {gold}",
        "between": f"between {gold} and {wrong}",
    }.items():
        yield from target.written(name, content, everywhere=True)
    if target.number is not None:
        yield from target.written("at least", f"\\geq {gold}")
        yield from target.written("an interval around it", f"({gold}-100, {gold}+100)")
