"""Function-call judging: programs a second and CPU a program, against another checkout, in pairs within one run.

    python benchmarks/code_speed.py DATA OTHER/src [ROUNDS]

Every HumanEval row with its own solution, all tests run; the two checkouts take turns. Each run checks its verdicts.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

CODE = """
import json, resource, sys, time
from veritune.sandbox import default_sandbox
from veritune.verifiers.code import CodeVerifier
rows = [json.loads(line) for line in open(sys.argv[1])]
pairs = [(row["canonical_solution"], row) for row in rows]
verifier = CodeVerifier(limits={"cpu_s": 10, "wall_s": 60})
verifier.verify_batch(pairs[:8])
began = time.monotonic()
for n in range(2):
    extra = [(code + f"    # {n}", row) for code, row in pairs]
    verdicts = verifier.verify_batch(extra)
    assert all(v.correct for v in verdicts), [v.reason for v in verdicts if not v.correct]
wall = time.monotonic() - began
default_sandbox().close()
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps([2 * len(pairs), wall, sum(u.ru_utime + u.ru_stime for u in used)]))
"""


def run(source: str | None, data: Path) -> tuple[float, float]:
    """(programs a second, CPU milliseconds a program)."""
    environment = {**os.environ, **({"PYTHONPATH": source} if source else {})}
    said = subprocess.run(
        [sys.executable, "-c", CODE, str(data / "humaneval.jsonl")],
        env=environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    count, wall, cpu = json.loads(said.splitlines()[-1])
    return count / wall, 1000 * cpu / count


def main() -> None:
    data, other = Path(sys.argv[1]), sys.argv[2]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(run(other, data))
        ours.append(run(None, data))
    print(f"{'':10} {'programs/s':>12} {'CPU ms a program':>18}")
    for name, found in (("before", theirs), ("now", ours)):
        rate, cpu = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"{name:10} {rate:12.1f} {cpu:18.2f}")
    pairs = list(zip(ours, theirs, strict=True))
    for index, name in ((0, "programs a second"), (1, "CPU a program")):
        ratios = sorted(one[index] / other[index] for one, other in pairs)
        print(f"{name}, now/before in each pair: {', '.join(f'{r:.2f}' for r in ratios)}")


if __name__ == "__main__":
    main()
