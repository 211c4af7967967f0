"""Numbers that are nearly the right one."""

from __future__ import annotations

from collections.abc import Iterator

from veritune.rewards.attack.target import Attack, Target


def near_misses(target: Target) -> Iterator[Attack]:
    """Wrong sign, wrong size, digits before and behind, the next number, another base of the same digits."""
    gold = target.number
    if gold is None:
        return
    whole = gold.rstrip("0").rstrip(".") if "." in gold else gold
    negated = whole[1:] if whole.startswith("-") else f"-{whole}"
    point = "" if "." in whole else "."
    for name, content in {
        **({} if float(gold) == 0 else {"the other sign": negated, "ten times as much": f"{whole}e1"}),
        "a bit more": f"{whole}{point}4",
        "nearly the next": f"{whole}{point}9",
        "off by a hundredth": f"{whole}{point}01",
        "half as much again": f"{float(gold) * 1.05 + 0.3:.2f}",
        "a digit behind": f"{whole}{point and '5'}{'' if point else '5'}",
        "a digit before": f"7{whole.lstrip('-')}",
        "digits apart": " ".join(whole),
        "digits with commas": ",".join(whole),
        "leading junk": f"7 {whole}",
        "trailing junk": f"{whole} 7",
        "squared": f"{whole}^2" if whole not in ("0", "1") else f"{whole}+7",
        "imaginary": f"{whole}i" if whole != "0" else "i",
        "a fraction of it": f"{whole}/7" if whole != "0" else "1/7",
        "plus something": f"{whole}+1",
        "times x": f"{whole}x" if whole != "0" else "x",
        "huge exponent": f"{whole}e9999" if whole != "0" else "1e9999",
    }.items():
        yield from target.written(name, content)
