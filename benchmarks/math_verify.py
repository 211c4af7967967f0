"""Math graders on labelled rows: accuracy, precision, recall, speed and causes, ours beside math-verify and TRL.

    python benchmarks/math_verify.py ROWS.jsonl [ROWS.jsonl …] [--by COLUMN] [--graders veritune,trl] [--limit N]

Rows have a gold (``gold`` or ``answer``), a text (``prediction``, ``completion``, ``response`` or ``pred``) and a
label (``label``, ``is_correct`` or ``expected``). Both sides are delimited for the peers, which they need; ours gets
them as they stand. Every category in which a peer is more than one row ahead of ours is named at the end. With
``--pool``, batches too: ours (memory off) beside math-verify in a process pool of the same size, in turns, warm.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import logging
import multiprocessing
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# This file has the name of the package it measures: its folder must not be where that is looked for.
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]

from veritune.sandbox.workers.machine import available_cpus  # noqa: E402
from veritune.verifiers.math import MathVerifier, bench  # noqa: E402

_PACKAGES = ("math-verify", "latex2sympy2_extended", "sympy", "trl", "antlr4-python3-runtime")
_ROUNDS = 3
_grade: bench.Grade | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rows", nargs="+", type=Path)
    parser.add_argument("--by", help="the column whose values are the categories")
    parser.add_argument("--graders", help="comma-separated beginnings of grader names; all by default")
    parser.add_argument("--limit", type=int, default=0, help="rows of each file that are used, evenly spread; 0: all")
    parser.add_argument("--mistakes", type=int, default=0, help="mistakes of ours to print")
    parser.add_argument("--pool", action="store_true", help="compare batches with math-verify in a process pool")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    columns = {"category": arguments.by} if arguments.by else None
    makers = bench.chosen((arguments.graders or "").split(","))
    print(machine())
    results = {}
    for path in arguments.rows:
        rows = bench.spread(bench.load(path, columns), arguments.limit)
        print(f"\n{path.name}: {len(rows)} labelled rows\n")
        reports = [bench.measure(name, make(), rows) for name, make in makers.items()]
        print(bench.table(reports))
        for report in reports:
            print(f"{report.grader}: {dict(report.causes.most_common(8))}")
        if len(reports) > 1:
            ratios = (f"{r.grader} {reports[0].rate / r.rate:.1f}" for r in reports[1:])
            print(f"pairs a second of {reports[0].grader}, one by one, as a multiple of: {', '.join(ratios)}")
            print("behind a peer by more than one row:", bench.behind(reports[0], reports[1:]) or "nowhere")
        if arguments.pool:
            print(batches(rows))
        for row, found in reports[0].mistakes[: arguments.mistakes]:
            print(f"  {row.name}: label {row.label}, found {found}, gold {row.gold!r}, text …{row.completion[-120:]!r}")
        sys.stdout.flush()
        results[path.name] = [report.as_dict() for report in reports]
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


def machine() -> str:
    """The day, the machine and the versions that the figures belong to."""
    found = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}
    versions = ", ".join(f"{name} {found[name]}" for name in _PACKAGES if name in found)
    host = f"{platform.system()} {platform.machine()}, {available_cpus()} CPUs, CPython {platform.python_version()}"
    return f"{datetime.datetime.now(datetime.timezone.utc):%d %B %Y}; {host}; {versions}"


def batches(rows: Sequence[bench.Row]) -> str:
    """Pairs a second over all rows at once: the best of some rounds of each, taken in turns."""
    size = available_cpus()
    verifier = MathVerifier(cache=0, workers=size)
    verifier.warm()
    pairs = [(row.completion, row.gold) for row in rows]
    with multiprocessing.get_context("spawn").Pool(size, _start_peer) as pool:
        pool.map(_ask_peer, pairs[:40])
        ours, theirs = [], []
        for _ in range(_ROUNDS):
            ours.append(_rate(len(pairs), lambda: verifier.verify_batch(pairs)))
            theirs.append(_rate(len(pairs), lambda: pool.map(_ask_peer, pairs, chunksize=8)))
    best, peer = max(ours), max(theirs)
    return (
        f"batches on {size} workers: veritune {best:.0f} pairs/s, math-verify in a pool {peer:.0f} pairs/s,"
        f" ratio {best / peer:.1f} (best of {_ROUNDS} rounds in turns)"
    )


def _rate(size: int, work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return size / (time.perf_counter() - start)


def _start_peer() -> None:
    global _grade
    logging.disable(logging.WARNING)
    _grade = bench.math_verify_grader()


def _ask_peer(pair: tuple[str, str]) -> bool | None:
    assert _grade is not None
    try:
        return _grade(*pair)[0]
    except Exception:
        return None


if __name__ == "__main__":
    main()
