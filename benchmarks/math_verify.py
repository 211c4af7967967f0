"""Math graders on labelled rows: accuracy, precision, recall, speed and causes, ours beside math-verify and TRL.

    python benchmarks/math_verify.py ROWS.jsonl [ROWS.jsonl …] [--by COLUMN] [--graders veritune,trl] [--limit N]

Rows have a gold (``gold`` or ``answer``), a text (``prediction``, ``completion``, ``response`` or ``pred``) and a
label (``label``, ``is_correct`` or ``expected``). Both sides are delimited for the peers, which they need; ours gets
them as they stand. Every category in which a peer is more than one row ahead of ours is named at the end.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

# This file has the name of the package it measures: its folder must not be where that is looked for.
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]

from veritune.verifiers.math import bench  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rows", nargs="+", type=Path)
    parser.add_argument("--by", help="the column whose values are the categories")
    parser.add_argument("--graders", help="comma-separated beginnings of grader names; all by default")
    parser.add_argument("--limit", type=int, default=0, help="rows of each file that are used, evenly spread; 0: all")
    parser.add_argument("--mistakes", type=int, default=0, help="mistakes of ours to print")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    columns = {"category": arguments.by} if arguments.by else None
    wanted = tuple((arguments.graders or "").split(",")) if arguments.graders else ("",)
    results = {}
    for path in arguments.rows:
        rows = bench.load(path, columns)
        if arguments.limit and len(rows) > arguments.limit:
            rows = rows[:: -(-len(rows) // arguments.limit)]
        print(f"\n{path.name}: {len(rows)} labelled rows\n")
        reports = [
            bench.measure(name, make(), rows) for name, make in bench.graders().items() if name.startswith(wanted)
        ]
        print(bench.table(reports))
        for report in reports:
            print(f"{report.grader}: {dict(report.causes.most_common(8))}")
        if len(reports) > 1:
            print("behind a peer by more than one row:", bench.behind(reports[0], reports[1:]) or "nowhere")
        for row, found in reports[0].mistakes[: arguments.mistakes]:
            print(f"  {row.name}: label {row.label}, found {found}, gold {row.gold!r}, text …{row.completion[-120:]!r}")
        results[path.name] = [report.as_dict() for report in reports]
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
