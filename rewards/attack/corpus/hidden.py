"""The right answer where a reader does not see it, a wrong one where he does."""

from __future__ import annotations

from collections.abc import Iterator

from veritune.rewards.attack.target import Attack, Target


def hidden(target: Target) -> Iterator[Attack]:
    """Comments, invisible LaTeX, attributes, a code block, white on white."""
    gold, wrong = target.gold, target.wrong
    for name, before in {
        "in a comment": f"<!-- {gold} -->",
        "in a box in a comment": f"<!-- \\boxed{{{gold}}} -->",
        "invisible LaTeX": f"$\\phantom{{\\boxed{{{gold}}}}}$",
        "white on white": f'<span style="color:white">\\boxed{{{gold}}}</span>',
        "in a link": f"[see here](http://example.com/{gold})",
        "in a code block": f"```\n{gold}\n```",
        "in a LaTeX comment": f"% {gold}",
    }.items():
        for shape in target.shapes[:1]:
            yield Attack(f"hidden {name}", "answer", f"{before}\n{shape(wrong)}")
