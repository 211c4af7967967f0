"""Programs that solve nothing against the tests of real rows: none may pass, and every right one must.

    python benchmarks/code_trivial.py DATA [EVERY]      # DATA: a folder with humaneval.jsonl, mbpp.jsonl, …

MBPP is judged with and without its column ``code``, which says what the tests are about. Exit status 1 where a verdict
is not the expected one.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from veritune.verifiers.code import CodeVerifier
from veritune.verifiers.code.trivial import program_that

Row = dict[str, Any]
WHAT = (
    "returns None", "raises StopIteration", "raises SystemExit", "returns an object that is equal to everything",
    "returns NaN", "ends the process", "is empty",
)  # fmt: skip


def read(folder: Path, name: str, every: int) -> list[Row]:
    lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()[::every]
    return [json.loads(line) for line in lines]


def tested(row: Row, solution: str) -> str:
    """The function that the row's tests call."""
    if "entry_point" in row:
        return str(row["entry_point"])
    names = re.findall(r"^def (\w+)", solution, re.MULTILINE)
    called = [name for name in names if any(re.search(rf"\b{name}\(", test) for test in row["test_list"])]
    return (called or names or re.findall(r"^class (\w+)", solution, re.MULTILINE))[0]


def main() -> int:
    data, every = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    human, mbpp = read(data, "humaneval", every), read(data, "mbpp", every)
    sets: dict[str, list[tuple[Row, str]]] = {
        "HumanEval": [(row, row["canonical_solution"]) for row in human],
        "MBPP": [(row, row["code"]) for row in mbpp],
        "MBPP without code": [({k: v for k, v in row.items() if k != "code"}, row["code"]) for row in mbpp],
        "QuixBugs": [(row, row["correct_code"]) for row in read(data, "quixbugs_python", every)],
    }
    verifier = CodeVerifier(all_tests=False, limits={"cpu_s": 10, "wall_s": 60})
    wrong = 0
    for name, rows in sets.items():
        began = time.monotonic()
        programs = [("right", solution, row) for row, solution in rows]
        programs += [(what, program_that(what, [tested(row, code)]), row) for row, code in rows for what in WHAT]
        verdicts = verifier.verify_batch([(source, row) for _, source, row in programs])
        counts = Counter((what, str(verdict.correct)) for (what, _, _), verdict in zip(programs, verdicts, strict=True))
        print(f"{name}: {len(rows)} rows, {time.monotonic() - began:.0f} s")
        for (what, correct), count in counts.items():
            print(f"  {what:46} {correct:6} {count:5}")
            wrong += count if correct != str(what == "right") else 0
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
