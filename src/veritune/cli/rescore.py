"""``veritune rescore``."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from veritune.lab.replay.replay import Result

LOGS, OUTPUT = "What is in the logs", "Output"

Files = Annotated[
    list[str],
    typer.Argument(metavar="RUN|FILE...", help="Runs, files of completions, patterns, folders: Parquet, JSONL, CSV."),
]
Data = Annotated[
    list[str] | None,
    typer.Option(metavar="FILE", help="The data set, for golds that the log lacks. Repeatable.", rich_help_panel=LOGS),
]
DataPrompt = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Its prompts. Default: prompt, question, problem, …", rich_help_panel=LOGS),
]
Completion = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Of plain rows: as for `score`.", rich_help_panel=LOGS)
]
Prompt = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Of plain rows: as for `score`.", rich_help_panel=LOGS)
]
Step = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="For schedules, where the log has no step.", rich_help_panel=LOGS),
]
Skip = Annotated[
    bool, typer.Option("--skip-errors", help="Leave out, and count, completions on which a reward raises.")
]
Batch = Annotated[int, typer.Option(metavar="N", min=1, help="Completions scored at once.")]
Limit = Annotated[int | None, typer.Option(metavar="N", min=1, help="The first rows only.")]
Json = Annotated[bool, typer.Option("--json", help="For programs.", rich_help_panel=OUTPUT)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.", rich_help_panel=OUTPUT)]


def rescore(
    files: Files,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A YAML file with rewards. Default: the run's own.")
    ] = None,
    data: Data = None,
    data_prompt: DataPrompt = None,
    completion: Completion = None,
    prompt: Prompt = None,
    step: Step = None,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", metavar="FILE", help="Rows with old and new scores.", rich_help_panel=OUTPUT),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit status 1 where a score is not the logged one.", rich_help_panel=OUTPUT)
    ] = False,
    skip_errors: Skip = False,
    batch: Batch = 256,
    limit: Limit = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score logged completions again, and compare with the log.

    Logs are those of `veritune train`, TRL's `log_completions`, outputs of `veritune score`, or plain rows. TRL logs no
    golds: `--data` names the data set, which is joined by its prompts. Example:

    `veritune rescore runs/mine --config stricter.yaml --out rescored.parquet`
    """
    import json as as_json

    from veritune.cli.output import check_apart, open_output
    from veritune.cli.replaying import SHOWN, Given, comparison_report, print_differences, replay, run_folder, written
    from veritune.plugins import ConfigError
    from veritune.rewards.composition import compose
    from veritune.rewards.identity import differences, read_identity

    run = run_folder(files)
    if config is None and run is None:
        raise ConfigError("say which rewards: --config FILE (only a single run of veritune's has its own)")
    rewards = compose(config if config is not None else run / "config.yaml" if run is not None else "")
    asked = rewards.without_appeals()
    for file in (*files, *(data or ())):
        check_apart(file, out)
    given = Given(files, data, data_prompt, completion, prompt, step, skip_errors, batch, limit, quiet)
    job, results = replay(given, asked, None)
    changed: list[Result] = []
    with open_output(out) if out is not None else nullcontext() as output:
        for result in results:
            if output is not None:
                output.write([written(result)])
            if result.changes and len(changed) < SHOWN:
                changed.append(result)
    found = job.comparison
    known = read_identity(run) if run is not None else None
    unlike = differences(known[1], rewards.identity) if known is not None else []
    if json:
        typer.echo(
            as_json.dumps(
                {**found.as_dict(), "identity": rewards.identity_hash, "differences": unlike}, ensure_ascii=False
            )
        )
    else:
        if known is not None:
            print_differences(unlike, "the run's rewards and these differ in")
        comparison_report(found, changed, ("logged", "now"))
    compared = any(column.compared for column in found.columns.values())
    if not compared:
        typer.echo(
            f"nothing was compared: the log has no score by the names of these rewards ({', '.join(asked.aliases)})",
            err=True,
        )
    if check and (found.changed or found.skipped or not compared):
        raise typer.Exit(1)
