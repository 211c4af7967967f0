"""``veritune rewards``."""

from __future__ import annotations

import inspect
import re
import typing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veritune.cli import completion

if TYPE_CHECKING:
    from rich.console import Console, Group, RenderableType
    from rich.table import Table

    from veritune.plugins import Reward


NARROW = 60
"""Columns of a terminal under which lines follow each other instead of standing in a table."""


def rewards(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="A reward's name or path; without it, all of them.",
            show_default=False,
            autocompletion=completion.reward_name,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the rewards, or explain one: parameters, what it computes, compat modes, an example.

    Examples: `veritune rewards`, `veritune rewards cosine`, `veritune rewards my_rewards.py:short`
    """
    from rich.console import Console

    from veritune.plugins.registry import resolve

    console = Console(highlight=False)
    if name is None:
        _list(console, json)
    elif json:
        _print_json(describe(resolve(name)))
    else:
        _explain(console, resolve(name))


def describe(reward: Reward) -> dict[str, Any]:
    """Everything a user can know about a reward."""
    parameters = {
        p.name: {"type": p.type_name, **({} if p.required else {"default": p.default})}
        for p in reward.parameters.values()
    }
    return {
        "name": reward.name,
        "summary": summary_line(reward),
        "doc": reward.__doc__ or "",
        "inputs": {name: "optional" if optional else "required" for name, optional in reward.signature.inputs.items()},
        "parameters": parameters,
        "compat": sorted(reward.variants),
        "batch": reward.batch,
        "source": source_of(reward),
    }


def summary_line(reward: Reward) -> str:
    """The first paragraph of its docstring, on one line."""
    paragraph = (reward.__doc__ or "").strip().partition("\n\n")[0]
    return " ".join(plain(paragraph).split())


_CODE = re.compile(r"(?<!`)``(?!`)")


def plain(doc: str) -> str:
    """A docstring without reStructuredText: code stands between single back-ticks."""
    return _CODE.sub("`", doc)


def reflowed(doc: str) -> str:
    """A docstring for a terminal of any width: one line a paragraph or list item, without markup."""
    blocks: list[str] = []
    for line in plain(doc).splitlines():
        text = line.strip()
        if blocks and blocks[-1] and text and not text.startswith("- "):
            blocks[-1] += f" {text}"
        else:
            blocks.append(text)
    return "\n".join(blocks)


def source_of(reward: Reward) -> str:
    """``module, line N`` where it is defined; of a file that is given by path, the file."""
    function = inspect.unwrap(reward.function)
    file, _, _ = reward.source.rpartition(":")
    where = file if file.endswith(".py") else str(function.__module__)
    try:
        line = inspect.getsourcelines(function)[1]
    except (OSError, TypeError):
        return where
    return f"{where}, line {line}"


def _list(console: Console, as_json: bool) -> None:
    from rich.text import Text

    from veritune.cli.tables import plain_table
    from veritune.plugins import PluginError, get_manager, preset_names, reward_names
    from veritune.plugins.registry import resolve

    names = reward_names()
    table = plain_table("", "reward", "what it computes, and its parameters")
    table.columns[0].no_wrap = True
    found: list[dict[str, Any]] = []
    for name, plugin in sorted(names.items()):
        try:
            about = describe(resolve(name))
        except PluginError as error:
            table.add_row(name, Text(f"does not load ({plugin}): {error}", style="red"))
            found.append({"name": name, "plugin": plugin, "error": str(error)})
            continue
        found.append({**about, "plugin": plugin})
        origin = "" if plugin.startswith("veritune.") else f" (plugin {plugin})"
        parameters = "\n" + ", ".join(about["parameters"]) if about["parameters"] else ""
        table.add_row(name, Text.assemble(about["summary"], (origin, "italic"), (parameters, "dim")))
    if as_json:
        _print_json(found)
        return
    console.print(_stacked(table) if console.width < NARROW else table)
    if preset_names():
        console.print(f"Presets: {', '.join(preset_names())}")
    for failure in get_manager().failures:
        console.print(Text(f"Not loaded: {failure}", style="red"))
    console.print("More about one: veritune rewards NAME")


def _stacked(table: Table) -> Group:
    """The table's rows for a narrow terminal: the first cell, and the others indented under it."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    rows = zip(*(column.cells for column in table.columns), strict=True)
    lines: list[RenderableType] = []
    for first, *others in rows:
        lines.append(Text(str(first), style="bold"))
        lines += [Padding(cell, (0, 0, 0, 2)) for cell in others]
    return Group(*lines)


def _explain(console: Console, reward: Reward) -> None:
    from rich.text import Text

    from veritune.cli.tables import plain_table

    about = describe(reward)
    console.print(Text(about["name"], style="bold"))
    console.print(Text(reflowed(about["doc"]) or "(no documentation)"))
    console.print()
    if about["parameters"]:
        table = plain_table("parameters", "name", "type", "default")
        for parameter, settings in about["parameters"].items():
            default = repr(settings["default"]) if "default" in settings else "required"
            table.add_row(Text(parameter), Text(settings["type"]), Text(default))
        console.print(_stacked(table) if console.width < NARROW else table)
    if "Mapping" in about["parameters"].get("options", {}).get("type", ""):
        from veritune.verifiers.math.options import option_rows

        table = plain_table("options (of the math verifier)", "name", "type", "default")
        for row in option_rows():
            table.add_row(*map(Text, row))
        console.print(_stacked(table) if console.width < NARROW else table)
    inputs = ", ".join(n if state == "required" else f"{n} (optional)" for n, state in about["inputs"].items())
    console.print(Text(f"inputs       {inputs}"))
    console.print(Text(f"compat modes {', '.join(about['compat']) or 'none'}"))
    console.print(Text(f"source       {about['source']}"))
    console.print()
    for line in examples(reward):
        console.print(Text(line), soft_wrap=True)


def examples(reward: Reward) -> list[str]:
    """How it is written in a config, in Python and on the command line: each runs as it is printed."""
    import json
    import shlex

    import yaml

    use = reward.source
    alias = reward.name
    params = example_parameters(reward)
    settings: dict[str, Any] = {"weight": 1.0, **({"use": use} if use != alias else {})}
    if params:
        settings["params"] = params
    config = yaml.safe_dump({alias: settings}, default_flow_style=None, allow_unicode=True, width=1000, sort_keys=False)
    arguments = "".join(f", {key}={value!r}" for key, value in params.items())
    shown = list(params)[: max(1, len(reward.example))]
    option = ",".join(f"{key}={json.dumps(params[key], ensure_ascii=False)}" for key in shown)
    if all(re.fullmatch(r"[\w./-]+", str(params[key])) for key in shown):
        option = option.replace('"', "")  # plain words need no quotes
    given = shlex.quote(f"{use}:{option}" if option else use)
    return [
        "in a config:",
        "  rewards:",
        *(f"    {line}" for line in config.rstrip().splitlines()),
        "in Python:",
        f"  veritune.get_reward({use!r}{arguments})",
        "on the command line:",
        f"  veritune score answers.jsonl -r {given} --explain",
    ]


def example_parameters(reward: Reward) -> dict[str, Any]:
    """Two parameters with values that work: what must be given, then defaults that say something."""
    parameters = list(reward.parameters.values())
    must = {p.name: reward.example.get(p.name, _value_of(p.annotation)) for p in parameters if p.required}
    may = {p.name: _as_data(p.default) for p in parameters if not p.required}
    known = {name: value for name, value in may.items() if value not in (None, [], {}) and name not in reward.example}
    found = {**must, **reward.example, **known}
    return dict(list(found.items())[: max(2, len(must))])


def _value_of(annotation: Any) -> Any:
    """Some value of a required parameter's type."""
    choices = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return choices[0]
    kinds: dict[Any, Any] = {int: 1, float: 1.0, bool: True, str: "text"}
    found = next((kinds[kind] for kind in (annotation, *choices) if kind in kinds), None)
    return "…" if found is None else found


def _as_data(value: Any) -> Any:
    """A default as YAML and JSON write it; None where they have no words for it."""
    if isinstance(value, str | int | float | bool | type(None)):
        return value
    if isinstance(value, list | tuple) and all(isinstance(item, str | int | float | bool) for item in value):
        return list(value)
    return None


def _print_json(value: Any) -> None:
    import json

    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))
