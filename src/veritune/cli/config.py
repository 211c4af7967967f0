"""``veritune config``: every setting of a run."""

from __future__ import annotations

import json as json_
from typing import Annotated

import typer


def config(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]…", help="Sections or parts of names: `sampling`, `grpo.objective`, `lora`."),
    ] = None,
    stage: Annotated[str, typer.Option("--stage", "-s", help="Of this stage.")] = "grpo",
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print as a Markdown table.")] = False,
) -> None:
    """Every setting that a run's YAML file may hold: its default, its kind, what it does.

    Example: `veritune config lora` or `veritune config evaluation --stage dpo`
    """
    from veritune.plugins.errors import ConfigError, MissingExtraError, did_you_mean

    try:
        from veritune.trainer.config.keys import keys
        from veritune.trainer.stages.table import get_stage
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("veritune"):
            raise
        raise MissingExtraError(error.name, "train", "training") from None
    every = list(keys(get_stage(stage).config_type))
    found = [key for key in every if not names or any(_named(key.name, name) for name in names)]
    if not found:
        wanted = " ".join(names or [])
        parts = {part for key in every for part in key.name.split(".")}
        raise ConfigError(f"no setting of stage {stage} is called {wanted!r}.{did_you_mean(wanted, parts)}")
    if json:
        typer.echo(json_.dumps([vars(key) for key in found], indent=2, ensure_ascii=False))
        return
    if markdown:
        typer.echo("| setting | default | kind | what it does |\n|---|---|---|---|")
        for key in found:
            cells = (f"`{key.name}`", f"`{key.default}`", key.kind.replace("|", "\\|"), key.text.replace("|", "\\|"))
            typer.echo(f"| {' | '.join(cells)} |")
        return
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console(highlight=False)
    for key in found:
        head = Text.assemble((key.name, "bold"), f": {key.default}", (f"   ({key.kind})" if key.kind else "", "dim"))
        console.print(head)
        if key.text:
            console.print(Padding(Text(key.text, style="dim"), (0, 0, 0, 4)))


def _named(name: str, wanted: str) -> bool:
    """Whether a setting is what was asked for, within it, or has it in a part of its name."""
    return name == wanted or name.startswith(f"{wanted}.") or any(wanted in part for part in name.split("."))
