"""``veritune diff``."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from veritune.lab.replay.replay import Result

from veritune.cli.rescore import (
    OUTPUT,
    Batch,
    Completion,
    Data,
    DataPrompt,
    Json,
    Limit,
    Prompt,
    Quiet,
    Skip,
    Step,
)


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A YAML file with rewards.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Another one.")],
    on: Annotated[
        list[str],
        typer.Option("--on", metavar="RUN|FILE", help="Completions: as for `rescore`. Repeatable."),
    ],
    data: Data = None,
    data_prompt: DataPrompt = None,
    completion: Completion = None,
    prompt: Prompt = None,
    step: Step = None,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", metavar="FILE", help="The rows that changed, and why.", rich_help_panel=OUTPUT),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit status 1 where a score changes.", rich_help_panel=OUTPUT)
    ] = False,
    skip_errors: Skip = False,
    batch: Batch = 256,
    limit: Limit = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare two rewards on the same completions: which samples change, why, and what that does to training.

    Advantages, rankings and the share of groups with signal are those of GRPO over the completions of one prompt that
    follow each other. Example:

    `veritune diff rewards.yaml stricter.yaml --on runs/mine`
    """
    import json as as_json

    from veritune.cli.output import check_apart, open_output
    from veritune.cli.replaying import SHOWN, Given, comparison_report, differing, print_differences, replay, written
    from veritune.rewards.composition import compose

    before, after = compose(old), compose(new)
    for file in on:
        check_apart(file, out)
    given = Given(on, data, data_prompt, completion, prompt, step, skip_errors, batch, limit, quiet)
    job, results = replay(given, after.without_appeals(), before.without_appeals())
    changed: list[Result] = []
    with open_output(out) if out is not None else nullcontext() as output:
        for result in results:
            if not result.changes:
                continue
            if output is not None:
                changes = {change.alias: change.as_dict() for change in result.changes}
                output.write([{"row": result.logged.row.place, **written(result), "changes": as_json.dumps(changes)}])
            if len(changed) < SHOWN:
                changed.append(result)
    found, unlike = job.comparison, differing(before, after)
    if json:
        rows = [result.logged.row.place for result in changed]
        typer.echo(as_json.dumps({**found.as_dict(), "differences": unlike, "rows": rows}, ensure_ascii=False))
    else:
        print_differences(unlike, "the two differ in")
        comparison_report(found, changed, ("old", "new"))
    if check and (found.changed or found.skipped):
        raise typer.Exit(1)
