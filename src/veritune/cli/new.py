"""``veritune new``: a reward, or a plugin package, to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Begin a reward, or a plugin package: with tests, golden cases, attacks.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the reward is called.", show_default=False)]
Into = Annotated[Path, typer.Option("--into", metavar="FOLDER", help="Where it is written.")]


@app.command()
def reward(name: Name, into: Into = Path()) -> None:
    """Write `NAME.py`, `test_NAME.py` and `NAME_cases.jsonl`: a reward with tests that pass.

    Example: `veritune new reward politeness && pytest test_politeness.py`
    """
    from veritune.scaffold import REWARD, check_name, write

    made = check_name(name)
    _say(write(REWARD, made, into))
    file = into / made
    typer.echo(f"Try it: pytest {into / f'test_{made}.py'}; veritune attack {file}.py:{made} --side --right 'Please.'")


@app.command()
def plugin(name: Name, into: Into = Path()) -> None:
    """Write a package `veritune-NAME` that adds a reward by name, with tests that pass.

    Example: `veritune new plugin politeness && cd veritune-politeness && pip install -e '.[dev]' && pytest`
    """
    from veritune.scaffold import PLUGIN, check_name, write

    made = check_name(name)
    folder = into / f"veritune-{made.replace('_', '-')}"
    _say(write(PLUGIN, made, folder))
    typer.echo(f"Try it: cd {folder} && pip install -e '.[dev]' && pytest")


def _say(written: list[Path]) -> None:
    for path in written:
        typer.echo(str(path))
