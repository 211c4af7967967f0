"""What ``rescore`` and ``diff`` have in common: logs in, a comparison out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from veritune.lab.replay.comparison import Comparison
    from veritune.lab.replay.replay import Replay, Result
    from veritune.rewards.composition import RewardSet

SHOWN = 20


@dataclass(frozen=True)
class Given:
    """Where completions are, and where what they lack is."""

    files: Sequence[str]
    data: Sequence[str] | None
    data_prompt: str | None
    completion: str | None
    prompt: str | None
    step: int | None
    skip: bool
    batch: int
    limit: int | None
    quiet: bool


def replay(given: Given, new: RewardSet, old: RewardSet | None) -> tuple[Replay, Iterator[Result]]:
    """The scoring again of what is given, and its results as they come."""
    from itertools import islice

    from veritune.cli.files import expand
    from veritune.cli.rows import open_sources
    from veritune.cli.scoring import Reader
    from veritune.cli.tables import progress
    from veritune.lab.replay.joining import Data
    from veritune.lab.replay.logged import LogReader
    from veritune.lab.replay.replay import Replay

    source = open_sources(expand(given.files))
    data = None
    if given.data:
        rows = open_sources(expand(given.data)).read(lambda done: None)
        data = Data(rows, given.data_prompt, _read(new, old))
    names = dict.fromkeys([*(old.aliases if old is not None else ()), *new.aliases])
    reader = LogReader(data, list(names), new.name, Reader(given.completion, given.prompt, None))
    job = Replay(new, old, reader, given.step, given.skip)

    def results() -> Iterator[Result]:
        with progress(source.name, source.total, given.quiet) as advance:
            rows = source.read(advance)
            yield from job.run(rows if given.limit is None else islice(rows, given.limit), given.batch)

    return job, results()


def _read(new: RewardSet, old: RewardSet | None) -> set[str] | None:
    """The columns that rewards can read; None: any, since one takes all there are."""
    from veritune.plugins import GOLD_COLUMNS
    from veritune.plugins.columns import prefixes

    found: set[str] = set()
    for component in [*new.components, *(old.components if old is not None else ())]:
        signature = component.reward.signature
        if signature.takes_columns or {"sample", "samples"} & signature.inputs.keys():
            return None
        named = (*component.reward.columns.values(), *component.config.where)
        found |= {*signature.inputs, *(name for path in named for name in prefixes(path))}
    return found | set(GOLD_COLUMNS) if "gold" in found else found


def comparison_report(found: Comparison, changed: Sequence[Result], names: tuple[str, str]) -> None:
    """Tables: what changed, where, why, and what of it."""
    from rich.console import Console
    from rich.text import Text

    from veritune.cli.tables import plain_table

    console = Console(highlight=False)
    table = plain_table(
        f"{found.completions:,} completions, {found.changed:,} of them changed",
        *("reward", "compared", "changed", f"mean {names[0]}", f"mean {names[1]}", "most often"),
    )
    for alias, column in found.columns.items():
        if column.compared:
            means = [f"{sums[1] / sums[0]:.4g}" if sums[0] else "–" for sums in (column.before, column.after)]
            moves = ", ".join(f"{move} ({count:,})" for move, count in column.moves.most_common(3))
            table.add_row(Text(alias), f"{column.compared:,}", f"{column.changed:,}", *means, Text(moves))
    console.print(table)
    if changed:
        console.print(changes_table(changed, names))
        if found.changed > len(changed):
            console.print(f"{found.changed - len(changed):,} more; --out FILE has all of them.\n")
    if found.effect.groups:
        _print_effect(console, found)
    if found.skipped:
        console.print(f"{found.skipped:,} completions could not be scored again:")
        for fault in found.faults[:5]:
            console.print(Text(f"  {fault}"))


def changes_table(changed: Sequence[Result], names: tuple[str, str]) -> Any:
    """Sample by sample: which component, what it was and is, and why."""
    from rich.text import Text

    from veritune.cli.tables import plain_table
    from veritune.lab.replay.comparison import shown

    table = plain_table("changed", "row", "reward", names[0], names[1], f"why {names[0]}", f"why {names[1]}")
    for result in changed:
        place = result.logged.row.place.rpartition("/")[2]
        for change in result.changes:
            reasons = (change.before.reason, change.after.reason)
            table.add_row(
                Text(place), Text(change.alias), shown(change.before), shown(change.after), *map(Text, reasons)
            )
            place = ""
    return table


def _print_effect(console: Any, found: Comparison) -> None:
    effect = found.effect

    def share(part: int, whole: int) -> str:
        return f"{part:,} of {whole:,} ({part / whole:.1%})" if whole else "–"

    cosine = "–" if effect.cosine is None else f"{effect.cosine:.4f}"
    for line in (
        f"groups with signal: {share(effect.signal_before, effect.groups)} before, "
        f"{share(effect.signal_after, effect.groups)} after; {effect.gained:,} gained it, {effect.lost:,} lost it",
        f"advantages: {share(effect.moved, effect.samples)} are others, {effect.flipped:,} with the other sign; "
        f"mean change {effect.distance / max(effect.samples, 1):.3g}; cosine of old and new {cosine}",
        f"rankings: of {effect.pairs:,} pairs within groups {effect.reversed:,} are reversed, {effect.tied:,} equal "
        f"now, {effect.parted:,} no longer; the best are others in {share(effect.best_changed, effect.groups)} groups",
    ):
        console.print(line, soft_wrap=True)


def written(result: Result, prefix: str = "new_") -> dict[str, Any]:
    """A logged row with what was found now, as ``--out`` has it."""
    from veritune.lab.replay.logged import REWARD

    after = {name: score for name, score in result.after.items() if name != REWARD}
    now = result.after[REWARD]
    return {
        **result.logged.row.data,
        f"{prefix}reward": now.value,
        f"{prefix}scores": {name: score.value for name, score in after.items()},
        f"{prefix}causes": {name: str(score.cause) if score.cause else None for name, score in after.items()},
        f"{prefix}reasons": {name: score.reason for name, score in after.items()},
        "changed": [change.alias for change in result.changes],
    }


def differing(old: RewardSet, new: RewardSet) -> list[str]:
    """In what two sets differ."""
    from veritune.rewards.identity import differences

    return differences(old.identity, new.identity)


def print_differences(changes: Sequence[str], words: str) -> None:
    """A line a difference."""
    typer.echo(f"{words}:" if changes else f"{words}: nothing")
    for change in changes[:SHOWN]:
        typer.echo(f"  {change}")
    if len(changes) > SHOWN:
        typer.echo(f"  and {len(changes) - SHOWN} more")


def run_folder(files: Sequence[str]) -> Path | None:
    """The one run that is named, if it is one."""
    path = Path(files[0]).expanduser() if len(files) == 1 else None
    return path if path is not None and (path / "config.yaml").is_file() else None
