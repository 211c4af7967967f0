"""The reward ``sql``: the result of a query on the row's database against that of the gold query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import PositiveFloat, PositiveInt

from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score
from veritune.rewards.text import Prefilled


@reward
def sql(
    samples: Sequence[Sample],
    gold: Sequence[Any] | None = None,
    database: Sequence[Any] | None = None,
    *,
    right: float = 1.0,
    wrong: float = 0.0,
    column_order: Literal["same", "any"] = "same",
    duplicates: Literal["count", "ignore"] = "count",
    seconds: PositiveFloat = 2.0,
    max_rows: PositiveInt = 10_000,
    folder: str | None = None,
    prefilled: Prefilled = "auto",
) -> list[Score]:
    """``right`` where the completion's query has the gold's result on every database of its row, else ``wrong``.

    Each query runs in SQLite on a fresh copy in memory, read-only, in a process that can be killed, ``seconds`` of CPU
    and ``max_rows`` at most. Rows are compared as a multiset, in order where the gold's top level has ORDER BY (its
    ties in any); column names are no matter. The gold is a usual column, or ``query``, ``sql``; the database a script
    or tables (``database``, ``db_schema``, ``sql_context``, ``context`` …), ``test_suite`` several of these, ``folder``
    files by ``db_id``. A gold that fails, or finds nothing anywhere, is undecided.

    Source: execution accuracy of Spider and BIRD; test suites of Zhong et al., 2020.
    """
    from veritune.verifiers.sql import SqlVerifier  # its own imports are wanted only where it is used

    verifier = SqlVerifier(
        seconds=seconds, max_rows=max_rows, column_order=column_order, duplicates=duplicates, folder=folder,
        prefilled=prefilled,
    )  # fmt: skip
    rows = [dict(sample.columns) for sample in samples]
    for name, values in (("gold", gold), ("database", database)):
        for row, value in zip(rows, values or (), strict=False):
            row[name] = value
    pairs = [(sample.text, row) for sample, row in zip(samples, rows, strict=True)]
    verdicts = verifier.verify_batch(pairs, [sample.prompt_text for sample in samples])
    return [Score.of(verdict, right, wrong) for verdict in verdicts]


sql.for_rows("right", "wrong", "column_order", "duplicates", "prefilled")
