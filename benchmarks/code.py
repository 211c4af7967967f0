"""Verdicts on real programs: every row of the sets, against what is recorded or what must be.

    python benchmarks/code.py DATA            # DATA: a folder with humaneval.jsonl, mbpp.jsonl, …

Checks, does not only time: exit status 1 where a verdict is not the expected one.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from veritune.plugins.types import Verdict
from veritune.verifiers.code import CodeVerifier

Row = dict[str, Any]
Check = tuple[str, int, int, list[str], float]
LIMITS = {"cpu_s": 10, "wall_s": 60}


def read(folder: Path, name: str) -> list[Row]:
    with (folder / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def judged(pairs: list[tuple[str, Row]], **options: Any) -> tuple[list[Verdict], float]:
    began = time.monotonic()
    verdicts = CodeVerifier(**{"limits": LIMITS, **options}).verify_batch(pairs)
    return verdicts, time.monotonic() - began


def compared(
    name: str, pairs: list[tuple[str, Row]], wanted: list[Any], seen: Callable[[Verdict], Any], **options: Any
) -> Check:
    verdicts, seconds = judged(pairs, **options)
    wrong = [
        f"{row.get('id')}: {seen(verdict)} instead of {want} ({verdict.reason})"
        for (_, row), verdict, want in zip(pairs, verdicts, wanted, strict=True)
        if seen(verdict) != want
    ]
    return name, len(pairs) - len(wrong), len(pairs), wrong, seconds


def correct(verdict: Verdict) -> Any:
    return verdict.correct


def per_test(verdict: Verdict) -> list[str]:
    """``ac``, ``wa``, ``tle`` or ``rte`` a test file."""
    tests = verdict.evidence["tests"]
    return [
        "ac" if t["passed"] else "tle" if t["limit"] == "cpu" else "rte" if t["reason"].startswith("exit") else "wa"
        for t in tests
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    human, mbpp, quix = (read(data, name) for name in ("humaneval", "mbpp", "quixbugs_python"))
    clean = [row for row in mbpp if row["sanitized"]]
    other = [row for row in mbpp if not row["sanitized"]]
    by_id = {row["id"]: row for row in human}
    models = read(data, "humaneval_codegen16b_solutions")
    contest = {row["id"]: row for row in read(data, "stdio_codejam_problems")}
    solutions = read(data, "stdio_codejam_solutions")
    fast: Row = {"all_tests": False}
    checks = [
        compared(
            "HumanEval references", [(r["canonical_solution"], r) for r in human], [True] * len(human), correct, **fast,
        ),
        compared("MBPP sanitized references", [(r["code"], r) for r in clean], [True] * len(clean), correct, **fast),
        compared("MBPP, the rest", [(r["code"], r) for r in other], [True] * len(other), correct, **fast),
        compared("QuixBugs right", [(r["correct_code"], r) for r in quix], [True] * len(quix), correct),
        compared("QuixBugs buggy", [(r["buggy_code"], r) for r in quix], [False] * len(quix), correct, **fast),
        compared(
            "CodeGen-16B on HumanEval",
            [(r["completion"], {**by_id[r["task_id"]], "id": r["id"]}) for r in models],
            [r["passed"] for r in models], correct, all_tests=False, limits={"cpu_s": 4, "wall_s": 30},
        ),
        compared(
            "Code Jam, each test file", [(r["code"], {**contest[r["problem_id"]], "id": r["id"]}) for r in solutions],
            [r["verdicts"] for r in solutions], per_test,
        ),
    ]  # fmt: skip
    print(f"{'set':28} {'as expected':>14} {'seconds':>8} {'ms a program':>13}")
    for name, right, total, _, seconds in checks:
        print(f"{name:28} {right:>6} of {total:<5} {seconds:8.1f} {1000 * seconds / total:13.1f}")
    for name, _, _, wrong, _ in checks:
        for line in wrong:
            print(f"  {name}: {line}")
    return int(any(wrong for *_, wrong, _ in checks))


if __name__ == "__main__":
    sys.exit(main())
