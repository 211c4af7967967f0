"""Faults planted in real rows: how many does ``veritune audit`` find, and how many rows does it blame without one?

    python benchmarks/audit_planted.py ROWS.jsonl [--rows 2000] [--each 20] [--seed 0]

ROWS.jsonl: ``problem``, ``solution`` (worked, ending in ``#### answer`` or a box), ``answer``. Two thousand of
them are taken, and in each of ten kinds twenty rows are spoiled. Results: benchmarks/results/audit_planted.txt.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from veritune.config import rewards_from_options, with_columns
from veritune.lab.audit import AuditRow, audit
from veritune.lab.audit.rows import choose_layout

Row = dict[str, Any]


def spoil_gold_missing(row: Row, rng: random.Random, other: Row) -> None:
    row["answer"] = rng.choice([None, "", " "])


def spoil_gold_of_another(row: Row, rng: random.Random, other: Row) -> None:
    row["answer"] = other["answer"]


def spoil_gold_is_solution(row: Row, rng: random.Random, other: Row) -> None:
    row["answer"] = row["solution"]


def spoil_gold_cut(row: Row, rng: random.Random, other: Row) -> None:
    row["answer"] = rng.choice(["\\frac{1}{", "\\boxed{", "\\sqrt{", "$", "{"])


def spoil_prompt_tells(row: Row, rng: random.Random, other: Row) -> None:
    row["problem"] += rng.choice([" (Answer: {})", "\nThe answer is {}.", "\nHint: \\boxed{{{}}}", "\n#### {}"]).format(
        row["answer"]
    )


def spoil_prompt_empty(row: Row, rng: random.Random, other: Row) -> None:
    row["problem"] = rng.choice(["", "  ", "\n"])


def spoil_example_copied(row: Row, rng: random.Random, other: Row) -> None:
    example = f"Example: Anna has some marbles and counts all of them. So the answer is \\boxed{{{row['answer']}}}."
    row["problem"] = f"{example}\n\n{row['problem']}"


def duplicate(row: Row, rng: random.Random, other: Row) -> Row:
    return {**row, "problem": rng.choice([row["problem"], row["problem"].upper(), f" {row['problem']} \n"])}


def near_duplicate(row: Row, rng: random.Random, other: Row) -> Row:
    words = row["problem"].split(" ")
    plain = [i for i, word in enumerate(words) if word.isalpha()] or [0]
    for index in rng.sample(plain, min(2, len(plain))):
        words[index] = rng.choice(["now", "then", "also"])
    return {**row, "problem": " ".join(["Please solve:", *words])}


def conflicting(row: Row, rng: random.Random, other: Row) -> Row:
    return {**row, "answer": other["answer"], "solution": other["solution"]}


IN_PLACE: dict[str, Callable[[Row, random.Random, Row], None]] = {
    "gold missing": spoil_gold_missing,
    "gold of another row": spoil_gold_of_another,
    "gold is the solution": spoil_gold_is_solution,
    "gold cut off": spoil_gold_cut,
    "prompt tells the answer": spoil_prompt_tells,
    "prompt empty": spoil_prompt_empty,
    "example with the same answer": spoil_example_copied,
}
COPIES: dict[str, Callable[[Row, random.Random, Row], Row]] = {
    "duplicate": duplicate,
    "near-duplicate": near_duplicate,
    "same question, other answer": conflicting,
}


def plant(rows: list[Row], each: int, rng: random.Random) -> tuple[list[Row], dict[int, str]]:
    """The rows with faults in them, and which rows these are."""
    rows = [dict(row) for row in rows]
    chosen = iter(rng.sample(range(len(rows)), each * (len(IN_PLACE) + len(COPIES)) + each))
    planted: dict[int, str] = {}
    for name, spoil in IN_PLACE.items():
        for _ in range(each):
            index = next(chosen)
            other = next(
                row
                for row in iter(lambda: rng.choice(rows), None)
                if row["answer"] != rows[index]["answer"] and row["answer"]
            )
            spoil(rows[index], rng, other)
            planted[index] = name
    for name, copy in COPIES.items():
        for _ in range(each):
            row = rows[next(chosen)]
            other = next(
                one for one in iter(lambda: rng.choice(rows), None) if one["answer"] != row["answer"] and one["answer"]
            )
            planted[len(rows)] = name
            rows.append(copy(row, rng, other))
    return rows, planted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--each", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    clean = [json.loads(line) for line in given.file.read_text(encoding="utf-8").split("\n") if line]
    clean = rng.sample(clean, min(given.rows, len(clean)))
    rewards = with_columns(rewards_from_options(["accuracy"]), {"gold": "answer"})
    machine = f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    print(f"{given.file.name}: {len(clean)} rows; {machine}")
    before = _found(clean, rewards)
    kinds = Counter(check for checks in before.values() for check in checks)
    print(f"as they are: {len(before)} rows with a fault: {dict(kinds)}")
    rows, planted = plant(clean, given.each, rng)
    started = time.perf_counter()
    found = _found(rows, rewards)
    print(
        f"planted: {len(planted)} faults of {len(IN_PLACE) + len(COPIES)} kinds; {time.perf_counter() - started:.0f} s"
    )
    for kind in [*IN_PLACE, *COPIES]:
        members = [index for index, name in planted.items() if name == kind]
        hits = [index for index in members if index in found]
        checks = Counter(check for index in hits for check in found[index])
        print(f"  {kind:32} {len(hits)} of {len(members)}   {dict(checks.most_common(3))}")
    twins = {index for index in found if set(found[index]) <= {"conflicting golds"}}
    false = [index for index in found if index not in planted and index not in before and index not in twins]
    share = f"{len(false)} of {len(rows) - len(planted)}"
    print(f"blamed without a fault (beside those of the rows as they are, and twins): {share}")
    missed = [index for index in planted if index not in found]
    for index in missed[:10]:
        print("    missed:", planted[index], repr(rows[index]["answer"])[:40], repr(rows[index]["problem"])[-100:])
    for index in false[:10]:
        print("   ", found[index], rows[index]["problem"][:100])


def _found(rows: list[Row], rewards: Any) -> dict[int, list[str]]:
    layout = choose_layout(list(rows[0]), "answer")
    report = audit([AuditRow(f"row:{i + 1}", row, layout) for i, row in enumerate(rows)], rewards)
    found: dict[int, list[str]] = {}
    for finding in report.findings:
        if finding.level == "fault":
            found.setdefault(finding.row, []).append(finding.check)
    return found


if __name__ == "__main__":
    main()
