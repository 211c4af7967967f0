"""The criteria of a row or of a config, in the shapes that public sets have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from veritune.plugins.manager import BUILTIN_ROOMS
from veritune.plugins.registry import resolve, reward_names

WEIGHTS = {"essential": 1.0, "important": 0.7, "optional": 0.3, "pitfall": 0.9}
"""What a weight in words is (Rubrics as Rewards); pitfalls are worded as what is avoided."""
MAX_CRITERIA = 200
MAX_TEXT = 20_000
MAX_WEIGHT = 1e9
"""Sums of weights stay numbers."""
_TEXTS = ("criterion", "description", "text", "rubric", "requirement", "title", "name")
_WEIGHTS = ("points", "weight", "score")


class InvalidCriteria(ValueError):
    """The criteria cannot be read; the message says which and why."""


@dataclass(frozen=True)
class Criterion:
    """One thing that a completion is held to."""

    text: str
    weight: float
    use: str = ""
    """The reward that decides it; empty: the judge does."""
    params: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)
    """Values of columns for this criterion alone: ``{gold: Paris}``."""
    title: str = ""

    @property
    def label(self) -> str:
        """What it is called in reasons."""
        said = " ".join((self.title or self.text or self.use).split())
        return said if len(said) <= 60 else f"{said[:59]}…"

    @property
    def key(self) -> str:
        """Criteria with the same key are scored in one call."""
        return json.dumps([self.use, self.params], sort_keys=True, default=repr)


def read_criteria(value: Any, *, trusted: bool = False, weights: Mapping[str, float] | None = None) -> list[Criterion]:
    """The criteria of HealthBench's ``rubrics``, RaR's ``rubric``, a list of texts, or the JSON text of these.

    A weight is ``points`` or ``weight`` (1 where none is given), a number or one of :data:`WEIGHTS`. ``use`` names the
    reward that decides a criterion, with ``params``, and ``columns`` for it. ``trusted``: it is the user's config,
    which may name any reward; a row names built-in ones that say so of themselves, and sets those of their parameters
    that they say (:meth:`Reward.for_rows`). Raises InvalidCriteria.
    """
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise InvalidCriteria(f"the rubric is no list of criteria: {value!r:.80}") from None
    if isinstance(value, Mapping):
        nested = next((value[name] for name in ("rubrics", "rubric", "criteria") if name in value), None)
        value = nested if nested is not None else [{"title": str(k), **v} for k, v in value.items() if _is_one(v)]
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise InvalidCriteria(f"the rubric is no list of criteria: {value!r:.80}")
    if len(value) > MAX_CRITERIA:
        raise InvalidCriteria(f"the rubric has more than {MAX_CRITERIA} criteria")
    found = [_criterion(item, number, trusted, weights or WEIGHTS) for number, item in enumerate(value, 1)]
    if not trusted and not any(one.weight > 0 for one in found):
        raise InvalidCriteria("no criterion has a weight above 0")
    return found


def _is_one(value: Any) -> bool:
    if not isinstance(value, Mapping):
        raise InvalidCriteria(f"a criterion is an object, got {value!r:.60}")
    return True


def _criterion(item: Any, number: int, trusted: bool, weights: Mapping[str, float]) -> Criterion:
    if isinstance(item, str):
        item = {"criterion": item}
    if not isinstance(item, Mapping):
        raise InvalidCriteria(f"criterion {number} is no object: {item!r:.60}")
    text = next((item[name] for name in _TEXTS if isinstance(item.get(name), str) and item[name].strip()), "")
    use = item.get("use") or ""
    if not isinstance(use, str) or (not text and not use):
        raise InvalidCriteria(f"criterion {number} says nothing: {dict(item)!r:.80}")
    if len(text) > MAX_TEXT:
        raise InvalidCriteria(f"criterion {number} has more than {MAX_TEXT} characters")
    params, columns = item.get("params") or {}, item.get("columns") or {}
    if not isinstance(params, Mapping) or not isinstance(columns, Mapping):
        raise InvalidCriteria(f"criterion {number}: params and columns are objects")
    if use and not trusted:
        allowed = _row_params(use)
        if allowed is None:
            raise InvalidCriteria(f"criterion {number}: a row may not name the reward {use[:40]!r}")
        forbidden = [name for name in params if name not in allowed]
        if forbidden:
            raise InvalidCriteria(f"criterion {number}: a row may not set {str(forbidden[0])[:40]!r} of {use}")
    title = item.get("title") or item.get("name") or ""
    return Criterion(text, _weight(item, number, weights), use, dict(params), dict(columns), str(title))


def _row_params(use: str) -> frozenset[str] | None:
    """What a row may set of a reward; None where it may not name it. Nothing that is not built in is even loaded."""
    return resolve(use).row_params if reward_names().get(use) in BUILTIN_ROOMS else None


def _weight(item: Mapping[str, Any], number: int, weights: Mapping[str, float]) -> float:
    given: Any = next((item[name] for name in _WEIGHTS if item.get(name) is not None), 1.0)
    if isinstance(given, str):
        named = weights.get(given.strip().lower().removesuffix(" criteria"))
        try:
            given = float(given) if named is None else named
        except ValueError:
            raise InvalidCriteria(f"criterion {number}: {given[:40]!r} is no weight") from None
    if isinstance(given, bool) or not isinstance(given, int | float) or not abs(given) <= MAX_WEIGHT:
        raise InvalidCriteria(f"criterion {number}: {given!r:.40} is no weight")
    return float(given)
