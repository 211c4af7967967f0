"""Which instructions a row holds, in the forms that data sets have them."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from veritune.verifiers.instructions.check import ArgumentFault

Asked: TypeAlias = list[tuple[str, Mapping[str, Any]]]
"""Instruction ids with their arguments."""

_IDS = ("instruction_id_list", "instruction_id", "instruction_ids", "id")
_LONGEST = 200_000


def asked(ids: Any, kwargs: Any) -> Asked:
    """The instructions of the columns ``instruction_id_list`` and ``kwargs``: lists, arrays or their JSON.

    ``kwargs`` has one mapping (or None) an id, or is one mapping of lists (a column that a table turned round). Raises
    ArgumentFault.
    """
    names = _unpacked(ids)
    names = [names] if isinstance(names, str) else names
    if not _listed(names) or not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise ArgumentFault(f"instruction_id_list is no list of instruction ids: {ids!r:.80}")
    values = _unpacked(kwargs)
    if values is None:
        values = [None] * len(names)
    elif isinstance(values, Mapping):
        values = [values] if len(names) == 1 and not any(map(_listed_of_one, values.values())) else _turned(values)
    if not _listed(values) or len(values) != len(names):
        raise ArgumentFault(f"kwargs are not one mapping for each of {len(names)} instructions: {kwargs!r:.80}")
    read = [_unpacked(value) or {} for value in values]
    for value in read:
        if not isinstance(value, Mapping):
            raise ArgumentFault(f"kwargs has something that is no mapping: {value!r:.80}")
    return [(name.strip(), value) for name, value in zip(names, read, strict=True)]


def asked_by_gold(gold: Any) -> Asked:
    """The instructions of one gold: a mapping of both columns (also as JSON or a Python literal, also in a list)."""
    value = _unpacked(gold)
    if _listed(value) and len(value) == 1:
        value = _unpacked(value[0])
    if not isinstance(value, Mapping):
        raise ArgumentFault(f"the gold holds no instructions: {gold!r:.80}")
    for key in _IDS:
        if key in value:
            return asked(value[key], value.get("kwargs"))
    raise ArgumentFault(f"the gold names no instruction_id_list: {gold!r:.80}")


def _listed(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _listed_of_one(value: Any) -> bool:
    return _listed(value) and len(value) == 1 and not isinstance(value[0], str)


def _turned(values: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """A mapping of lists as a list of mappings."""
    lists = {key: _unpacked(value) for key, value in values.items()}
    if not lists or not all(map(_listed, lists.values())) or len({len(value) for value in lists.values()}) != 1:
        return None
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def _unpacked(value: Any) -> Any:
    """Arrays as lists; a text that is a list or a mapping in JSON or in Python's spelling as that."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{") or len(value) > _LONGEST:
        return value
    for read in (json.loads, ast.literal_eval):
        try:
            return read(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return value
