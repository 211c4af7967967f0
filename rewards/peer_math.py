"""math-verify called exactly as open-r1 and TRL call it, in a process that can be killed.

The peers bound a check by an alarm in the main thread and by nothing elsewhere; here CPU time, wall time and memory of
the worker are the bounds. That is the one difference from the peers.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from veritune.plugins.types import Cause
from veritune.sandbox.workers import Outcome, Status, WorkerPool

Mode: TypeAlias = Literal["open-r1/accuracy", "open-r1/shaping", "trl/accuracy"]

CPU_SECONDS = 5.0
WALL_SECONDS = 30.0
_pool = WorkerPool("veritune.rewards.peer_math:check", preload=("veritune.rewards.peer_math:warm",))


@dataclass(frozen=True, slots=True)
class Grade:
    """Right, wrong, or undecided with its cause; INVALID_GOLD where the peer reads nothing in the gold."""

    correct: bool | None
    reason: str
    cause: Cause | None = None


def grades(mode: Mode, completions: Sequence[str], golds: Sequence[Any]) -> list[Grade]:
    """One grade a completion. A gold that is None is unreadable; a number is read as its digits."""
    graded = [Grade(None, "the gold is missing", Cause.INVALID_GOLD)] * len(completions)
    present = [i for i, gold in enumerate(golds) if gold is not None]
    if present:
        tasks = [(mode, completions[i], str(golds[i])) for i in present]
        outcomes = _pool.run(tasks, cpu=CPU_SECONDS, deadline=WALL_SECONDS)
        for i, outcome in zip(present, outcomes, strict=True):
            graded[i] = _grade(outcome)
    return graded


def check(mode: Mode, completion: str, gold: str) -> bool | str:
    """In the worker: whether the peer finds them equal; ``gold`` or ``error`` where it has no opinion."""
    golds = _parse(gold, _gold_options(mode))
    if not golds:
        return "gold"
    answers = _parse(completion, _answer_options(mode))
    from math_verify import verify

    pair = (answers, golds) if mode == "open-r1/shaping" else (golds, answers)
    try:
        return bool(verify(*pair, timeout_seconds=None))
    except Exception:
        if mode == "open-r1/accuracy":
            return "error"
        raise


def _parse(text: str, options: dict[str, Any]) -> list[Any]:
    from math_verify import parse

    found: list[Any] = parse(text, parsing_timeout=None, **options)
    return found


@functools.cache
def _gold_options(mode: Mode) -> dict[str, Any]:
    from math_verify import LatexExtractionConfig

    if mode == "trl/accuracy":
        return {}
    if mode == "open-r1/accuracy":
        return {"extraction_mode": "first_match"}
    return {"extraction_mode": "first_match", "extraction_config": [LatexExtractionConfig()]}


@functools.cache
def _answer_options(mode: Mode) -> dict[str, Any]:
    from latex2sympy2_extended import NormalizationConfig
    from math_verify import LatexExtractionConfig

    if mode == "trl/accuracy":
        normal = NormalizationConfig(units=True)
    else:
        # The shaping rewards say boxed=True, which math-verify takes for neither "all" nor "last".
        boxed: Any = "all" if mode == "open-r1/accuracy" else True
        normal = NormalizationConfig(
            nits=False, malformed_operators=False, basic_latex=True, equations=True, boxed=boxed, units=True
        )
    latex = LatexExtractionConfig(normalization_config=normal, boxed_match_priority=0, try_extract_without_anchor=False)
    return {"extraction_mode": "first_match", "extraction_config": [latex]}


def _grade(outcome: Outcome) -> Grade:
    if outcome.ok:
        if outcome.value == "gold":
            return Grade(None, "the peer reads nothing in the gold", Cause.INVALID_GOLD)
        if outcome.value == "error":
            return Grade(None, "math-verify raised, which the peer leaves without a score", Cause.ABSTAIN)
        return Grade(
            outcome.value, f"math-verify finds the answer {'equal' if outcome.value else 'not equal'} to the gold"
        )
    if outcome.status in (Status.CPU, Status.MEMORY):
        return Grade(False, f"the check spent its {outcome.status} budget on this answer")
    if outcome.status in (Status.WALL, Status.QUEUE):
        return Grade(None, "the check was starved of time", Cause.TIMEOUT)
    return Grade(None, f"the check failed: {outcome.detail}", Cause.INFRA_ERROR)


def warm() -> None:
    """In the worker's parent: fill math-verify's caches before workers are forked from it."""
    check("trl/accuracy", r"\boxed{\frac{1}{2}}", r"$\frac{1}{2}$")
