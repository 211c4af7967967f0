"""Countdown (TinyZero's task): reach a target from given numbers, each used once, with + - * /."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from random import Random
from typing import Any

PROMPT = (
    "Using the numbers {nums}, write an expression that equals {target}. You may use +, -, *, / and parentheses, and "
    "must use every number exactly once. Think inside <think> </think>, then give only the expression inside "
    "<answer> </answer>, for example <answer>(1 + 2) / 3</answer>."
)


class Countdown:
    """``count`` numbers from 1 to ``high`` and a target that some expression of them reaches exactly."""

    def __init__(self, count: int = 4, high: int = 99, max_target: int = 100, prompt: str = PROMPT) -> None:
        if not (2 <= count <= 6 and high >= 1 and max_target >= 1):
            raise ValueError("needs 2 <= count <= 6, high >= 1 and max_target >= 1")
        self.count, self.high, self.max_target, self.prompt = count, high, max_target, prompt

    def row(self, random: Random) -> dict[str, Any]:
        while True:
            nums = [random.randint(1, self.high) for _ in range(self.count)]
            solution, value = _random_expression(nums, random)
            if value.denominator == 1 and 1 <= value <= self.max_target:
                target = int(value)
                prompt = self.prompt.format(nums=nums, target=target)
                return {"prompt": prompt, "nums": nums, "target": target, "expression": solution}

    def demonstration(self, row: Mapping[str, Any], random: Random, **habit: Any) -> str:
        if habit:
            raise ValueError(f"unknown habit {next(iter(habit))!r}; countdown has none")
        steps = f"{row['expression']} = {row['target']}"
        return f"<think>{steps}</think>\n<answer>{row['expression']}</answer>"

    def vocabulary(self) -> list[str]:
        text = self.prompt + "0123456789+-*/()=[], \n<>thinkanswer/"
        return ["<think>", "</think>", "<answer>", "</answer>", *dict.fromkeys(text)]


def _random_expression(nums: list[int], random: Random) -> tuple[str, Fraction]:
    """Join two random parts by a random operation until one is left."""
    parts = [(str(n), Fraction(n)) for n in nums]
    while len(parts) > 1:
        (left, a), (right, b) = (parts.pop(random.randrange(len(parts))) for _ in range(2))
        sign = random.choice("+-*/" if b else "+-*")
        value = {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else a}[sign]
        parts.append((f"({left} {sign} {right})", value))
    text, value = parts[0]
    return text[1:-1], value
