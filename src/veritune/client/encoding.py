"""Samples as the wire's JSON, and its results as scores."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from veritune.plugins import Cause, Sample, Score, Verdict


@dataclass(frozen=True)
class Part:
    """Samples that are asked for in one request: their places in the batch, and each one's JSON."""

    places: Sequence[int]
    texts: Sequence[bytes]
    groups: Sequence[int]
    """The number of each one's prompt group: a request never ends inside one."""

    def halves(self, inside: bool = False) -> list[Part]:
        """Two parts, or this one where it cannot be divided; ``inside`` a prompt's samples as well."""
        cuts = [i for i in range(1, len(self.places)) if inside or self.groups[i] != self.groups[i - 1]]
        if not cuts:
            return [self]
        cut = min(cuts, key=lambda i: abs(2 * i - len(self.places)))
        return [self._of(slice(0, cut)), self._of(slice(cut, None))]

    def _of(self, which: slice) -> Part:
        return Part(self.places[which], self.texts[which], self.groups[which])


def parts_of(samples: Sequence[Sample], size: int, most: int) -> list[Part]:
    """The batch in parts of ``size`` samples and ``most`` bytes, as near as prompt groups allow. Samples whose
    completion or prompt JSON has no words for are in none."""
    names = dict.fromkeys(name for sample in samples for name in sample.columns)
    texts = [_or_none(sample, names) for sample in samples]
    keys = [sample.prompt if sample.prompt is not None else i for i, sample in enumerate(samples)]
    groups = list(itertools.accumulate(int(i > 0 and keys[i] != keys[i - 1]) for i in range(len(keys))))
    parts: list[Part] = []
    places: list[int] = []
    held = 0
    for _, members in itertools.groupby(range(len(samples)), key=groups.__getitem__):
        unit = [i for i in members if texts[i]]
        cost = sum(len(texts[i]) for i in unit)
        if places and (len(places) + len(unit) > size or held + cost > most):
            parts.append(_part(places, texts, groups))
            places, held = [], 0
        places += unit
        held += cost
    return [*parts, _part(places, texts, groups)] if places else parts


def _or_none(sample: Sample, names: Mapping[str, None]) -> bytes:
    try:
        return encoded(sample, names)
    except (TypeError, ValueError, RecursionError, OverflowError):
        return b""


def _part(places: Sequence[int], texts: Sequence[bytes], groups: Sequence[int]) -> Part:
    return Part(places, [texts[i] for i in places], [groups[i] for i in places])


def encoded(sample: Sample, names: Mapping[str, None] | None = None) -> bytes:
    """A sample as JSON, null for those of ``names`` that it has no column of: no request is of fewer columns than the
    batch. Columns that JSON has no words for (images, objects) are left out: a server that needs one says so."""
    row: dict[str, Any] = {"completion": sample.completion}
    if sample.prompt is not None:
        row["prompt"] = sample.prompt
    if sample.completion_ids is not None:
        row["completion_ids"] = [int(token) for token in sample.completion_ids]
    columns = {**(names or {}), **sample.columns}
    if any(_deep(value) for value in (*columns.values(), row["completion"], row.get("prompt"))):
        return _encoded_plainly(row, columns)
    if columns:
        row["columns"] = columns
    try:
        return json.dumps(row, separators=(",", ":"), allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError):
        return _encoded_plainly(row, columns)


def _encoded_plainly(row: Mapping[str, Any], columns: Mapping[str, Any]) -> bytes:
    plain = {**row, "completion": _plain(row["completion"]), "columns": {}}
    if "prompt" in row:
        plain["prompt"] = _plain(row["prompt"])
    for name, value in columns.items():
        try:
            plain["columns"][str(name)] = _plain(value)
        except (TypeError, ValueError, RecursionError):
            continue
    return json.dumps(plain, separators=(",", ":"), allow_nan=False).encode("ascii")


def _deep(value: Any) -> bool:
    """Whether lists and objects are nested deeper than a server reads; a loop is."""
    level = [value] if isinstance(value, dict | list | tuple) else []
    for _ in range(_DEPTH):
        if not level:
            return False
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list | tuple)
        ]
    return bool(level)


_DEPTH = 32


_BITS = 14_000
"""About 4,200 digits."""


def _plain(value: Any, depth: int = _DEPTH) -> Any:
    """A value in JSON's words: arrays as lists, NaN as null. Raises TypeError where there are none."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > _BITS:
        raise TypeError("no reader of JSON takes a whole number of so many digits")
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth and isinstance(value, Mapping):
        return {str(key): _plain(each, depth - 1) for key, each in value.items()}
    if depth and isinstance(value, list | tuple):
        return [_plain(each, depth - 1) for each in value]
    if depth and hasattr(value, "tolist"):  # numpy, torch
        return _plain(value.tolist(), depth - 1)
    raise TypeError(f"JSON has no words for {type(value).__name__}")


def is_address(url: object) -> bool:
    """Whether this is the address of a server: http or https, a host, and maybe a port."""
    try:
        parts = urlsplit(str(url))
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


class NonsenseError(ValueError):
    """An answer that is none: another number of results, a value that is no number."""


def read_results(data: Any, request: str, count: int) -> list[Score]:
    """The scores in an answer. Raises NonsenseError for anything but ``count`` results to ``request``."""
    if not isinstance(data, dict) or data.get("id") != request:
        raise NonsenseError("it answers another request")
    results = data.get("results")
    if not isinstance(results, list) or len(results) != count:
        raise NonsenseError(f"{len(results) if isinstance(results, list) else 'no'} results for {count} samples")
    return [_score(result) for result in results]


def _mapping(result: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = result.get(key)
    if found is not None and not isinstance(found, dict):
        raise NonsenseError(f"{key} is no object")
    return found or {}


def _score(result: Any) -> Score:
    if not isinstance(result, dict):
        raise NonsenseError("a result is no object")
    if result.get("id") is not None:
        raise NonsenseError("a result has an id that no sample was given")
    components, evidence = _mapping(result, "components"), _mapping(result, "evidence")
    parts = {alias: _one(part, evidence.get(alias)) for alias, part in components.items()}
    return _one(result, evidence.get(""), parts)


def _one(result: Any, evidence: Any, parts: Mapping[str, Score] | None = None) -> Score:
    if not isinstance(result, dict):
        raise NonsenseError("a component is no object")
    value, reason = result.get("value"), str(result.get("reason") or "")
    if value is not None and result.get("cause") is not None:
        raise NonsenseError("a result has a value and a cause that there is none")
    if value is None:
        return Score(None, reason, cause=_cause(result.get("cause")), parts=parts or {})
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise NonsenseError(f"the value {value!r:.40} is no number")
    return Score(float(value), reason, _verdict(evidence, reason), parts=parts or {})


def _cause(word: Any) -> Cause:
    try:
        return Cause(word)
    except ValueError:  # of a newer server
        return Cause.INFRA_ERROR


def _verdict(evidence: Any, reason: str) -> Verdict | None:
    """The verdict behind a score, where the server sent one that is decided."""
    if not isinstance(evidence, dict) or not isinstance(evidence.get("correct"), bool):
        return None
    rest = {key: value for key, value in evidence.items() if key not in ("correct", "extracted", "expected")}
    texts = {key: evidence[key] for key in ("extracted", "expected") if isinstance(evidence.get(key), str)}
    return Verdict(evidence["correct"], reason=reason, evidence=rest, **texts)
