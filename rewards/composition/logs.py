"""What a trainer's logs get to see of the components."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from veritune.plugins import Cause, Score
from veritune.plugins.watch import Watch
from veritune.rewards.appeal.estimate import as_metrics, tally

UNDECIDED = tuple(cause for cause in Cause if cause is not Cause.NOT_APPLICABLE)

LogMetric = Callable[[str, float], Any]
LogExtra = Callable[[str, list[Any]], Any]


def log_components(
    aliases: Sequence[str],
    scores: Sequence[Score],
    log_metric: LogMetric | None,
    log_extra: LogExtra | None,
    watches: Mapping[str, Watch],
) -> None:
    """Each component's mean over decided samples and share of every undecided cause; its values and reasons.

    Metrics are ``rewards/{alias}/mean`` and ``rewards/{alias}/{cause}``. A share is logged also where it is 0: trainers
    average what they are given over calls. A component without a decided sample has no mean in that call. The share to
    which it does not apply is logged from the first time on that this occurs. ``watches`` warn of components without
    any number. Of second opinions the sums are logged, as ``appeal/{alias}/…``: also as means over calls they give the
    rates.
    """
    for alias in aliases:
        parts: list[Score | None] = [score.parts.get(alias) for score in scores]
        found = [part for part in parts if part is not None]
        if log_extra is not None:  # of a component that was not evaluated too: a trainer keeps what a column had before
            log_extra(alias, [part.value if part is not None else None for part in parts])
            log_extra(f"{alias}_reason", [_reason(part) for part in parts])
        if not found:
            continue
        watch = watches[alias]
        watch.see(found)
        if log_metric is not None:
            for name, value in {**watch.shares(found), **component_metrics(found)}.items():
                log_metric(f"rewards/{alias}/{name}", value)
            if (appeals := tally(found)) is not None:
                for name, value in as_metrics(alias, appeals).items():
                    log_metric(name, value)


def component_metrics(parts: Sequence[Score]) -> dict[str, float]:
    """``mean`` over the decided (absent if there is none) and the shares of undecided causes and starved checks."""
    decided = [part.value for part in parts if part.value is not None]
    causes = Counter(part.cause for part in parts)
    metrics = {"mean": sum(decided) / len(decided)} if decided else {}
    if any(part.verdict is not None for part in parts):
        metrics["starved"] = sum(_starved(part) for part in parts) / len(parts)
    return {**metrics, **{str(cause): causes[cause] / len(parts) for cause in UNDECIDED}}


def _starved(part: Score) -> bool:
    """Whether a busy machine kept a check from its CPU, whatever came of it."""
    return part.verdict is not None and bool(part.verdict.evidence.get("starved"))


def _reason(part: Score | None) -> str:
    if part is None:
        return "not evaluated"
    if part.value is None:
        return f"{part.cause}: {part.reason}" if part.reason else str(part.cause)
    return part.reason
