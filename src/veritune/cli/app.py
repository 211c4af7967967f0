"""The ``veritune`` command and its subcommands."""

from __future__ import annotations

from typing import Annotated

import typer

from veritune.cli import audit, bench, new
from veritune.cli.appeals import appeals
from veritune.cli.attack import attack
from veritune.cli.chat import chat
from veritune.cli.config import config
from veritune.cli.diff import diff
from veritune.cli.doctor import doctor
from veritune.cli.errors import GuardedGroup
from veritune.cli.report import report
from veritune.cli.rescore import rescore
from veritune.cli.rewards import rewards
from veritune.cli.score import score
from veritune.cli.serve import serve
from veritune.cli.train import train

app = typer.Typer(
    cls=GuardedGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Rewards you can trust for reinforcement learning with verifiable rewards, and a lightweight GRPO trainer.",
    epilog="Start with `veritune rewards`, then `veritune score FILE -r accuracy --explain`.",
)


def _version(asked: bool) -> None:
    if asked:
        from veritune import __version__

        typer.echo(f"veritune {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


for command in (rewards, score, serve, rescore, diff, attack, train, config, chat, report, appeals, doctor):
    app.command()(command)
app.add_typer(audit.app, name="audit")
app.add_typer(bench.app, name="bench")
app.add_typer(new.app, name="new")
