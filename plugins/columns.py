"""Which dataset column feeds which input of a reward."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from veritune.plugins.errors import ColumnError, ParameterError, did_you_mean

GOLD_COLUMNS = ("gold", "solution", "answer", "ground_truth", "reference_answer")
"""Where a gold is looked for, in this order, unless ``columns: {gold: …}`` names its column."""


def find_column(owner: str, wanted: str, mapping: Mapping[str, str], available: Collection[str]) -> str | None:
    """The column that feeds the input ``wanted``, or None where there is none.

    A column named in ``mapping`` must exist (ColumnError otherwise); ``ground_truth.numbers`` leads into one
    (:func:`value_at`), of which only the column is looked for.
    """
    if wanted in mapping:
        if column_of(mapping[wanted], available) is not None:
            return mapping[wanted]
        raise ColumnError(
            f"{owner}: the column {mapping[wanted]!r} (for {wanted!r}) is not in the data."
            f"{did_you_mean(mapping[wanted], available)} Columns: {_listed(available)}."
        )
    candidates: Iterable[str] = GOLD_COLUMNS if wanted == "gold" else (wanted,)
    return next((name for name in candidates if name in available), None)


def column_of(path: str, available: Collection[str]) -> str | None:
    """The column that a name or dotted path begins with, the longest there is; None where there is none."""
    return next((name for name in reversed(prefixes(path)) if name in available), None)


def prefixes(path: str) -> list[str]:
    """``a``, ``a.b`` and ``a.b.c`` of ``a.b.c``: what its column may be called."""
    steps = path.split(".")
    return [".".join(steps[: n + 1]) for n in range(len(steps))]


def value_at(columns: Mapping[str, Any], path: str) -> Any:
    """The value of a column, or of what a dotted path leads to inside it; None where nothing is there.

    ``ground_truth.numbers`` is the key ``numbers`` of the column ``ground_truth``, ``answers.0`` the first of a list. A
    text that holds a JSON object or array is read as one on the way. A column of the whole name comes first.
    """
    column = column_of(path, columns)
    if column is None:
        return None
    value = columns[column]
    for step in path[len(column) + 1 :].split(".") if len(path) > len(column) else ():
        value = _inside(value, step)
    return value


def _inside(value: Any, step: str) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if isinstance(value, Mapping):
        return value.get(step, value.get(int(step)) if step.isdecimal() else None)
    items = None if isinstance(value, str | bytes | bytearray) else as_list(value)
    if items is not None and step.isdecimal() and int(step) < len(items):
        return items[int(step)]
    return None


def missing_column(owner: str, wanted: str, available: Collection[str], always: Collection[str] = ()) -> ColumnError:
    """The error for an input that no column feeds; ``always`` are inputs that need none (``completion`` …)."""
    if wanted == "gold":
        looked = ", ".join(GOLD_COLUMNS)
        return ColumnError(
            f"{owner} needs a gold answer, and none of the columns {looked} is in the data. Columns: "
            f"{_listed(available)}. Name yours with columns: {{gold: COLUMN}} (command line: --gold COLUMN)."
        )
    there = f" Inputs that need no column: {', '.join(sorted(always))}." if always else ""
    return ColumnError(
        f"{owner} needs a column {wanted!r}.{did_you_mean(wanted, [*always, *available])} "
        f"Columns: {_listed(available)}.{there} Name yours with columns: {{{wanted}: COLUMN}}."
    )


def refuse_parameters(owner: str, given: Mapping[str, Any], parameters: Collection[str], count: int | None) -> None:
    """Raise ParameterError where a parameter's value was passed as if it were a column.

    ``given`` is what a call passed beside completions and prompts, ``parameters`` the names that only a configuration
    sets. A list with a value for each of ``count`` completions is a column of the data that has the same name.
    """
    for name in parameters:
        if name in given and (count is None or len(as_list(given[name]) or ()) != count):
            value = f"{given[name]!r:.40}"
            raise ParameterError(
                f"{owner}: {name!r} is a parameter, and what a call passes are inputs: it would be ignored. Configure "
                f"the reward: get_reward(…, {name}={value}) or reward.with_params({name}={value}); in YAML "
                f"params: {{{name}: {value}}}."
            )


def rows(columns: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """One mapping a sample: lists, arrays and columns of the batch's length are spread, the rest is repeated."""
    lists = {name: as_list(value) for name, value in columns.items()}
    spread = {name: values for name, values in lists.items() if values is not None and len(values) == count}
    same = {name: value for name, value in columns.items() if name not in spread}
    return [{**same, **{name: values[i] for name, values in spread.items()}} for i in range(count)]


def check_lengths(owner: str, columns: Mapping[str, Any], used: Collection[str], count: int) -> None:
    """Raise ValueError where a column that is read has another number of values than there are completions.

    Repeating it whole to every row would hand each completion all golds at once.
    """
    for name in used:
        values = as_list(columns.get(name))
        if values is not None and len(values) != count:
            raise ValueError(f"{owner}: column {name!r} has {len(values)} values for {count} completions")


def as_list(value: Any) -> list[Any] | None:
    """The values of a list, tuple, array, series, tensor or dataset column; None for a single value."""
    if isinstance(value, str | bytes | bytearray | Mapping):
        return None
    if isinstance(value, list | tuple):
        return list(value)
    if hasattr(value, "tolist"):  # numpy, pandas, torch; one of no dimension is a single value
        plain = value.tolist()
        return plain if isinstance(plain, list) else None
    if hasattr(value, "__len__") and hasattr(value, "__getitem__"):
        return list(value)
    return None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(str(n) for n in names)) or "none"
