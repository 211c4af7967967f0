"""Math verdicts on real completions: CPU a pair, beside another checkout and math-verify, in turns within one run.

    python benchmarks/math_speed.py ROWS.jsonl [ROWS.jsonl …] [--against OTHER/src] [--limit N] [--no-peer]

Rows are those of ``math_verify.py``. Each grader is one process, asked a chunk of rows at a time in turns: what else
the machine does falls on all of them alike. A pair's time is the CPU of its process and what its workers report; the
memory is off, and no row is asked twice. ``pairs/s`` is one by one, by that CPU. With ``--against``, the rows on which
the two checkouts differ are named.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# This file stands beside one with the name of a package that it measures.
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]

OURS = """
import json, logging, sys, time
sys.path[:] = [p for p in sys.path if p]
logging.disable(logging.WARNING)
from veritune.verifiers.math import MathVerifier
verifier = MathVerifier(cache=0)
verifier.warm()
def ask(completion, gold):
    verdict = verifier.verify(completion, gold)
    return verdict.correct, verdict.evidence.get("cpu", 0.0)
"""
PEER = """
import json, logging, sys, time
sys.path[:] = [p for p in sys.path if p]
logging.disable(logging.WARNING)
from veritune.bench.graders.math_verify import grade
def ask(completion, gold):
    return grade(completion, gold, "")[0], 0.0
"""
LOOP = """
for line in sys.stdin:
    out = []
    for completion, gold in json.loads(line):
        start = time.process_time()
        try:
            found, more = ask(completion, gold)
        except Exception as error:
            found, more = type(error).__name__, 0.0
        out.append([found, time.process_time() - start + more])
    print(json.dumps(out), flush=True)
"""


_WARM = 100
"""Rows that --limit leaves out, asked first: what a process does once (patterns, imports) is no part of a pair."""


class Grader:
    """One process that grades what it is sent."""

    def __init__(self, name: str, code: str, source: str | None = None) -> None:
        self.name = name
        here = str(Path(__file__).resolve().parent.parent / "src")
        self._process = subprocess.Popen(
            [sys.executable, "-c", code + LOOP],
            env={**os.environ, "PYTHONPATH": source or here},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.found: list[Any] = []
        self.seconds: list[float] = []

    def ask(self, pairs: Sequence[tuple[str, str]], keep: bool = True) -> None:
        to, back = self._process.stdin, self._process.stdout
        assert to is not None
        assert back is not None
        to.write(json.dumps(pairs) + "\n")
        to.flush()
        answers = json.loads(back.readline())
        if keep:
            self.found += [found for found, _ in answers]
            self.seconds += [seconds for _, seconds in answers]

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def line(name: str, seconds: Sequence[float], labels: Sequence[bool], found: Sequence[Any]) -> str:
    ordered = sorted(seconds)
    p50, p99 = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    right = sum(f is wanted for f, wanted in zip(found, labels, strict=True))
    return (
        f"{name:<22} {len(seconds) / sum(seconds):>9.0f} {1e6 * sum(seconds) / len(seconds):>9.1f} {1e3 * p50:>8.3f}"
        f" {1e3 * p99:>8.2f} {1e3 * ordered[-1]:>8.1f} {right:>6} / {len(labels)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rows", nargs="+", type=Path)
    parser.add_argument("--against", help="the src folder of another checkout")
    parser.add_argument("--chunk", type=int, default=50, help="rows a turn")
    parser.add_argument("--limit", type=int, default=0, help="rows of each file that are used, evenly spread; 0: all")
    parser.add_argument("--no-peer", action="store_true", help="without math-verify")
    arguments = parser.parse_args()
    from veritune.bench.rows import labelled, spread
    from veritune.cli.rows import open_source

    graders = [Grader("now", OURS)]
    if arguments.against:
        graders.append(Grader("the other checkout", OURS, arguments.against))
    if not arguments.no_peer:
        graders.append(Grader("math-verify", PEER))
    totals: dict[str, float] = {}
    for path in arguments.rows:
        raw = [row.data for row in open_source(str(path)).read(lambda done: None)]
        known = labelled(raw, {}, path.name)
        rows = spread(known, arguments.limit)
        asked = {row.name for row in rows}
        warm = [(row.completion, row.gold) for row in known if row.name not in asked][:_WARM]
        pairs = [(row.completion, row.gold) for row in rows]
        for grader in graders:
            grader.found, grader.seconds = [], []
            grader.ask([("\\boxed{7}", "8"), ("The answer is 7.", "7"), *warm], keep=False)
        for at in range(0, len(pairs), arguments.chunk):
            turn = at // arguments.chunk % len(graders)
            for grader in graders[turn:] + graders[:turn]:
                grader.ask(pairs[at : at + arguments.chunk])
        print(f"\n{path.name}: {len(rows)} labelled rows")
        print(f"{'':<22} {'pairs/s':>9} {'us/pair':>9} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}  right / rows")
        for grader in graders:
            print(line(grader.name, grader.seconds, [row.label for row in rows], grader.found))
            totals[grader.name] = totals.get(grader.name, 0.0) + sum(grader.seconds)
        ratios = (f"{sum(g.seconds) / sum(graders[0].seconds):.2f} times {g.name}" for g in graders[1:])
        print("pairs a second now:", ", ".join(ratios))
        if arguments.against:
            for row, mine, theirs in zip(rows, graders[0].found, graders[1].found, strict=True):
                if mine is not theirs:
                    print(f"  {row.name}: label {row.label}, now {mine}, there {theirs}, gold {row.gold!r}")
        sys.stdout.flush()
    whole = (f"{totals[g.name] / totals[graders[0].name]:.2f} times {g.name}" for g in graders[1:])
    print("\nall rows together, pairs a second now:", ", ".join(whole))
    for grader in graders:
        grader.end()


if __name__ == "__main__":
    main()
