"""What a worker does: score a chunk of samples, where a fault of one costs that one alone."""

from __future__ import annotations

import gc
import itertools
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

from veritune.cli.crew import Fault, Terms, score_units
from veritune.plugins import Cause, ConfigError, Sample, VerituneError
from veritune.plugins.errors import did_you_mean
from veritune.rewards.composition import RewardSet
from veritune.serve.wire import no_result, result_of

Result: TypeAlias = "dict[str, Any]"


@dataclass(frozen=True)
class How:
    """How samples are scored; equal ones may be kept together."""

    step: int | None = None
    evaluation: bool = False
    rewards: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Refused:
    """Instead of results: the request cannot be scored as it stands."""

    message: str


@dataclass(frozen=True)
class Prepared:
    """The rewards on their way into the workers: loaded where they arrive, in the folder that the server works in."""

    rewards: RewardSet
    folder: str

    def __reduce__(self) -> tuple[Any, ...]:
        return prepare, (self.rewards, self.folder)


def prepare(rewards: RewardSet, folder: str) -> Prepared:
    """In the process that workers are forked from: what can be loaded once is."""
    with suppress(OSError):
        os.chdir(folder)
    for component in rewards.components:
        with suppress(VerituneError):
            component.reward.make()  # what it raises is told with the first sample
    gc.collect()
    gc.freeze()  # what is loaded is never garbage: workers neither look through it nor copy its pages
    return Prepared(rewards, folder)


def score_chunk(prepared: Prepared, samples: list[Sample], how: How) -> list[Result] | Refused:
    """One result a sample, in order. What a reward raises leaves its own samples undecided (``internal_error``)."""
    try:
        rewards = chosen(prepared.rewards, how.rewards)
        units = units_of(samples, whole_groups(rewards))
        found = score_units(rewards, units, Terms(how.step, how.evaluation, tolerant=True))
    except ConfigError as error:  # a column that is not there, a step that is not said
        return Refused(str(error))
    except VerituneError as error:
        return [no_result(Cause.INTERNAL_ERROR, str(error))] * len(samples)
    return [
        no_result(Cause.INTERNAL_ERROR, score.error) if isinstance(score, Fault) else result_of(score)
        for score in found
    ]


def whole_groups(rewards: RewardSet) -> bool:
    """Whether the samples of a prompt must be scored together. Built-in rewards declare it, of others it may have to be
    presumed."""
    return any(
        component.whole_groups(presume=not component.reward.function.__module__.startswith("veritune."))
        for component in rewards.components
    )


def units_of(samples: Sequence[Sample], whole: bool) -> list[list[Sample]]:
    """What must be scored together: neighbours with one prompt, or each sample alone."""
    if not whole:
        return [[sample] for sample in samples]
    return [list(group) for _, group in itertools.groupby(samples, key=lambda sample: sample.prompt)]


def chunks_of(samples: Sequence[Sample], whole: bool, size: int) -> list[list[Sample]]:
    """Units, as many at once as have ``size`` samples."""
    chunks: list[list[Sample]] = []
    for unit in units_of(samples, whole):
        if chunks and len(chunks[-1]) + len(unit) <= size:
            chunks[-1] += unit
        else:
            chunks.append(list(unit))
    return chunks


@lru_cache(maxsize=64)
def _chosen(rewards: RewardSet, names: tuple[str, ...]) -> RewardSet:
    for name in names:
        if name not in rewards.aliases:
            known = ", ".join(rewards.aliases)
            raise ConfigError(
                f"rewards: no component {name!r}.{did_you_mean(name[:80], rewards.aliases)} Known: {known}."
            )
    needed = list(names)
    for name in needed:  # gates of gates too: the list grows while it is gone through
        needed += [gate for gate in rewards.component(name).config.gate if gate not in needed]
    components = tuple(
        each if each.alias in names else replace(each, config=each.config.model_copy(update={"weight": 0.0}))
        for each in rewards.components
        if each.alias in needed
    )
    return RewardSet(components, rewards.combine, rewards.undecided, rewards.name)


def chosen(rewards: RewardSet, names: tuple[str, ...] | None) -> RewardSet:
    """The same composition of these components alone; gates that they need are evaluated and do not count.

    Raises ConfigError for a name that is not there.
    """
    return rewards if names is None else _chosen(rewards, names)
