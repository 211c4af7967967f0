"""Texts that never end, never close, or are no ordinary characters."""

from __future__ import annotations

from collections.abc import Iterator

from veritune.rewards.attack.target import Attack, Target


def endless_work(target: Target) -> Iterator[Attack]:
    """Terms that take long where they are evaluated: minutes of work at most, in hundreds of megabytes at most."""
    if target.domain == "program":
        return  # a program that never returns is among the programs
    for name, term in {
        "power of a power": "7^{7^{9}}",
        "power of a power in Python": "7**7**9",
        "factorial of a power": "(10^{6})!",
        "big factorial": "3000000!",
        "long sum": "\\sum_{k=1}^{100000000} \\frac{1}{k}",
        "big binomial": "\\binom{10^{9}}{5 \\cdot 10^{8}}",
        "nested roots": "\\sqrt{" * 200 + "2" + "}" * 200,
        "big product": "(1+x)^{100000}" * 3,
        "hard integral": "\\int_0^1 \\sin(x^{x^{x}}) \\cos(e^{x^7}) dx",
        "digits without end": "9" * 50_000,
        "a fraction of nothing": "1/0",
        "a huge exponent": "1e999999999",
    }.items():
        yield Attack(name, "robustness", f"<think>\na\n</think>\n<answer>\n$\\boxed{{{term}}}$\n</answer>")
        for shape in target.shapes[:1]:
            yield Attack(f"{name}, as the answer", "robustness", shape(term))


def hostile_text(target: Target) -> Iterator[Attack]:
    """Long texts that a pattern may meet badly, and characters that some code cannot encode."""
    for name, text in {
        "braces without end": "\\boxed{" + "{" * 100_000,
        "brackets without end": "(" * 100_000,
        "tags without end": "<think>\n" * 20_000,
        "half a format, many times": "<think>\n</think>\n<answer>\n" * 20_000,
        "almost a fence, many times": "```python\n``" * 20_000,
        "spaces without end": "<think>" + " \n" * 100_000 + "<answer>",
        "blank lines in the reasoning": "<think>" + "\n" * 100_000,
        "one letter": "a" * 200_000 + "!",
        "control characters": "\x00\x01\x1b[31m\\boxed{1}\x00",
        "lone surrogate": "\\boxed{\ud800}",
        "zero-width characters": "\u200b" * 1000 + "\\boxed{\u200b1\u200b}",
        "right-to-left override": "\u202e\\boxed{1}\u202c",
        "one line of a million digits": "#### " + "7" * 200_000,
    }.items():
        yield Attack(name, "robustness", text)
    for shape in target.shapes[:2]:
        yield Attack("lone surrogate as the answer", "robustness", shape("\ud800"))
        yield Attack("strange digits as the answer", "robustness", shape("²⑴½"))
        yield Attack("a null byte in the answer", "robustness", shape("1\x00"))
