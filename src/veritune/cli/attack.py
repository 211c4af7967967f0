"""``veritune attack``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from veritune.plugins import Reward
    from veritune.rewards.attack import AttackReport
    from veritune.rewards.composition import RewardSet

FELL = 1
"""Exit status where an attack did not hold."""


def attack(
    reward: Annotated[str, typer.Argument(help="A reward by name or path, with parameters; a preset; a YAML file.")],
    gold: Annotated[str, typer.Option(help="The right answer of the question asked.")] = "12",
    prompt: Annotated[str, typer.Option(help="The question.")] = "What is 7 + 5?",
    column: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A further column; values as in YAML. Repeatable.")
    ] = None,
    right: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="A completion that deserves full marks. Repeatable.")
    ] = None,
    deadline: Annotated[float, typer.Option(min=0.1, help="CPU seconds an attack may take.")] = 2.0,
    json: Annotated[bool, typer.Option("--json", help="Print every outcome as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Try to cheat, hang and crash a reward before it trains anything.

    Some fifty completions that deserve nothing (and some that never end) are scored in killable processes. Exit
    status 1 where one of them pays, hangs, raises or gets two different scores. Example:

    `veritune attack my_rewards.py:short --gold 42 --column difficulty=3`
    """
    from veritune.cli.tables import progress
    from veritune.rewards.attack import attack as run_attack

    columns = dict(_column(given) for given in column or [])
    scorer = _scorer(reward)
    with progress(f"attacks on {reward}", None, quiet) as advance:
        report = run_attack(
            scorer,
            gold=gold,
            prompt=prompt,
            columns=columns,
            right=right or (),
            deadline=deadline,
            progress=lambda done, total: advance(1),
        )
    _print_json(report) if json else _print(report)
    if report.broken:
        raise typer.Exit(FELL)


def _scorer(text: str) -> Reward | RewardSet:
    from veritune.config import rewards_from_file, rewards_from_options
    from veritune.plugins import preset_names
    from veritune.rewards.composition import compose

    if text.endswith((".yaml", ".yml")):
        return rewards_from_file(Path(text))
    if text in preset_names():
        return compose(text)
    components = rewards_from_options([text]).components
    return components[0].reward


def _column(given: str) -> tuple[str, Any]:
    import yaml

    from veritune.plugins import ConfigError

    name, equals, value = given.partition("=")
    if not equals or not name:
        raise ConfigError(f"--column {given!r}: NAME=VALUE is expected")
    return name, yaml.safe_load(value)


def _print(report: AttackReport) -> None:
    from rich.console import Console
    from rich.text import Text

    from veritune.cli.tables import plain_table

    console = Console(highlight=False)
    held = len(report.results) - len(report.broken)
    console.print(f"{report.reward}: honest work earns {report.honest}, {report.plain} without an answer.")
    console.print(f"{held} of {len(report.results)} attacks hold.")
    if report.broken:
        table = plain_table("These do not", "attack", "aimed at", "finding", "what happened")
        for result in report.broken:
            table.add_row(result.attack.name, result.attack.aspect, result.finding, Text(result.detail))
        console.print(table)


def _print_json(report: AttackReport) -> None:
    import json as to_json

    rows = [
        {
            "attack": result.attack.name,
            "aspect": result.attack.aspect,
            "finding": result.finding,
            "value": result.value,
            "seconds": round(result.seconds, 4),
            "detail": result.detail,
        }
        for result in report.results
    ]
    typer.echo(
        to_json.dumps({"reward": report.reward, "honest": report.honest, "plain": report.plain, "results": rows})
    )
