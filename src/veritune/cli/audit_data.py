"""``veritune audit DATASET``: every check of a dataset at once, with a page and a cleaned file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veritune.cli import completion as completions

if TYPE_CHECKING:
    from veritune.lab.audit import AuditReport, AuditRow
    from veritune.rewards.composition import RewardSet

REWARDS, COLUMNS, OUTPUT = "Rewards", "Columns", "Output"


def audit_data(
    dataset: Annotated[
        list[str], typer.Argument(metavar="DATASET…", help="JSONL, CSV or Parquet; several files are one dataset.")
    ],
    reward: Annotated[
        list[str] | None,
        typer.Option(
            "--reward",
            "-r",
            metavar="NAME",
            help="As for `veritune score`. Repeatable.",
            autocompletion=completions.reward_name,
            rich_help_panel=REWARDS,
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A YAML file with rewards, or a run's.", rich_help_panel=REWARDS)
    ] = None,
    preset: Annotated[str | None, typer.Option(metavar="NAME", help="A preset.", rich_help_panel=REWARDS)] = None,
    attack: Annotated[bool, typer.Option(help="Also score what must not be paid.", rich_help_panel=REWARDS)] = True,
    deadline: Annotated[
        float, typer.Option(min=0.1, help="CPU seconds a completion may take.", rich_help_panel=REWARDS)
    ] = 2.0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes. Default: one a CPU.", rich_help_panel=REWARDS)
    ] = None,
    evaluation: Annotated[
        list[str] | None,
        typer.Option("--eval", metavar="FILE", help="Evaluation data that must not be in it. Repeatable."),
    ] = None,
    gold: Annotated[
        str | None, typer.Option("--gold", "-g", metavar="COLUMN", help="The right answer.", rich_help_panel=COLUMNS)
    ] = None,
    prompt: Annotated[str | None, typer.Option(metavar="COLUMN", help="The question.", rich_help_panel=COLUMNS)] = None,
    completion: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Completions, for pass rates; found by name.", rich_help_panel=COLUMNS),
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the page.", rich_help_panel=OUTPUT)] = None,
    write_clean: Annotated[
        Path | None,
        typer.Option(
            "--write-clean",
            metavar="FILE",
            help="Write the rows without faults, and beside them the reasons for the rest.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The figures as JSON.", rich_help_panel=OUTPUT)] = False,
    show: Annotated[int, typer.Option(min=0, help="How many rows to list.", rich_help_panel=OUTPUT)] = 20,
    strict: Annotated[
        bool, typer.Option(help="Exit with status 1 where a row has a fault.", rich_help_panel=OUTPUT)
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.", rich_help_panel=OUTPUT)] = False,
) -> None:
    """Audit a dataset: golds, tests, duplicates, overlap, and what the rewards pay for right answers and for none.

    Example: `veritune audit train.jsonl --config rewards.yaml --eval test.jsonl --html audit.html`
    """
    import json as to_json

    from veritune.cli.tables import progress
    from veritune.config import with_columns
    from veritune.lab.audit import audit
    from veritune.lab.audit.findings import summary
    from veritune.lab.audit.page import write_page

    rewards = _rewards(reward, config, preset)
    if rewards is not None and gold is not None:
        rewards = with_columns(rewards, {"gold": gold})
    rows = _read(dataset, rewards, gold, prompt, completion)
    others = _read(evaluation, rewards, gold if evaluation else None, prompt, None, lenient=True) if evaluation else []
    _check_outputs([*dataset, *(evaluation or [])], html, write_clean)
    with progress(f"rows of {dataset[0]}", None, quiet) as advance:
        options: dict[str, Any] = {"workers": workers, "deadline": deadline, "progress": advance}
        report = audit(rows, rewards, evaluation=others, attack=attack, **options)
    if html is not None:
        write_page(report, html, ", ".join(Path(file).name for file in dataset))
    if write_clean is not None:
        _write_clean(report, write_clean)
    if json:
        typer.echo(to_json.dumps(summary(report), ensure_ascii=False))
    else:
        _print(report, show, html, write_clean)
    if strict and report.left_out():
        raise typer.Exit(1)


def _rewards(names: list[str] | None, config: Path | None, preset: str | None) -> RewardSet | None:
    from veritune.config import rewards_from_file, rewards_from_options
    from veritune.plugins import ConfigError
    from veritune.rewards.composition import compose

    if sum(map(bool, (names, config, preset))) > 1:
        raise ConfigError("say which rewards once: -r NAME (repeatable), --config FILE or --preset NAME")
    if names:
        return rewards_from_options(names)
    if config is not None:
        return rewards_from_file(config)
    return compose({"preset": preset}, where="--preset") if preset is not None else None


def _read(
    files: Sequence[str],
    rewards: RewardSet | None,
    gold: str | None,
    prompt: str | None,
    completion: str | None,
    *,
    lenient: bool = False,
) -> list[AuditRow]:
    """The rows of the files. ``lenient``: columns that are named need not be there."""
    from veritune.cli.rows import open_source
    from veritune.lab.audit.rows import AuditRow, choose_layout
    from veritune.lab.search.setting import gold_column_of
    from veritune.plugins.columns import find_column

    found = [row for file in files for row in open_source(file).read(lambda done: None)]
    columns = {name for row in found for name in row.data}
    if lenient:
        gold, prompt = (name if name in columns else None for name in (gold, prompt))
    if gold is not None or rewards is None:
        named = find_column("audit", "gold", {"gold": gold} if gold is not None else {}, columns)
    else:
        named = gold_column_of(rewards, columns)
    layout = choose_layout(columns, named, prompt, completion)
    return [AuditRow(row.place, row.data, layout) for row in found]


def _check_outputs(files: Sequence[str], html: Path | None, clean: Path | None) -> None:
    from veritune.cli.output import check_apart

    for file in files:
        for out in (html, clean):
            check_apart(file, str(out) if out is not None else None)


def _write_clean(report: AuditReport, file: Path) -> None:
    from veritune.cli.output import open_output
    from veritune.lab.audit.clean import kept_rows, reasons_file

    with open_output(str(file)) as writer:
        writer.write(kept_rows(report))
    with open_output(str(reasons_file(file))) as writer:
        writer.write(report.reasons())


def _print(report: AuditReport, show: int, html: Path | None, clean: Path | None) -> None:
    from rich.console import Console
    from rich.text import Text

    from veritune.cli.tables import plain_table
    from veritune.lab.audit.clean import reasons_file
    from veritune.lab.audit.findings import CHECKS

    console = Console(highlight=False)
    out = report.left_out()
    table = plain_table(f"{len(report.rows):,} rows, {len(out):,} with a fault", "rows", "of", "check", "what it means")
    for check, count in report.counts().items():
        level, meaning = CHECKS[check]
        style = "red" if level == "fault" else "yellow"
        table.add_row(f"{count:,}", f"{report.looked.get(check, 0):,}", Text(check, style), meaning)
    console.print(table if report.findings else f"{len(report.rows):,} rows: nothing was found.")
    for check in report.pervasive:
        console.print(
            f"“{check}” is found in so many rows that it is the reward or the config: no row is left out for it."
        )
    if report.causes:
        table = plain_table("undecided", "scores", "cause", "reason", "what would cure it")
        for (cause, reason, advice), count in report.causes.most_common(8):
            table.add_row(f"{count:,}", cause, Text(reason), advice)
        console.print(table)
    if report.rates:
        mean = sum(right / known for right, known in report.rates.values()) / len(report.rates)
        console.print(f"{len(report.rates):,} questions have completions: {mean:.1%} of them are paid in the mean.")
    _print_rows(console, report, show)
    for check, why in report.skipped.items():
        console.print(f"not looked at: {check} ({why})")
    if html is not None:
        console.print(f"page written to {html}", markup=False)
    if clean is not None:
        kept = len(report.rows) - len(out)
        console.print(
            f"{kept:,} rows written to {clean}; reasons for {len(out):,} in {reasons_file(clean)}", markup=False
        )


def _print_rows(console: Any, report: AuditReport, show: int) -> None:
    from rich.text import Text

    from veritune.cli.tables import plain_table
    from veritune.lab.audit.findings import CHECKS

    order = list(CHECKS)
    chosen = sorted(report.findings, key=lambda finding: (order.index(finding.check), finding.row))
    if not chosen or not show:
        return
    table = plain_table("to look at", "row", "check", "why")
    per_check: dict[str, int] = {}
    listed = []
    for finding in chosen:  # some of every check, rather than all of the first
        per_check[finding.check] = per_check.get(finding.check, 0) + 1
        if per_check[finding.check] <= max(2, show // max(1, len(report.counts()))):
            listed.append(finding)
    for finding in listed[:show]:
        why = " ".join(finding.why.split())
        place = report.rows[finding.row].place.rpartition("/")[2]
        table.add_row(Text(place), finding.check, Text(why if len(why) <= 160 else f"{why[:159]}…"))
    console.print(table)
    if len(chosen) > len(listed[:show]):
        console.print(
            f"… and {len(chosen) - len(listed[:show]):,} more findings (--html FILE and --write-clean FILE hold them)"
        )
