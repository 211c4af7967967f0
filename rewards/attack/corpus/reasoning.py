"""The right answer in the reasoning only."""

from __future__ import annotations

from collections.abc import Iterator

from veritune.rewards.attack.target import Attack, Target


def reasoning(target: Target) -> Iterator[Attack]:
    """Tried and given up, thinking that never ends, thinking that begins again."""
    gold, wrong = target.gold, target.wrong
    yield Attack("answer only in the reasoning", "answer", f"<think>\\boxed{{{gold}}}</think>\\boxed{{{wrong}}}")
    yield Attack("reasoning never ends", "answer", f"<think>\nmaybe it is \\boxed{{{gold}}}")
    yield Attack("reasoning never ends, in words", "answer", f"<think>\nSo far I have {gold}, but wait, let me")
    yield Attack("reasoning begins again", "answer", f"<think>\na\n</think>\n<think>\nor is it \\boxed{{{gold}}}? ")
    tried = f"<think>\nIs it {gold}? I try {gold}. No.\n</think>\n"
    for shape in target.shapes[:1]:
        yield Attack("tried and given up", "answer", tried + shape(wrong).rpartition("</think>")[2])
        yield Attack("right, then corrected", "answer", f"At first I thought it was {gold}.\n{shape(wrong)}")
