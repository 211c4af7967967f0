"""`sql`: verdicts a second on small, middling and several databases, beside SQLite alone in one process."""

from __future__ import annotations

import argparse
import os
import platform
import random
import sqlite3
import time
from collections.abc import Callable
from datetime import datetime, timezone

from veritune.verifiers.sql import SqlVerifier

GOLD = "SELECT city, count(*), avg(age) FROM p WHERE age > 30 GROUP BY city ORDER BY count(*) DESC"
QUERIES = (
    "SELECT city, COUNT(id), AVG(age) FROM p WHERE age > 30 GROUP BY city ORDER BY 2 DESC",
    "SELECT city, COUNT(id), AVG(age) FROM p WHERE age > {n} GROUP BY city ORDER BY 2 DESC",
    "SELECT city, COUNT(*) FROM p WHERE age > 30 GROUP BY city",
    "SELECT cty FROM p",
)


def script(rows: int, seed: int = 0) -> str:
    rng = random.Random(seed)
    made = [f"({n}, 'name {n}', {rng.randrange(18, 90)}, 'city {rng.randrange(9)}')" for n in range(rows)]
    table = "CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT, age INT, city TEXT)"
    return f"{table}; INSERT INTO p VALUES {', '.join(made)}"


def timed(work: Callable[[], int]) -> tuple[float, float, int]:
    wall, cpu = time.perf_counter(), time.process_time()
    right = work()
    return time.perf_counter() - wall, time.process_time() - cpu, right


def verdicts(verifier: SqlVerifier, rows: dict[str, object], count: int) -> int:
    texts = [f"```sql\n{QUERIES[n % 4].format(n=31 + n % 40)} -- {n}\n```" for n in range(count)]
    return sum(verdict.correct is True for verdict in verifier.verify_batch([(text, rows) for text in texts]))


def alone(made: str, count: int) -> int:
    """The same queries on one open connection: no copy, no guard, no comparison."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(made)
    done = 0
    for n in range(count):
        try:
            connection.execute(QUERIES[n % 4].format(n=31 + n % 40)).fetchall()
            done += 1
        except sqlite3.Error:
            pass
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    print(f"date      {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC")
    print(f"machine   {platform.machine()}, {len(os.sched_getaffinity(0))} CPUs, shared with others")
    print(f"versions  Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    print(f"command   python -m benchmarks sql_queries --count {arguments.count} --workers {arguments.workers}\n")
    verifier = SqlVerifier(workers=arguments.workers)
    verdicts(verifier, {"gold": GOLD, "database": script(3)}, 4)  # the workers start
    print(f"{'database':<24}{'verdicts/s':>11}{'caller CPU ms each':>20}{'right':>8}{'SQLite alone/s':>16}")
    for name, rows, states, count in (
        ("5 rows", 5, 1, arguments.count), ("200 rows", 200, 1, arguments.count),
        ("200 rows, 5 states", 200, 5, arguments.count // 4), ("20,000 rows", 20_000, 1, arguments.count // 20),
    ):  # fmt: skip
        made = [script(rows, seed) for seed in range(states)]
        row = {"gold": GOLD, "test_suite": made} if states > 1 else {"gold": GOLD, "database": made[0]}
        wall, cpu, right = timed(lambda row=row, count=count: verdicts(verifier, row, count))  # type: ignore[misc]
        plain, _, _ = timed(lambda made=made, count=count: alone(made[0], count))  # type: ignore[misc]
        print(f"{name:<24}{count / wall:>11,.0f}{1000 * cpu / count:>20.3f}{right:>8}{count / plain:>16,.0f}")


if __name__ == "__main__":
    main()
