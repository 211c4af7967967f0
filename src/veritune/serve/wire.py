"""The wire format of ``POST /score``: samples in, and for each its value or the cause that there is none."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from veritune.plugins import Cause, Sample, Score
from veritune.plugins.errors import did_you_mean
from veritune.plugins.types import is_chat
from veritune.serve.bodies import check_depth
from veritune.serve.errors import Refusal, unfit

SAMPLE_KEYS = ("completion", "prompt", "completion_ids", "columns", "id")
REQUEST_KEYS = ("samples", "id", "deadline", "step", "evaluation", "rewards")
_ID = 200
"""Characters of an id."""


@dataclass(frozen=True)
class Ask:
    """What a request asks: verdicts on samples."""

    samples: list[Sample]
    ids: list[str | int | None] = field(default_factory=list)
    id: str | None = None
    """Of the request: the same id again is the same answer, for nothing."""
    deadline: float | None = None
    step: int | None = None
    evaluation: bool = False
    rewards: tuple[str, ...] | None = None
    """Which components; None: all."""


def read_ask(data: Any, *, batch: int) -> Ask:
    """A parsed body as what it asks. Refusal 422 says where it is wrong, 413 where it has too many samples."""
    _keys(data, REQUEST_KEYS, "the body")
    rows = data.get("samples")
    if not isinstance(rows, list):
        raise unfit(f"samples: a list of samples is expected, got {_kind(rows)}")
    if len(rows) > batch:
        raise Refusal(413, "too_many", f"{len(rows):,} samples; at most {batch:,} at once")
    ids = [_id(row.get("id"), f"samples[{i}].id") if isinstance(row, dict) else None for i, row in enumerate(rows)]
    _distinct(ids)
    request = _id(data.get("id"), "id")
    return Ask(
        [read_sample(row, f"samples[{i}]") for i, row in enumerate(rows)],
        ids,
        None if request is None else str(request),
        _number(data.get("deadline"), "deadline"),
        _whole(data.get("step"), "step"),
        _flag(data.get("evaluation"), "evaluation"),
        _names(data.get("rewards"), "rewards"),
    )


def read_sample(row: Any, where: str) -> Sample:
    """One sample of a body."""
    _keys(row, SAMPLE_KEYS, where)
    if "completion" not in row:
        raise unfit(f"{where}: completion is missing")
    return Sample(
        text_or_chat(row["completion"], f"{where}.completion"),
        None if row.get("prompt") is None else text_or_chat(row["prompt"], f"{where}.prompt"),
        tokens(row.get("completion_ids"), f"{where}.completion_ids"),
        columns_of(row.get("columns"), f"{where}.columns"),
    )


def columns_of(value: Any, where: str) -> dict[str, Any]:
    """Columns of one sample, none of them nested without an end."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise unfit(f"{where}: an object (column: value) is expected, got {_kind(value)}")
    for name, each in value.items():
        check_depth(each, f"{where}.{name[:80]}")
    return value


def text_or_chat(value: Any, where: str) -> Any:
    """A text, or a list of messages with texts or blocks for contents."""
    if isinstance(value, str):
        return value
    if not is_chat(value):
        raise unfit(f"{where}: a text or a list of chat messages is expected, got {_kind(value)}")
    for i, message in enumerate(value):
        content = message.get("content")
        if content is not None and not isinstance(content, str | list):
            raise unfit(f"{where}[{i}].content: a text or a list of blocks is expected, got {_kind(content)}")
        if not isinstance(message.get("role", ""), str):
            raise unfit(f"{where}[{i}].role: a text is expected, got {_kind(message['role'])}")
    check_depth(value, where)
    return value


def tokens(value: Any, where: str) -> list[int] | None:
    """Ids of the completion's tokens."""
    if value is None:
        return None
    if not isinstance(value, list) or not all(type(token) is int for token in value):
        raise unfit(f"{where}: a list of whole numbers is expected")
    return value


def _keys(value: Any, known: Sequence[str], where: str) -> None:
    if not isinstance(value, dict):
        raise unfit(f"{where}: an object is expected, got {_kind(value)}")
    for key in value:
        if key not in known:
            hint = did_you_mean(key[:80], known)
            more = " Columns of the data stand in columns." if known is SAMPLE_KEYS else ""
            raise unfit(f"{where}: unknown key {key[:80]!r}.{hint} Keys: {', '.join(known)}.{more}")


def _id(value: Any, where: str) -> str | int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if not isinstance(value, str) or not 0 < len(value) <= _ID:
        raise unfit(f"{where}: a text of 1 to {_ID} characters or a whole number is expected, got {_kind(value)}")
    return value


def _distinct(ids: Sequence[str | int | None]) -> None:
    given = [each for each in ids if each is not None]
    if len({str(each) for each in given}) != len(given):
        seen: set[str] = set()
        for each in given:
            if str(each) in seen:
                raise unfit(f"samples: the id {str(each)[:80]!r} is given to two samples")
            seen.add(str(each))


def _number(value: Any, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise unfit(f"{where}: a number of seconds above 0 is expected, got {_kind(value)}")
    return float(value)


def _whole(value: Any, where: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 62:
        raise unfit(f"{where}: a whole number from 0 is expected, got {_kind(value)}")
    return value


def _flag(value: Any, where: str) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise unfit(f"{where}: true or false is expected, got {_kind(value)}")


def _names(value: Any, where: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise unfit(f"{where}: a list of names is expected, got {_kind(value)}")
    return tuple(dict.fromkeys(value))


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), f"the number {value!r:.40}")


# -- answers ---------------------------------------------------------------------------------------------------------


def result_of(score: Score) -> dict[str, Any]:
    """A score as it is sent: value, cause, reason, components by name, evidence by component."""
    parts = score.parts or {}
    evidence = {alias: found for alias, part in parts.items() if (found := _evidence(part))}
    if own := _evidence(score):
        evidence = {"": own, **evidence}
    return {
        "value": score.value,
        "cause": None if score.cause is None else str(score.cause),
        "reason": score.reason,
        "components": {alias: _component(part) for alias, part in parts.items()},
        "evidence": evidence,
    }


def no_result(cause: Cause, reason: str) -> dict[str, Any]:
    """A sample that stays undecided for a reason of the server's."""
    return {"value": None, "cause": str(cause), "reason": reason, "components": {}, "evidence": {}}


def _component(part: Score) -> dict[str, Any]:
    return {"value": part.value, "cause": None if part.cause is None else str(part.cause), "reason": part.reason}


def _evidence(score: Score) -> dict[str, Any]:
    verdict = score.verdict
    if verdict is None:
        return {}
    found = {"correct": verdict.correct, "extracted": verdict.extracted, "expected": verdict.expected}
    return {**{k: v for k, v in found.items() if v is not None}, **as_plain(verdict.evidence)}


def as_plain(value: Any, depth: int = 8) -> Any:
    """Any value in JSON's own words; what it has none for, as its text. Never NaN."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if value.bit_length() < 10_000 else f"a whole number of {value.bit_length():,} bits"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth and isinstance(value, Mapping):
        return {str(key): as_plain(each, depth - 1) for key, each in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [as_plain(each, depth - 1) for each in value]
    return str(value)


def answer_of(ask: Ask, results: Sequence[Mapping[str, Any]], identity: str) -> bytes:
    """The body of an answer, ids beside their results. ASCII: half characters of a completion go through unharmed."""
    rows = [
        {"id": name, **result} if name is not None else result for name, result in zip(ask.ids, results, strict=True)
    ]
    found: dict[str, Any] = {"results": rows, "identity": identity}
    if ask.id is not None:
        found["id"] = ask.id
    return json.dumps(found, separators=(",", ":"), allow_nan=False).encode("ascii")
