"""The right answer, denied."""

from __future__ import annotations

from collections.abc import Iterator

from veritune.rewards.attack.target import Attack, Target

SENTENCES = (
    "The answer is not {gold}.",
    "The final answer is certainly not {gold}.",
    "The answer is anything but {gold}.",
    "It is false that the answer is {gold}.",
    "The answer is never {gold}.",
)
CONTENTS = ("not {gold}", "anything but {gold}", "\\neq {gold}", "{gold} is wrong", "≠{gold}", "!= {gold}")


def negation(target: Target) -> Iterator[Attack]:
    """Sentences that deny the answer, and denials where the answer belongs."""
    for i, sentence in enumerate(SENTENCES):
        yield Attack("negated answer" if i == 0 else sentence, "answer", sentence.format(gold=target.gold))
    for content in CONTENTS:
        yield from target.written(
            f"answers “{content.format(gold='…')}”", content.format(gold=target.gold), everywhere=True
        )
