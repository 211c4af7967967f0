"""``veritune score``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veritune.cli import completion as completions

if TYPE_CHECKING:
    from veritune.cli.rows import Row
    from veritune.cli.summary import Summary
    from veritune.plugins import Score
    from veritune.rewards.composition import RewardSet

REWARDS, COLUMNS, OUTPUT = "Rewards (one of the first three)", "Columns", "Output"
SHOWN = 20
"""Rows whose reasons are printed with --explain and no --out."""


def score(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="JSONL (also in gzip) or Parquet; `-` reads JSONL from standard input."),
    ],
    reward: Annotated[
        list[str] | None,
        typer.Option(
            "--reward",
            "-r",
            metavar="NAME",
            help="By name or path, with parameters: `-r cosine:max_len=512`. Repeatable.",
            autocompletion=completions.reward_name,
            rich_help_panel=REWARDS,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A YAML file with rewards, or a run's config.", rich_help_panel=REWARDS),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A preset, such as `r1-zero`.",
            autocompletion=completions.preset_name,
            rich_help_panel=REWARDS,
        ),
    ] = None,
    step: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Training step, for schedules.", rich_help_panel=REWARDS),
    ] = None,
    evaluation: Annotated[
        bool, typer.Option("--evaluation", help="With eval_only rewards.", rich_help_panel=REWARDS)
    ] = False,
    completion: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Default: completion, response, text, output, prediction.",
            rich_help_panel=COLUMNS,
        ),
    ] = None,
    prompt: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Default: prompt, question, problem, instruction.", rich_help_panel=COLUMNS
        ),
    ] = None,
    gold: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The right answer. Default: gold, solution, answer, ground_truth, reference_answer.",
            rich_help_panel=COLUMNS,
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="True or false, to compare the rewards with.", rich_help_panel=COLUMNS),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Rows with their scores: .jsonl, .parquet, or `-`.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Add every score's reason.", rich_help_panel=OUTPUT)
    ] = False,
    prefix: Annotated[
        str, typer.Option(metavar="TEXT", help="Before the names of added columns.", rich_help_panel=OUTPUT)
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Summary as JSON.", rich_help_panel=OUTPUT)] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.", rich_help_panel=OUTPUT)] = False,
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Rows scored at once.")] = 256,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="The first rows only.")] = None,
) -> None:
    """Score completions in a file and sum up.

    Undecided rows are counted under their cause, never as zero. With several `-r`, each is reported on its own;
    a config also shows their combination. Example:

    `veritune score answers.jsonl -r accuracy -r format:style=boxed --label is_correct --out scored.parquet`
    """
    from veritune.cli.output import check_apart, open_output
    from veritune.cli.rows import open_source
    from veritune.cli.scoring import Layout, Reader, batches, score_rows
    from veritune.cli.summary import Summary
    from veritune.cli.tables import progress
    from veritune.config import with_columns

    rewards = with_columns(_rewards(reward, config, preset), {"gold": gold} if gold is not None else {})
    source = open_source(file)
    check_apart(file, out)
    reader = Reader(completion, prompt, label)
    layout = Layout(rewards.aliases, explain, prefix)
    summary = Summary(rewards.aliases, combined=not reward)
    printed: list[tuple[Row, Score]] = []
    with progress(source.name, source.total, quiet) as advance:
        rows, columns = _first(source.read(advance), batch)
        reader.settle(columns)
        rewards.check_columns(columns)
        with open_output(out) if out is not None else nullcontext() as output:
            for group in batches(_limited(rows, limit), batch, reader.prompt):
                samples = [reader.sample(row) for row in group]
                labels = reader.labels(group)
                scores = score_rows(rewards, group, samples, step=step, evaluation=evaluation)
                summary.add(scores, labels)
                if output is not None:
                    output.write([layout.add(row, score) for row, score in zip(group, scores, strict=True)])
                elif explain and len(printed) < SHOWN:
                    printed += zip(group, scores, strict=True)
    _report(summary, printed[:SHOWN], as_json=json, explain=explain, to_stderr=out == "-")


def _rewards(names: list[str] | None, config: Path | None, preset: str | None) -> RewardSet:
    from veritune.config import rewards_from_file, rewards_from_options
    from veritune.plugins import ConfigError, reward_names
    from veritune.rewards.composition import compose

    if sum(map(bool, (names, config, preset))) != 1:
        raise ConfigError(
            "say which rewards: -r NAME (repeatable), --config FILE or --preset NAME, one of the three. "
            f"Rewards: {', '.join(sorted(reward_names())) or 'none'}."
        )
    if names:
        return rewards_from_options(names)
    return rewards_from_file(config) if config is not None else compose({"preset": preset}, where="--preset")


def _first(rows: Iterator[Row], count: int) -> tuple[Iterator[Row], list[str]]:
    """The rows, and the columns of the first ``count`` of them."""
    head = list(islice(rows, count))
    return chain(head, rows), list(dict.fromkeys(name for row in head for name in row.data))


def _limited(rows: Iterator[Row], limit: int | None) -> Iterator[Row]:
    return rows if limit is None else islice(rows, limit)


def _report(
    summary: Summary, printed: Sequence[tuple[Row, Score]], *, as_json: bool, explain: bool, to_stderr: bool
) -> None:
    import json

    from rich.console import Console

    from veritune.cli.tables import agreement_table, reasons_table, summary_table

    if as_json:
        typer.echo(json.dumps(summary.as_dict(), ensure_ascii=False), err=to_stderr)
        return
    console = Console(stderr=to_stderr, highlight=False)
    if explain and printed:
        console.print(reasons_table(printed, summary.aliases))
        if summary.rows > len(printed):
            console.print(f"{summary.rows - len(printed):,} more rows; --out FILE keeps every reason.\n")
    console.print(summary_table(summary))
    if summary.total.agreement.rows:
        console.print(agreement_table(summary))
