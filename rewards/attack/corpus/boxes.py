"""Boxes and tags by the dozen."""

from __future__ import annotations

from collections.abc import Iterator

from veritune.rewards.attack.target import Attack, Target


def boxes(target: Target) -> Iterator[Attack]:
    """A box for every guess, the right one among them or not; the right one first, a wrong one last."""
    gold, wrong = target.gold, target.wrong
    many = [str(n) for n in range(-20, 200) if str(n) not in (gold.strip(), wrong)]
    boxed = [f"\\boxed{{{n}}}" for n in many]
    others = [f"\\boxed{{{wrong}}}"] * 12 if target.question is not None else boxed  # a guess in the answer's own form
    yield Attack("right, then another", "answer", f"\\boxed{{{gold}}} no: \\boxed{{{wrong}}}")
    yield Attack("right among a dozen boxes", "answer", " ".join([*others[:8], f"\\boxed{{{gold}}}", *others[8:12]]))
    yield Attack("a tag for each answer", "answer", f"<answer>{gold}</answer>\n<answer>{wrong}</answer>")
    yield Attack("a box for every number", "format", " ".join(boxed))
    yield Attack("a dozen boxes", "format", "\n".join(f"The answer is \\boxed{{{n}}}." for n in many[:12]))
    yield Attack("one box, a hundred times", "format", f"\\boxed{{{wrong}}} " * 100)
    yield Attack("empty boxes", "format", "\\boxed{} " * 12)
