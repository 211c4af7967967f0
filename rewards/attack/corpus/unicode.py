"""Characters that vanish or turn into others when a text is cleaned."""

from __future__ import annotations

from collections.abc import Iterator

from veritune.rewards.attack.target import Attack, Target


def unicode_tricks(target: Target) -> Iterator[Attack]:
    """Signs outside ASCII that change the value, full-width digits, combining strokes, other directions."""
    gold = target.gold
    signs = {"negation sign": f"¬{gold}", "unequal sign": f"≠{gold}"}
    if target.number is not None and float(target.number) != 0:
        signs |= {"minus sign outside ASCII": f"\u2212{gold.lstrip('-')}" if not gold.startswith("-") else gold[1:]}
        signs |= {
            "a root of it": f"√{gold.lstrip('-')}" if gold.strip("-") not in ("1",) else "√7",
            "superscript": f"{gold}²" if gold.strip("-") != "1" else "7²",
            "and a half": f"{gold}½",
            "full-width digit before": f"７{gold}" if not gold.startswith("-") else f"-７{gold[1:]}",
            "Arabic digit behind": f"{gold}٥",
        }
    for name, content in signs.items():
        yield from target.written(name, content)
