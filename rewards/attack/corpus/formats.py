"""The marks of a format without what belongs between them."""

from __future__ import annotations

from collections.abc import Iterator

from veritune.rewards.attack.target import Attack, Target

BLOCK = "<think>\na\n</think>\n<answer>\nsome answer\n</answer>"


def formats(target: Target) -> Iterator[Attack]:
    """Tags alone, tags by the dozen, blocks twice, out of order, nested, with text around them."""
    yield Attack("tags only", "format", "<think></think><answer></answer>")
    yield Attack("tags on lines of their own", "format", "<think>\n\n</think>\n<answer>\n\n</answer>")
    unseen = "<think>\n\u200b\n</think>\n<answer>\n\u200b\n</answer>"
    yield Attack("blocks of what nobody sees", "format", unseen)
    bars = "<think>\n|  |  |\n</think>\n<answer>\n|  |  |\n</answer>"
    yield Attack("blocks of a table without cells", "format", bars)
    yield Attack("a box of a colour", "format", "\\boxed{\\color{white}}")
    yield Attack("a box of what nobody sees", "format", "\\boxed{\u200b}")
    yield Attack("a box of a space", "format", "\\boxed{\\,}")
    yield Attack("opening tags repeated", "format", "<think>" * 50 + "<answer>" * 50)
    yield Attack("all tags repeated", "format", BLOCK * 30)
    yield Attack("two blocks", "format", f"{BLOCK}\n{BLOCK}")
    yield Attack("two thoughts, one answer", "format", f"<think>\na\n</think>\n{BLOCK}")
    yield Attack("closed before opened", "format", "</think>a<think></answer>b<answer>")
    yield Attack("nested reasoning", "format", f"<think>\n{BLOCK.replace('</think>', '</think>' * 2)}")
    yield Attack("junk behind the answer", "format", f"{BLOCK}\nand much more text behind it", junk="behind")
    yield Attack("junk before the reasoning", "format", f"text before\n{BLOCK}", junk="before")
