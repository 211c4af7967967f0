"""Math graders on labelled rows: ours beside math-verify and TRL, one by one and in batches.

    python benchmarks/math_verify.py ROWS.jsonl [ROWS.jsonl …] [--by COLUMN] [--limit N] [--pool]

The serial table is that of ``veritune bench math``. With ``--pool``, batches too: ours (memory off) beside math-verify
in a process pool of the same size, in turns, warm. ``benchmarks/math_graders.py`` has more graders.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import logging
import multiprocessing
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# This file has the name of the package it measures: its folder must not be where that is looked for.
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]

from veritune.bench.asking import AskedGrader  # noqa: E402
from veritune.bench.graders import chosen  # noqa: E402
from veritune.bench.loading import Grade, load  # noqa: E402
from veritune.bench.measuring import measure  # noqa: E402
from veritune.bench.rows import Row, labelled, spread  # noqa: E402
from veritune.bench.tables import mistakes, table  # noqa: E402
from veritune.cli.rows import open_source  # noqa: E402
from veritune.sandbox.workers.machine import available_cpus  # noqa: E402
from veritune.verifiers.math import MathVerifier  # noqa: E402

_PACKAGES = ("math-verify", "latex2sympy2_extended", "sympy", "trl", "antlr4-python3-runtime")
_PEER = "veritune.bench.graders.math_verify"
_ROUNDS = 3
_grade: Grade | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rows", nargs="+", type=Path)
    parser.add_argument("--by", help="the column whose values are the kinds")
    parser.add_argument("--graders", default="veritune,math-verify,trl", help="comma-separated")
    parser.add_argument("--limit", type=int, default=0, help="rows of each file that are used, evenly spread; 0: all")
    parser.add_argument("--mistakes", type=int, default=0, help="mistakes of ours to print")
    parser.add_argument("--pool", action="store_true", help="compare batches with math-verify in a process pool")
    arguments = parser.parse_args()
    columns = {"by": arguments.by} if arguments.by else {}
    graders = [AskedGrader(choice) for choice in chosen(arguments.graders.split(",")) if not choice.missing]
    print(machine())
    for path in arguments.rows:
        raw = [row.data for row in open_source(str(path)).read(lambda done: None)]
        rows = spread(labelled(raw, columns, path.name), arguments.limit)
        reports = measure(graders, rows)
        print("\n" + table(f"{path.name}: {len(rows)} labelled rows", reports))
        if arguments.mistakes:
            print("\n" + mistakes(reports[0], arguments.mistakes))
        if arguments.pool:
            print("\n" + batches(rows))
        sys.stdout.flush()
    for grader in graders:
        grader.close()


def machine() -> str:
    """The day, the machine and the versions that the figures belong to."""
    found = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}
    versions = ", ".join(f"{name} {found[name]}" for name in _PACKAGES if name in found)
    host = f"{platform.system()} {platform.machine()}, {available_cpus()} CPUs, CPython {platform.python_version()}"
    return f"{datetime.datetime.now(datetime.timezone.utc):%d %B %Y}; {host}; {versions}"


def batches(rows: Sequence[Row]) -> str:
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
    _grade = load(_PEER)


def _ask_peer(pair: tuple[str, str]) -> bool | None:
    assert _grade is not None
    try:
        return _grade(*pair, "")[0]
    except Exception:
        return None


if __name__ == "__main__":
    main()
