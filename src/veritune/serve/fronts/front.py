"""What a front is: another wire format for the same verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from veritune.plugins import Cause, Sample
from veritune.serve.errors import Refusal, unfit
from veritune.serve.settings import Settings

Result: TypeAlias = "Mapping[str, Any]"
Answer: TypeAlias = "Callable[[Any, Sequence[Result], Settings], Any]"
_PASSING = frozenset({str(Cause.TIMEOUT), str(Cause.INFRA_ERROR)})
"""Causes that another attempt may mend."""


@dataclass(frozen=True)
class Front:
    """One path."""

    path: str
    peer: str
    """Whose convention, and of which version."""
    read: Callable[[Any], Sequence[Sample | None]]
    """A parsed body's samples, None for what the policy wrote not being known. Refusal 422 where it is not that
    convention's."""
    answer: Answer
    """The body, its results and the settings → what is sent."""


def number(result: Result, settings: Settings) -> float:
    """A result's value for a trainer that knows numbers only; the number that was chosen for undecided samples.

    Where none was chosen there is no honest number: Refusal 503 for what may pass, so that a trainer that retries does,
    else 422.
    """
    value = result["value"]
    if value is not None:
        return float(value)
    if settings.undecided is not None:
        return settings.undecided
    said = f"a sample is undecided ({result['cause']}: {result['reason']}), and this trainer takes only numbers"
    if result["cause"] in _PASSING:
        raise Refusal(503, "undecided", f"{said}; ask again", headers={"Retry-After": "1"})
    raise Refusal(422, "undecided", f"{said}: say --undecided NUMBER to stand for such samples")


def component_numbers(result: Result) -> dict[str, float]:
    """Every component's value and whether it has one: ``{name: 0.0, name/known: 0.0}`` where it has none. Means over a
    batch are then mean(name) / mean(name/known)."""
    found: dict[str, float] = {}
    for alias, part in result["components"].items():
        found[alias] = 0.0 if part["value"] is None else float(part["value"])
        found[f"{alias}/known"] = float(part["value"] is not None)
    return found


def mapping(data: Any, where: str = "the body") -> Mapping[str, Any]:
    """``data`` as an object. Refusal 422 for anything else."""
    if not isinstance(data, dict):
        raise unfit(f"{where}: an object is expected")
    return data


def listed(data: Mapping[str, Any], key: str, count: int | None = None) -> list[Any] | None:
    """The list under ``key``, None where there is none. Refusal 422 for another kind, or another length."""
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, list):
        raise unfit(f"{key}: a list is expected")
    if count is not None and len(value) != count:
        raise unfit(f"{key}: {len(value)} values for {count} completions")
    return value
