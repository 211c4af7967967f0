"""What a language that is no candidate earns for those that are, on MGSM's languages in Latin letters.

    python benchmarks/language_outside.py mgsm.jsonl

Each language is taken from the candidates in turn, and its 130 problems are scored for each of the others; then all are
candidates, and each is scored for itself. ``mgsm.jsonl`` has ``lang`` and ``problem``.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections import defaultdict
from datetime import date
from importlib.metadata import version
from pathlib import Path

from veritune import get_reward

LATIN = ("de", "en", "es", "fr", "sw")
OWN = (*LATIN, "ru", "bn")


def mean(texts: list[str], target: str, languages: list[str]) -> tuple[float, float]:
    """The mean share, None counted 0, and how many of the texts earn more than a tenth."""
    reward = get_reward("language", target=target, languages=languages)
    values = [reward.score(text).value or 0.0 for text in texts]
    return sum(values) / len(values), sum(value > 0.1 for value in values) / len(values)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    texts: dict[str, list[str]] = defaultdict(list)
    for line in parser.parse_args().rows.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        texts[row["lang"]].append(row["problem"])
    print("python benchmarks/language_outside.py mgsm.jsonl")
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"{date.today():%d %B %Y}; {platform.system()} {platform.machine()}, {python}", end="")
    print(f", langdetect {version('langdetect')}; {sum(map(len, texts.values()))} problems")
    print("mean share (and how many of the texts earn more than a tenth) of a language that is no candidate")
    print("text in   " + "".join(f"target {target:7s}" for target in LATIN))
    for code in LATIN:
        left = [other for other in LATIN if other != code]
        found = {target: mean(texts[code], target, left) for target in left}
        cells = ("" if target == code else "{:.3f} ({:.0%})".format(*found[target]) for target in LATIN)
        print(f"{code:10s}" + "".join(f"{cell:14s}" for cell in cells))
    print("mean share of a candidate for itself, seven of which are candidates")
    print(", ".join(f"{code} {mean(texts[code], code, list(OWN))[0]:.4f}" for code in OWN))


if __name__ == "__main__":
    main()
