"""``veritune score``."""

from __future__ import annotations

from contextlib import nullcontext
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veritune.cli import completion as completions

if TYPE_CHECKING:
    from veritune.cli.output import Output
    from veritune.cli.score_job import ScoreJob
    from veritune.cli.unfinished import Unfinished
    from veritune.rewards.composition import RewardSet

REWARDS, COLUMNS, OUTPUT = "Rewards (one of the first three)", "Columns", "Output"


SHOWN_FAULTS = 5


class OnError(str, Enum):
    """What a row at fault does."""

    STOP = "stop"
    SKIP = "skip"


def score(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="JSONL, CSV (also in gzip) or Parquet; patterns, folders, runs; `-` reads JSONL from standard input.",
        ),
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
            help="Default: completion, response, text, output, prediction, or these in the plural: a list a row.",
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
            help="Rows with their scores: .jsonl, .csv, .parquet, or `-`.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Add every score's reason, and the answers compared.", rich_help_panel=OUTPUT),
    ] = False,
    prefix: Annotated[
        str, typer.Option(metavar="TEXT", help="Before the names of added columns.", rich_help_panel=OUTPUT)
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Summary as JSON.", rich_help_panel=OUTPUT)] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.", rich_help_panel=OUTPUT)] = False,
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Rows scored at once.")] = 256,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="The first rows only.")] = None,
    on_error: Annotated[
        OnError,
        typer.Option("--on-error", help="A row that cannot be read or scored: end, or leave it out and count it."),
    ] = OnError.STOP,
    workers: Annotated[int, typer.Option(metavar="N", min=0, help="Processes to score in; 0: this one.")] = 0,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew where the same command was interrupted before.")
    ] = False,
) -> None:
    """Score completions in files and sum up.

    Undecided rows are counted under their cause, never as zero. With several `-r`, each is reported on its own;
    a config also shows their combination. With `--out FILE`, an interrupted command that is given again goes on where
    it was. Example:

    `veritune score answers.jsonl -r accuracy -r format:style=boxed --label is_correct --out scored.parquet`
    """
    from veritune.cli.crew import Terms
    from veritune.cli.files import expand
    from veritune.cli.output import check_apart, open_output
    from veritune.cli.rows import open_sources
    from veritune.cli.score_job import ScoreJob, can_go_on, paths
    from veritune.cli.scoring import Layout, Reader
    from veritune.cli.summary import Summary
    from veritune.cli.tables import progress
    from veritune.cli.unfinished import tag_of
    from veritune.config import with_columns

    rewards = with_columns(_rewards(reward, config, preset), {"gold": gold} if gold is not None else {})
    named = expand(files)
    source = open_sources(named)
    for each in named:
        check_apart(each, out)
    tolerant = on_error is OnError.SKIP
    job = ScoreJob(
        rewards,
        source,
        Reader(completion, prompt, label, tolerant),
        Layout(rewards.aliases, explain, prefix, tolerant),
        Summary(rewards.aliases, combined=not reward),
        Terms(step, evaluation, tolerant),
        batch,
        limit,
        workers,
    )
    command = {
        **{"rewards": rewards.identity, "step": step, "evaluation": evaluation, "tolerant": tolerant, "batch": batch},
        **{"completion": completion, "prompt": prompt, "label": label, "explain": explain, "prefix": prefix},
        **{"limit": limit, "combined": not reward},
    }
    tag = tag_of(command, paths(source)) if out not in (None, "-") and paths(source) else ""
    with open_output(out, tag) if out is not None else nullcontext() as output:
        unfinished = _unfinished(output, job, fresh) if can_go_on(output, source) else None
        try:
            with progress(source.name, source.total, quiet) as advance:
                job.run(output, unfinished, advance)
        except KeyboardInterrupt:
            _interrupted(job, output)
            raise
    if unfinished is not None:
        unfinished.clear()
    _report(job, as_json=json, explain=explain and out is None, to_stderr=out == "-")
    if job.summary.skipped and not job.summary.rows:
        raise typer.Exit(1)


def _unfinished(output: Output | None, job: ScoreJob, fresh: bool) -> Unfinished:
    """What is left of the same command before, taken up unless ``fresh``."""
    from veritune.cli.output import FileOutput
    from veritune.cli.unfinished import Unfinished

    assert isinstance(output, FileOutput)
    found = Unfinished(output, job.state)
    noted = None if fresh else found.load()
    if noted is not None:
        job.restore(noted)
        done = job.summary.rows + job.summary.skipped
        typer.echo(f"going on behind row {done:,}, where this command was interrupted (--fresh begins anew)", err=True)
        return found
    found.drop()
    if found.others() and not fresh:
        typer.echo("beginning anew: what is unfinished of this file is another command's, or of other data", err=True)
    return found


def _interrupted(job: ScoreJob, output: Output | None) -> None:
    if output is not None and output.keep:
        done = job.summary.rows + job.summary.skipped
        typer.echo(f"interrupted behind row {done:,}: the same command goes on from about there", err=True)


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


def _report(job: ScoreJob, *, as_json: bool, explain: bool, to_stderr: bool) -> None:
    import json

    from rich.console import Console
    from rich.text import Text

    from veritune.cli.tables import agreement_table, errors_table, groups_table, reasons_table, summary_table
    from veritune.plugins.watch import why
    from veritune.rewards.appeal import rates

    summary: Any = job.summary
    if as_json:
        found = {**summary.as_dict(), "identity": job.rewards.identity_hash}
        typer.echo(json.dumps(found, ensure_ascii=False), err=to_stderr)
        return
    console = Console(stderr=to_stderr, highlight=False)
    if explain and job.printed:
        console.print(reasons_table(job.printed, job.rewards, combined=summary.combined))
        if summary.rows > len(job.printed):
            console.print(f"{summary.rows - len(job.printed):,} more rows; --out FILE keeps every reason.\n")
    console.print(summary_table(summary))
    if any(column.groups.several for column in summary.shown.values()):
        console.print(groups_table(summary))
    if summary.total.agreement.rows:
        console.print(agreement_table(summary))
    for alias, found in summary.appeals.items():
        console.print(errors_table(alias, rates(found)))
    for alias, column in summary.columns.items():
        if column.causes and not column.decided:
            note = f"note: {alias} gave no number for any row. {why(column.causes)}."
            Console(stderr=True, highlight=False, soft_wrap=True).print(Text(note))
    if summary.skipped:
        console.print(f"{summary.skipped:,} rows could not be scored and are in no figure:")
        for fault in summary.faults[:SHOWN_FAULTS]:
            console.print(
                Text(f"  {fault['error']}" if fault["row"] in fault["error"] else f"  {fault['row']}: {fault['error']}")
            )
