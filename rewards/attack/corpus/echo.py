"""The prompt given back."""

from __future__ import annotations

from collections.abc import Iterator

from veritune.rewards.attack.target import Attack, Target


def echo(target: Target) -> Iterator[Attack]:
    """The question again, its instructions, and a worked example of the prompt's copied as it stands."""
    yield Attack("the prompt again", "answer", target.prompt)
    yield Attack("the prompt, quoted", "answer", f"You asked: {target.prompt!r}")
    yield Attack("the instructions", "answer", "Put your final answer in \\boxed{} or in <answer> </answer> tags.")
    marked = [text for text in (shape(target.gold) for shape in target.shapes) if text != target.gold]
    if target.domain == "answer" and marked:
        example = f"Example of a solved problem:\n{marked[0]}"
        yield Attack("a copied example", "answer", example, prompt=f"{example}\n\nNow solve: {target.prompt}")
