"""``veritune audit …``: checks of data and rewards before a run is spent on them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from veritune.cli.audit_code import audit_code
from veritune.cli.audit_data import audit_data
from veritune.cli.rows import Row, open_source
from veritune.plugins.columns import find_column, missing_column, value_at
from veritune.plugins.errors import ParameterError, did_you_mean

if TYPE_CHECKING:
    from veritune.verifiers.math.audit import GoldReport

_FORMATS = ("answer", "solution")
_WHOLE = "data"


class AuditGroup(TyperGroup):
    """``veritune audit DATASET`` is ``veritune audit data DATASET``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "-h", "--help"}:
            args = [_WHOLE, *args]
        return list(super().parse_args(ctx, args))


app = typer.Typer(cls=AuditGroup, no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def audit() -> None:
    """Check data before a run is spent on it: `veritune audit DATASET --config rewards.yaml` makes every check."""


app.command(_WHOLE)(audit_data)
app.command("tests")(audit_code)


@app.command()
def gold(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="JSONL or Parquet; `-` reads JSONL from stdin.")],
    column: Annotated[str | None, typer.Option("--gold", "-g", help="The column with the golds.")] = None,
    gold_format: Annotated[str, typer.Option(help="`answer`, or `solution` for whole worked solutions.")] = "answer",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write every gold's report (JSONL or Parquet).")
    ] = None,
    show: Annotated[int, typer.Option(help="How many golds to list.", min=0)] = 20,
    strict: Annotated[bool, typer.Option(help="Exit with status 1 where a gold is lost or unusable.")] = False,
) -> None:
    """Score every math gold against itself, and say which would be lost or misread in training.

    Example: `veritune audit gold train.jsonl --gold answer --out audit.jsonl`
    """
    from rich.console import Console

    from veritune.cli.output import open_output
    from veritune.verifiers.math import MathVerifier
    from veritune.verifiers.math.audit import audit_golds

    rows = list(open_source(dataset).read(lambda done: None))
    name = _column(rows, column)
    verifier = MathVerifier(gold_format=_gold_format(gold_format))
    reports = audit_golds([value_at(row.data, name) for row in rows], verifier)
    if out is not None:
        with open_output(str(out)) as writer:
            writer.write([_record(row, report) for row, report in zip(rows, reports, strict=True)])
    console = Console(highlight=False)
    _print(console, rows, reports, show)
    if out is not None:
        console.print(f"written to {out}", markup=False)
    if strict and any(report.state in ("lost", "unusable") for report in reports):
        raise typer.Exit(1)


def _column(rows: list[Row], asked: str | None) -> str:
    available = {name for row in rows for name in row.data}
    found = find_column("audit gold", "gold", {"gold": asked} if asked else {}, available)
    if found is None:
        raise missing_column("audit gold", "gold", available)
    return found


def _gold_format(name: str) -> str:
    if name in _FORMATS:
        return name
    raise ParameterError(f"--gold-format {name!r}: one of {', '.join(_FORMATS)}.{did_you_mean(name, _FORMATS)}")


def _record(row: Row, report: GoldReport) -> dict[str, object]:
    identity = {"id": row.data["id"]} if "id" in row.data else {}
    return {
        "row": row.place,
        **identity,
        "gold": report.gold,
        "state": report.state,
        "read_as": list(report.read_as),
        "notes": list(report.notes),
    }


def _print(console: object, rows: list[Row], reports: list[GoldReport], show: int) -> None:
    from rich.console import Console
    from rich.text import Text

    from veritune.cli.tables import plain_table
    from veritune.verifiers.math.audit import STATES

    assert isinstance(console, Console)
    counts = Counter(report.state for report in reports)
    table = plain_table(f"{len(reports):,} golds", "golds", "state", "what it means")
    for state, meaning in STATES.items():
        if counts[state]:
            table.add_row(f"{counts[state]:,}", state, meaning)
    console.print(table)
    order = list(STATES)
    listed = sorted(
        (pair for pair in zip(rows, reports, strict=True) if pair[1].state != "fine"),
        key=lambda pair: -order.index(pair[1].state),
    )
    if not listed or not show:
        return
    table = plain_table("to look at", "row", "state", "gold", "why")
    for row, report in listed[:show]:
        place = row.place.rpartition("/")[2]
        table.add_row(Text(place), report.state, Text(_short(report.gold)), Text(_short("; ".join(report.notes))))
    console.print(table)
    if len(listed) > show:
        console.print(f"… and {len(listed) - show:,} more (--show N lists them, --out FILE keeps them all)")


def _short(value: object, limit: int = 100) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
