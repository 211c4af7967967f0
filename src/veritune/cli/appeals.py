"""``veritune appeals``."""

from __future__ import annotations

import json as as_json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from veritune.rewards.appeal import Tally


def appeals(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    ask: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the questions to a person that are open, as JSONL.")
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Take such a file back, `right` filled in with true or false.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """How often a run's verifiers err, by second opinions (`appeal:` in its config).

    Where the second opinion is a person's (`to: person`): `--ask questions.jsonl` writes what is asked, without saying
    what the verifier decided; `--answers questions.jsonl` counts what came back.
    """
    from veritune.plugins import DataError
    from veritune.rewards.appeal.answers import questions, run_tallies, take_answers

    log = run / "metrics.jsonl"
    if not log.is_file():
        raise DataError(f"{str(run)!r} holds no run: metrics.jsonl is not there")
    if answers is not None:
        typer.echo(f"{take_answers(run, answers):,} answers taken", err=True)
    if ask is not None:
        rows = questions(run)
        ask.write_text("".join(as_json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        typer.echo(f"{len(rows):,} questions in {ask}", err=True)
    _report(run_tallies(run, _lines(log)), json)


def _lines(log: Path) -> list[dict[str, Any]]:
    """A last line cut by a crash is left out."""
    found = []
    for line in log.read_text(encoding="utf-8").splitlines():
        try:
            found.append(as_json.loads(line))
        except ValueError:
            continue
    return found


def _report(tallies: dict[str, list[Tally]], json: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    from veritune.cli.tables import errors_table
    from veritune.rewards.appeal import Tally, rates
    from veritune.rewards.appeal.estimate import risen

    found = {alias: rates(sum(each, Tally())) for alias, each in tallies.items()}
    warnings = [f"{alias} {text}" for alias, each in tallies.items() for text in risen(each)]
    if json:
        values = {alias: asdict(each) for alias, each in found.items()}
        typer.echo(as_json.dumps({"rewards": values, "warnings": warnings}))
        return
    console = Console(highlight=False)
    if not found:
        console.print("no second opinion was asked for: give a reward of the config an `appeal:`")
    for alias, each in found.items():
        console.print(errors_table(alias, each))
    for text in warnings:
        console.print(Text(f"warning: {text}"))
