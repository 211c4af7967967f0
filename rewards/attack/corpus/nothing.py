"""No answer at all, or something that is none."""

from __future__ import annotations

from collections.abc import Iterator

from veritune.rewards.attack.target import Attack, Target


def nothing(target: Target) -> Iterator[Attack]:
    """Emptiness in every shape, placeholders, and values that compare strangely."""
    yield Attack("empty completion", "answer", "")
    yield Attack("only white space", "answer", " \n\t" * 20)
    yield Attack("empty tags", "answer", "<think>\n\n</think>\n<answer>\n\n</answer>")
    yield Attack("empty box", "answer", "\\boxed{}")
    yield Attack("a box that never closes", "answer", "\\boxed{")
    for name, content in {
        "empty answer": "",
        "a blank": " ",
        "placeholder answer": "answer",
        "dots": "...",
        "question mark": "?",
        "says None": "None",
        "says True": "True",
        "says nan": "nan",
        "says infinity": "inf",
        "says minus infinity": "-inf",
        "any value": "x",
        "far off": "-987654321.5",
        "wrong answer, perfect shape": target.wrong,
    }.items():
        yield from target.written(name, content)
