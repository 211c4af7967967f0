"""In the worker: reasoning_gym's own generators and scorers, which may raise, loop or take any memory.

The process starts with ``PYTHONHASHSEED=0``: some generators go through sets, and would otherwise make another entry of
the same seed in every process.
"""

from __future__ import annotations

import copy
import functools
import json
import math
import random
import signal
from collections.abc import Callable, Mapping
from typing import Any

NOT_TASKS = ("composite",)
"""Registered names that are no task of their own."""


NONSENSE = "qqq zzz"
"""What no task's answer is."""


class Refused(ValueError):
    """A task or a configuration that the package does not have; the message is for the person who wrote it."""


def work(order: str, *arguments: Any) -> Any:
    """One order: ``names``, ``fields``, ``draw`` or ``score``."""
    orders: dict[str, Callable[..., Any]] = {"names": names, "fields": fields, "draw": draw, "score": score}
    return orders[order](*arguments)


def warm() -> None:
    """Import the package before the workers are forked."""
    _registry()


def names() -> list[str]:
    """Every task."""
    return sorted(name for name in _registry() if name not in NOT_TASKS)


def fields(name: str) -> dict[str, Any]:
    """What a task can be configured with, and the defaults, as text."""
    import dataclasses

    found = {}
    for field in dataclasses.fields(_classes(name)[1]):
        if field.name not in ("seed", "size"):
            found[field.name] = repr(field.default) if field.default is not dataclasses.MISSING else "…"
    return found


def draw(name: str, config: str, seed: int) -> dict[str, Any]:
    """One entry: ``question``, ``answer`` (None where the package has none), ``metadata`` as JSON where it is any."""
    entry = _entry(name, config, seed)
    try:
        metadata: str | None = json.dumps(entry["metadata"])
    except (TypeError, ValueError):
        metadata = None
    answer = entry["answer"]
    return {"question": entry["question"], "answer": None if answer is None else str(answer), "metadata": metadata}


def score(
    name: str, row: Mapping[str, Any], answer: str | None, seconds: float
) -> tuple[float | None, float | None, str]:
    """The package's score of an answer; that of the entry's own answer where the first is below 1; what went wrong.

    An answer of None (there is none) has 0.

    ``row`` holds ``question``, ``answer`` and ``metadata``, or ``seed`` and ``config`` to make the entry again from.
    The scorer has ``seconds`` of CPU, what it takes to make the entry not counted.
    """
    if row.get("seed") is not None:
        entry = _entry(name, row.get("config") or "{}", int(row["seed"]))
        if row.get("question") is not None and entry["question"] != row["question"]:
            raise Refused("the entry of this seed asks another question: it was made by another version or config")
    else:
        entry = {key: row.get(key) for key in ("question", "answer", "metadata")}
        if not str(entry["answer"] or "").strip() and (_made_entry(name, "{}", 0)["answer"] or "") != "":
            raise Refused(f"the row has no answer, and {name}'s entries have one")
    dataset = _dataset(name, row.get("config") or "{}", 0)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    found, fault = (0.0, "") if answer is None else _asked(dataset, answer, entry)
    own = entry["answer"]
    if found is not None and found >= 1:
        same = isinstance(own, str) and str(answer).strip() == own.strip()
        if not same and (_asked(dataset, NONSENSE, entry)[0] or 0.0) >= 1:
            return None, None, "its scorer gives 1 to any text, and this is not the row's own answer"
        return found, None, ""
    if not isinstance(own, str):
        return found, None, fault
    signal.setitimer(signal.ITIMER_PROF, seconds)
    of_own, own_fault = _asked(dataset, own, entry)
    return found, 0.0 if own_fault else of_own, own_fault or fault


def _asked(dataset: Any, answer: str | None, entry: dict[str, Any]) -> tuple[float | None, str]:
    """What the scorer gives, or how it raised."""
    try:
        return _number(dataset.score_answer(answer, entry)), ""
    except Exception as error:
        return None, f"its scorer raised {type(error).__name__}: {error}"[:300]


def _number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return min(1.0, max(0.0, found)) if math.isfinite(found) else None


def _registry() -> dict[str, tuple[Any, Any]]:
    import reasoning_gym  # noqa: F401  (its import registers every task)
    from reasoning_gym.factory import DATASETS

    registry: dict[str, tuple[Any, Any]] = DATASETS
    return registry


def _classes(name: str) -> tuple[Any, Any]:
    registry = _registry()
    if name not in registry or name in NOT_TASKS:
        import difflib

        near = difflib.get_close_matches(name, registry, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise Refused(f"reasoning_gym has no task {name!r}.{hint} It has {len(names())}: {', '.join(names())}")
    return registry[name]


@functools.lru_cache(maxsize=64)
def _dataset(name: str, config: str, seed: int) -> Any:
    """A dataset of one entry. ``level`` in the config goes through the task's curriculum, if it has one."""
    make, describe = _classes(name)
    settings: dict[str, Any] = dict(json.loads(config))
    level = settings.pop("level", None)
    known = fields(name)
    for key in settings:
        if key not in known:
            raise Refused(f"task {name!r} has no setting {key!r}. Its settings: level, {', '.join(known)}")
    settings = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    if level is not None:
        settings = {**_of_level(name, level), **settings}
    try:
        made = describe(**{**settings, "seed": seed, "size": 1})
        if hasattr(made, "validate"):
            made.validate()
        return make(config=made)
    except Refused:
        raise
    except Exception as error:
        raise Refused(f"task {name!r} cannot be made so: {type(error).__name__}: {error}") from None


def _of_level(name: str, level: Any) -> dict[str, Any]:
    import dataclasses

    from reasoning_gym.factory import create_curriculum, has_curriculum

    if not isinstance(level, int) or isinstance(level, bool) or level < 0:
        raise Refused(f"level is a whole number from 0, got {level!r}")
    if not has_curriculum(name):
        raise Refused(f"task {name!r} has no levels; give its settings: {', '.join(fields(name))}")
    curriculum = create_curriculum(name)
    for attribute in curriculum.attributes:
        highest = len(curriculum.get_attribute(attribute).levels) - 1
        curriculum.set_attr_level(attribute, min(level, highest))
    made = curriculum.generate_configuration({"seed": 0, "size": 1})
    return {field.name: getattr(made, field.name) for field in dataclasses.fields(made) if field.name not in
            ("seed", "size")}  # fmt: skip


def _entry(name: str, config: str, seed: int) -> dict[str, Any]:
    """A copy: a scorer may change what it is given."""
    return copy.deepcopy(_made_entry(name, config, seed))


@functools.lru_cache(maxsize=512)
def _made_entry(name: str, config: str, seed: int) -> dict[str, Any]:
    random.seed(f"{name} {config} {seed}")  # for generators that use the common one beside their own
    entry: dict[str, Any] = _dataset(name, config, seed)[0]
    return entry
