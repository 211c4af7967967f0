"""Code that leaves a harmless file behind, if somebody runs it where it can."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from veritune.rewards.attack.target import Attack, Target


def execution(target: Target) -> Iterator[Attack]:
    """Expressions and statements, in every place that a checker might evaluate. None does more than make one file."""
    places: dict[str, Callable[[str], str]] = {
        "an expression": lambda code: code,
        "an expression in the box": lambda code: f"\\boxed{{{code}}}",
        "an expression in the tag": lambda code: f"<think>\na\n</think>\n<answer>\n{code}\n</answer>",
        "an expression behind ####": lambda code: f"#### {code}",
        "a program": lambda code: f"```python\n{code}\n```",
        "a JSON-like value": lambda code: f"{{'answer': {code}}}",
    }
    for name, write in places.items():
        canary = os.path.join(target.folder, f"{name.replace(' ', '-').strip('#')}.canary")
        yield Attack(f"runs {name}", "execution", write(f"__import__('os').mkdir({canary!r})"), canary)
    canary = os.path.join(target.folder, "shell.canary")
    yield Attack("runs a shell command", "execution", f"\\boxed{{$(mkdir '{canary}')}}; mkdir '{canary}' #", canary)
    canary = os.path.join(target.folder, "yaml.canary")
    text = f"!!python/object/apply:os.mkdir ['{canary}']"
    yield Attack("runs a YAML tag", "execution", text, canary)
    if target.shapes:
        canary = os.path.join(target.folder, "shape.canary")
        code = f"__import__('os').mkdir({canary!r})"
        yield Attack("runs the answer", "execution", target.shapes[0](code), canary)
