"""Which dataset column feeds which input of a reward."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from veritune.plugins.errors import ColumnError, did_you_mean

GOLD_COLUMNS = ("gold", "solution", "answer", "ground_truth", "reference_answer")
"""Where a gold is looked for, in this order, unless ``columns: {gold: …}`` names its column."""


def find_column(owner: str, wanted: str, mapping: Mapping[str, str], available: Collection[str]) -> str | None:
    """The column that feeds the input ``wanted``, or None where there is none.

    A column named in ``mapping`` must exist (ColumnError otherwise).
    """
    if wanted in mapping:
        if mapping[wanted] in available:
            return mapping[wanted]
        raise ColumnError(
            f"{owner}: the column {mapping[wanted]!r} (for {wanted!r}) is not in the data."
            f"{did_you_mean(mapping[wanted], available)} Columns: {_listed(available)}."
        )
    candidates: Iterable[str] = GOLD_COLUMNS if wanted == "gold" else (wanted,)
    return next((name for name in candidates if name in available), None)


def missing_column(owner: str, wanted: str, available: Collection[str]) -> ColumnError:
    """The error for an input that no column feeds."""
    if wanted == "gold":
        looked = ", ".join(GOLD_COLUMNS)
        return ColumnError(
            f"{owner} needs a gold answer, and none of the columns {looked} is in the data. Columns: "
            f"{_listed(available)}. Name yours with columns: {{gold: COLUMN}} (command line: --gold COLUMN)."
        )
    return ColumnError(
        f"{owner} needs a column {wanted!r}.{did_you_mean(wanted, available)} Columns: {_listed(available)}. "
        f"Name yours with columns: {{{wanted}: COLUMN}}."
    )


def rows(columns: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """One mapping a sample: lists of the batch's length are spread, everything else is repeated."""
    spread = {k: v for k, v in columns.items() if isinstance(v, list | tuple) and len(v) == count}
    same = {k: v for k, v in columns.items() if k not in spread}
    return [{**same, **{k: v[i] for k, v in spread.items()}} for i in range(count)]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(str(n) for n in names)) or "none"
