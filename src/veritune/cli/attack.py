"""``veritune attack``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veritune.cli import completion

if TYPE_CHECKING:
    from veritune.plugins import Reward
    from veritune.rewards.attack import AttackReport
    from veritune.rewards.composition import RewardSet

SEARCH = "Search for counterexamples"
FELL = 1
"""Exit status where the reward does not withstand an attack, or where it could not be told."""


def attack(
    reward: Annotated[
        str | None,
        typer.Argument(
            help="A reward by name or path, with parameters; a preset; a YAML file.",
            show_default=False,
            autocompletion=completion.reward_name,
        ),
    ] = None,
    gold: Annotated[
        str | None,
        typer.Option(
            help="The right answer of the question asked (default: 12, or what fits); with --search: its column."
        ),
    ] = None,
    prompt: Annotated[str, typer.Option(help="The question.")] = "What is 7 + 5?",
    column: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A further column; values as in YAML. Repeatable.")
    ] = None,
    right: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="A completion that deserves full marks. Repeatable.")
    ] = None,
    side: Annotated[
        bool, typer.Option("--side", help="It only stands beside a reward of the answer: no work may earn as much.")
    ] = False,
    deadline: Annotated[float, typer.Option(min=0.1, help="CPU seconds an attack may take.")] = 2.0,
    search: Annotated[
        str | None,
        typer.Option(
            "--search",
            metavar="ROWS",
            help="Mutate the real completions of this file until one is paid wrongly.",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    oracle: Annotated[
        str | None,
        typer.Option(
            metavar="REWARD",
            help="A stricter verifier or a judge: what it pays as well is no find. Default: the gold check.",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="CONFIG",
            help="Also train this run's policy on reward minus oracle, and search in what it writes.",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="How long to search.", rich_help_panel=SEARCH)] = 60.0,
    seed: Annotated[int, typer.Option(help="Of the mutations.", rich_help_panel=SEARCH)] = 0,
    label: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="True where a completion is right.", rich_help_panel=SEARCH),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write the cases as JSONL, for pytest to replay.",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    selftest: Annotated[
        bool, typer.Option("--selftest", help="Attack packaged broken and sound rewards: how good is the attack?")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print every outcome as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Try to cheat, hang and crash a reward before it trains anything.

    Some two hundred completions that deserve nothing (and some that never end) are scored in killable processes. Each
    *holds*, *pays*, is *not tested* (it says nothing about this reward) or *cannot be judged*. Exit status 1 where one
    pays, hangs, raises, is executed or gets two different scores, and where it could not be told; 2 where honest work
    earns nothing, so that nothing can be said. Example:

    `veritune attack my_rewards.py:short --gold 42 --column difficulty=3`

    With `--search ROWS` it begins with real completions and mutates them:

    `veritune attack my_rewards.py:mine --search completions.jsonl --seconds 300 --out cases.jsonl`
    """
    from veritune.cli.tables import progress
    from veritune.plugins import ConfigError
    from veritune.rewards.attack import attack as run_attack

    if selftest:
        _selftest(quiet, json)
        return
    if reward is None:
        raise ConfigError("say which reward: veritune attack REWARD (or --selftest)")
    columns = dict(_column(given) for given in column or [])
    scorer = _scorer(reward)
    if search is not None:
        from veritune.cli.attack_search import run_search

        scorer = _on_column(scorer, gold)
        second = _on_column(_scorer(oracle), gold) if oracle is not None else None
        limits: dict[str, Any] = {"seconds": seconds, "seed": seed, "deadline": deadline}
        shown: dict[str, Any] = {"label": label, "out": out, "as_json": json, "quiet": quiet}
        if run_search(scorer, search, oracle=second, policy=policy, **limits, **shown):
            raise typer.Exit(FELL)
        return
    if any(given is not None for given in (oracle, policy, out)):
        raise ConfigError("--oracle, --policy and --out belong to --search ROWS")
    with progress(f"attacks on {reward}", None, quiet) as advance:
        report = run_attack(
            scorer,
            gold=gold,
            prompt=prompt,
            columns=columns,
            right=right or (),
            side=side,
            deadline=deadline,
            progress=lambda done, total: advance(1),
        )
    _print_json(report) if json else _print(report)
    if report.failed:
        raise typer.Exit(FELL)


def _scorer(text: str) -> Reward | RewardSet:
    from veritune.config import rewards_from_file, rewards_from_options
    from veritune.plugins import preset_names
    from veritune.rewards.composition import compose
    from veritune.rewards.composition.run_config import config_file

    if config_file(text) is not None:
        return rewards_from_file(Path(text))
    if text in preset_names():
        return compose(text).without_appeals()
    components = rewards_from_options([text]).components
    return components[0].reward


def _on_column(scorer: Reward | RewardSet, gold: str | None) -> Reward | RewardSet:
    """The same, with its right answer read from this column where it has one."""
    from veritune.config import with_columns
    from veritune.rewards.composition import RewardSet

    if gold is None:
        return scorer
    if isinstance(scorer, RewardSet):
        return with_columns(scorer, {"gold": gold})
    return scorer.with_params(columns={"gold": gold}) if "gold" in scorer.signature.inputs else scorer


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
    console.print(
        f"{report.reward}: honest work earns {_shown(report.honest)}, a wrong answer {_shown(report.wrong)}, "
        f"none {_shown(report.plain)}."
    )
    console.print(f"Attacks: {', '.join(f'{count} {finding}' for finding, count in report.counts.items())}.")
    for reason, count in report.untested.items():
        console.print(Text(f"  not tested ({count}): {reason}"))
    shown = [result for result in report.results if result.finding not in ("holds", "not tested")]
    if shown:
        table = plain_table("These do not hold", "attack", "aimed at", "finding", "what happened")
        for result in shown:
            table.add_row(Text(result.attack.name), result.attack.aspect, result.finding, Text(result.detail))
        console.print(table)


def _shown(value: float | None) -> str:
    return "no number" if value is None else f"{value:g}"


def _selftest(quiet: bool, as_json: bool) -> None:
    """The detection rate over the packaged rewards. Exit status 1 where one was judged wrongly."""
    import json as to_json

    from veritune.cli.tables import progress
    from veritune.rewards.attack.selftest import selftest

    with progress("rewards attacked", None, quiet) as advance:
        found = []
        for checked in selftest():
            found.append(checked)
            advance(1)
    broken = [one for one in found if one.case.expected is not None]
    sound = [one for one in found if one.case.expected is None]
    exposed, passed = sum(one.right for one in broken), sum(one.right for one in sound)
    missed = [one for one in found if not one.right]
    if as_json:
        counts = {"broken": len(broken), "exposed": exposed, "sound": len(sound), "passed": passed}
        typer.echo(to_json.dumps({**counts, "misjudged": [one.case.name for one in missed]}))
    else:
        typer.echo(f"{exposed} of {len(broken)} broken rewards exposed, {passed} of {len(sound)} sound ones passed.")
        for one in missed:
            expected = one.case.expected or "nothing to find"
            typer.echo(f"  {one.case.name}: {expected} expected, found {', '.join(one.findings) or 'nothing'}")
    if missed:
        raise typer.Exit(FELL)


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
        to_json.dumps(
            {
                "reward": report.reward,
                "honest": report.honest,
                "wrong": report.wrong,
                "plain": report.plain,
                "counts": report.counts,
                "results": rows,
            }
        )
    )
