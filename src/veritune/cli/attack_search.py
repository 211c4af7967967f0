"""``veritune attack REWARD --search ROWS``: real completions, mutated until the reward pays what it should not."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from veritune.lab.search import SearchReport
    from veritune.lab.search.setting import Given
    from veritune.plugins import Reward
    from veritune.rewards.composition import RewardSet

MOST_ROWS = 5000
"""Rows that a search begins with; of more, a sample."""
_SHOWN = 400


def run_search(
    scorer: Reward | RewardSet,
    rows: str,
    *,
    oracle: Reward | RewardSet | None = None,
    policy: Path | None = None,
    seconds: float = 60.0,
    seed: int = 0,
    deadline: float = 2.0,
    label: str | None = None,
    out: Path | None = None,
    as_json: bool = False,
    quiet: bool = False,
) -> bool:
    """Search, print, write the cases; returns whether anything was found."""
    from veritune.cli.output import check_apart
    from veritune.cli.tables import progress
    from veritune.lab.search import search

    if out is not None:
        check_apart(rows, str(out))
    given = read_rows(rows, label, seed)
    with progress(f"candidates against {scorer.name}", None, quiet) as advance:
        done = 0

        def count(total: int) -> None:
            nonlocal done
            advance(total - done)
            done = total

        report = search(
            scorer, given, oracle=oracle, seconds=seconds, seed=seed, deadline=deadline, policy=policy, progress=count
        )
    cases = report.write(out) if out is not None else 0
    if as_json:
        _print_json(report)
    else:
        _print(report)
        if out is not None:
            typer.echo(f"{cases} cases written to {out}; @pytest.mark.reward_cases({str(out)!r}) replays them")
    return report.failed


def read_rows(file: str, label: str | None, seed: int) -> list[Given]:
    """The rows of a file as what a search begins with. Raises DataError, ColumnError."""
    from veritune.cli.rows import open_source
    from veritune.cli.scoring import Reader
    from veritune.lab.search.setting import Given

    found = list(open_source(file).read(lambda done: None))
    reader = Reader(None, None, label, tolerant=True)
    reader.settle({name for row in found for name in row.data})
    items = [item for item in map(reader.item, found) if not item.fault]
    if len(items) > MOST_ROWS:
        items = random.Random(seed).sample(items, MOST_ROWS)
    given = []
    for item in items:
        for sample, known in zip(item.samples, item.labels, strict=True):
            columns = {name: value for name, value in sample.columns.items() if name not in (reader.completion, label)}
            given.append(Given(item.row.place, sample.completion, sample.prompt, columns, known))
    return given


def _print(report: SearchReport) -> None:
    from rich.console import Console
    from rich.text import Text

    from veritune.cli.tables import plain_table
    from veritune.lab.search.found import EXPECTED

    console = Console(highlight=False)
    console.print(
        f"{report.reward}: right answers earn {_shown(report.honest)}, wrong ones {_shown(report.wrong)}. "
        f"{report.tried:,} candidates of {len(report.arms)} kinds from {report.rows:,} completions "
        f"in {report.seconds:.0f} s."
    )
    if not report.judges_answers:
        console.print(
            "Right and wrong answers earn the same: only undue amounts, execution, hangs and errors were looked for."
        )
    if not report.found:
        console.print("Nothing was found.")
        return
    table = plain_table(
        "Counterexamples, the smallest of each kind", "found", "finding", "kind", "earned", "completion"
    )
    for one in report.smallest:
        text = one.completion if len(one.completion) <= _SHOWN else f"{one.completion[:_SHOWN]}…"
        columns = (f"{one.times:,}", one.finding, " + ".join(one.kinds), _shown(one.value))
        table.add_row(*columns, Text(text))
    console.print(table)
    for finding in dict.fromkeys(one.finding for one in report.found):
        console.print(f"{finding}: {EXPECTED[finding]}.")


def _shown(value: float | None) -> str:
    return "no number" if value is None else f"{value:g}"


def _print_json(report: SearchReport) -> None:
    import json

    found: list[dict[str, Any]] = [
        {
            "finding": one.finding,
            "kinds": list(one.kinds),
            "times": one.times,
            "value": one.value,
            "at_most": one.at_most,
            "reason": one.reason,
            "completion": one.completion,
            "row": one.row,
        }
        for one in report.found
    ]
    typer.echo(
        json.dumps(
            {
                "reward": report.reward,
                "honest": report.honest,
                "wrong": report.wrong,
                "tried": report.tried,
                "seconds": round(report.seconds, 1),
                "kinds": dict(report.arms),
                "found": found,
            },
            ensure_ascii=False,
        )
    )
