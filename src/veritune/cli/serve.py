"""``veritune serve``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from veritune.cli import completion as completions

LIMITS, KEY = "Limits", "Who may ask"
_MIB = 1 << 20


def serve(
    rewards: Annotated[
        str,
        typer.Argument(
            metavar="REWARDS",
            help="A YAML file of rewards, a run's config, a preset's or a reward's name.",
            autocompletion=completions.preset_name,
        ),
    ],
    host: Annotated[str, typer.Option(metavar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="0: any that is free.")] = 8300,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Processes that score. Default: one a CPU.")
    ] = None,
    queue: Annotated[
        int, typer.Option(metavar="N", min=1, help="Samples held at a time; more get 429.", rich_help_panel=LIMITS)
    ] = 16_384,
    batch: Annotated[
        int, typer.Option(metavar="N", min=1, help="Samples of one request.", rich_help_panel=LIMITS)
    ] = 4096,
    body: Annotated[
        float, typer.Option(metavar="MIB", min=0.001, help="Size of one request.", rich_help_panel=LIMITS)
    ] = 16.0,
    deadline: Annotated[
        float,
        typer.Option(metavar="S", min=0.001, help="Of a request that names none.", rich_help_panel=LIMITS),
    ] = 60.0,
    patience: Annotated[
        float,
        typer.Option(
            metavar="S",
            min=0.01,
            help="For a request's head, and for a body that comes slowly.",
            rich_help_panel=LIMITS,
        ),
    ] = 5.0,
    drain: Annotated[
        float, typer.Option(metavar="S", min=0, help="After SIGTERM, for what was accepted.", rich_help_panel=LIMITS)
    ] = 30.0,
    journal: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep answers for repeated requests across restarts (SQLite)."),
    ] = None,
    undecided: Annotated[
        float | None,
        typer.Option(metavar="X", help="Number for undecided samples in fronts that take nothing else."),
    ] = None,
    key_env: Annotated[
        str,
        typer.Option("--key-env", metavar="NAME", help="Environment variable with the API key.", rich_help_panel=KEY),
    ] = "VERITUNE_SERVE_KEY",
    open_: Annotated[
        bool,
        typer.Option("--open", help="Listen to other machines without a key.", rich_help_panel=KEY),
    ] = False,
) -> None:
    """Verdicts over HTTP, for any trainer in any language.

    `POST /score` takes a batch of samples and answers value, cause, reason, components and evidence for each; an
    undecided sample is null with its cause, never 0. `/` is a page that scores by hand, `/openapi.json` describes the
    interface. Example:

        veritune serve rewards.yaml --port 8300
    """
    from veritune.plugins import ConfigError
    from veritune.rewards.composition import compose
    from veritune.serve.process import run_server
    from veritune.serve.settings import Settings

    given = os.environ.pop(key_env, "")  # the workers start without it
    key = given.strip()
    if not key and not open_ and host not in ("127.0.0.1", "localhost", "::1"):
        raise ConfigError(
            f"--host {host} listens to other machines, and no key is set: put one into the environment variable "
            f"{key_env}, or say --open"
        )
    composed = compose(rewards)
    if given and any(each.reward.resolved.get("key_env") == key_env for each in composed.components):
        os.environ[key_env] = given  # they ask a server in turn, with the same key
    settings = Settings(
        workers=workers,
        queue=queue,
        batch=batch,
        body=int(body * _MIB),
        deadline=deadline,
        longest=max(Settings.longest, deadline),
        patience=patience,
        drain=drain,
        journal=None if journal is None else str(journal),
        undecided=undecided,
        key=key,
    )

    def announce(address: str) -> None:
        typer.echo(f"serving {', '.join(composed.aliases)} on {address}", err=True)

    run_server(composed, settings, host=host, port=port, announce=announce)
