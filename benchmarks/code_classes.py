"""Verdicts on programs of class-level kinds: own objects, operators, context managers, generators, exceptions, files …

    python benchmarks/code_classes.py [NAME …]

Each problem of tests/verifiers/code/data/classes.txt, in each style of test code, with its right and its wrong program.
Exit status 1 where a right program is judged wrong, or a wrong one right.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

from veritune.verifiers.code import CodeVerifier

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.verifiers.code.class_rows import STYLES, problems


def main(names: list[str]) -> int:
    cases = [
        (f"{problem.name}, {style}, {kind}", kind, code, problem.row(style))
        for problem in problems()
        if not names or problem.name in names
        for style in STYLES
        for kind, code in (("right", problem.right), ("wrong", problem.wrong))
    ]
    began = time.monotonic()
    verdicts = CodeVerifier(limits={"cpu_s": 5, "wall_s": 20}).verify_batch([(code, row) for *_, code, row in cases])
    seconds = time.monotonic() - began
    counts: Counter[tuple[str, str]] = Counter()
    odd = []
    for (name, kind, _, _), verdict in zip(cases, verdicts, strict=True):
        said = {True: "passed", False: "failed", None: "undecided"}[verdict.correct]
        counts[kind, said] += 1
        if said != {"right": "passed", "wrong": "failed"}[kind]:
            odd.append(f"  {name}: {said}: {verdict.reason}")
    for kind in ("right", "wrong"):
        shares = ", ".join(f"{counts[kind, said]} {said}" for said in ("passed", "failed", "undecided"))
        print(f"{sum(n for (k, _), n in counts.items() if k == kind)} {kind} programs: {shares}")
    print(f"{seconds:.1f} s")
    print(*odd, sep="\n")
    return int(counts["right", "failed"] > 0 or counts["wrong", "passed"] > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
