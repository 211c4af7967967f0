"""Many answers, one of them right."""

from __future__ import annotations

from collections.abc import Iterator

from veritune.rewards.attack.target import Attack, Target


def guesses(target: Target) -> Iterator[Attack]:
    """Lists and sets of guesses, the right one first, inside and last, as one answer."""
    gold, wrong = target.gold, target.wrong
    others = [str(n) for n in range(1, 40) if str(n) not in (gold.strip(), wrong)]
    if gold.strip().isalpha():
        others = [c for c in "ABCDEFGH" if c not in (gold.strip().upper(), wrong.upper())]
    for name, content in {
        "a list, the answer first": ", ".join([gold, wrong, *others[:20]]),
        "a list, the answer inside": ", ".join([wrong, *others[:10], gold, *others[10:20]]),
        "a list, the answer last": ", ".join([wrong, *others[:20], gold]),
        "words around the answer": f"{wrong} {others[0]} {gold} {others[1]} {others[2]}",
        "a set of guesses": "\\{" + ", ".join([gold, wrong, *others[:5]]) + "\\}",
        "two lines": f"{wrong}\n{gold}\n{others[0]}",
    }.items():
        yield from target.written(name, content)
    listed = "\n".join(f"- {guess}" for guess in [wrong, *others[:5], gold, *others[5:15]])
    yield Attack("a bullet for every guess", "answer", f"Possible answers:\n{listed}\nAny of these may be right.")
