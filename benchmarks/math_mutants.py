"""A search for wrong answers that are called right: real golds with one sign of them changed.

    python benchmarks/math_mutants.py [GOLDS.jsonl …] [--golds 1500] [--each 6] [--seed 5]

Each gold (column ``answer`` or ``gold``) is compared with copies of it in which one digit, one letter (of no command
and no ``\\text``), one command, sign or bracket is another. Hardly any of these is right: what is accepted is printed,
to be looked at. Misspelt words, and a bracket of another kind around the same, are accepted on purpose.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from veritune.verifiers.math.cascade import decide
from veritune.verifiers.math.decision import Outcome

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "math"
LONGEST = 80
SMALL, CAPITALS = "abcdfghmnpqrstuvwxyz", "BDFGHLMNPQRSTUVWXYZ"
COMMANDS = {
    r"\sin": r"\cos", r"\cos": r"\sin", r"\tan": r"\cot", r"\le": r"\ge", r"\leq": r"\geq", r"\ge": r"\le",
    r"\cup": r"\cap", r"\cap": r"\cup", r"\pi": r"\phi", r"\infty": "0", r"\sqrt": "", r"\in": r"\notin",
    r"\ln": r"\log_2", r"\pm": "+", r"\times": "+", r"\alpha": r"\beta", r"\theta": r"\phi",
}  # fmt: skip
SIGNS = {"[": "(", "(": "[", "]": ")", ")": "]", "+": "-", "-": "+", "<": ">", ">": "<"}
_COMMAND = re.compile(r"\\[A-Za-z]+|\\.")
_TEXT = re.compile(r"\\(?:text|mathrm|mbox|textbf)\{[^}]*\}|\\(?:begin|end)\{[a-z]*\}")


def mutants(gold: str, rng: random.Random) -> Iterator[tuple[str, str]]:
    """What was changed, and the gold with it changed."""
    closed = [m.span() for pattern in (_COMMAND, _TEXT) for m in pattern.finditer(gold)]
    for at, sign in enumerate(gold):
        before, behind = gold[:at], gold[at + 1 :]
        inside = any(a <= at < b for a, b in closed)
        if sign.isascii() and sign.isdecimal():
            yield "digit", before + str((int(sign) + rng.randint(1, 8)) % 10) + behind
        elif sign.isascii() and sign.isalpha() and not inside:
            pool = SMALL if sign.islower() else CAPITALS
            yield "letter", before + rng.choice([letter for letter in pool if letter != sign]) + behind
        elif sign in SIGNS and not inside:
            yield "bracket" if sign in "[]()" else "sign", before + SIGNS[sign] + behind
    for found in _COMMAND.finditer(gold):
        if found[0] in COMMANDS:
            yield "command", gold[: found.start()] + COMMANDS[found[0]] + gold[found.end() :]


def golds(paths: list[Path]) -> list[str]:
    """The different golds that hold more than a number."""
    found = set()
    for path in paths:
        for line in path.read_text(encoding="utf-8").split("\n"):
            if not line:
                continue
            row = json.loads(line)
            gold = str(row.get("answer") or row.get("gold") or "")
            if len(gold) < LONGEST and re.search(r"[A-Za-z\\]", gold):
                found.add(gold)
    return sorted(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--golds", type=int, default=1500)
    parser.add_argument("--each", type=int, default=6)
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    found = golds(arguments.files or sorted(DATA.glob("*.jsonl")))
    rng.shuffle(found)
    tried: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    lines = []
    for gold in found[: arguments.golds]:
        changed = list(mutants(gold, rng))
        rng.shuffle(changed)
        for kind, mutant in changed[: arguments.each]:
            tried[kind] += 1
            decision = decide(mutant, gold)
            if decision.outcome is Outcome.RIGHT:
                accepted[kind] += 1
                if kind != "bracket":
                    lines.append(f"{kind}   |   {gold}   |   {mutant}   |   {decision.reason}")
    for kind, count in sorted(tried.items()):
        print(f"{kind:<8} {count:>6} tried {accepted[kind]:>5} accepted")
    print("\naccepted, brackets aside:")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
