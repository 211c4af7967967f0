"""A reward in processes of its own that can be ended: what hangs or crashes costs its sample, never the run."""

from __future__ import annotations

import itertools
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from veritune.plugins import Cause, ConfigError, Reward, RewardError, Sample, Score, VerituneError
from veritune.sandbox.workers import Outcome, Status, WorkerPool

ALONE = 60.0
"""CPU seconds of a call where ``isolate`` is asked for without a ``deadline``."""
_LOGS = ("log_metric", "log_extra")

Answer = tuple["list[Score] | VerituneError", "list[tuple[str, tuple[Any, ...]]]"]
"""The scores, or what the reward raised; and its calls of the trainer's log functions."""


class BoundedReward:
    """Scores with ``reward`` in killable processes, each call of it within ``deadline`` seconds.

    A call is one sample; of a reward that takes the whole batch, or a coroutine, the batch, and where that does not
    end, its groups one by one. It may spend ``deadline`` seconds of CPU, and three times that and a second on the
    clock. What does not end is undecided (``timeout``), what ends its process likewise (``infra_error``); exceptions
    are raised here as if it ran here. The reward is loaded, and a class made, once, before the processes are forked.
    """

    def __init__(self, reward: Reward, deadline: float | None) -> None:
        self.reward = reward
        self.deadline = ALONE if deadline is None else deadline
        self.pool = WorkerPool(
            "veritune.rewards.composition.bounded:score_prepared",
            deadline=self.deadline,
            memory_mb=None,
            given=(_Prepared(reward, os.getcwd()),),
        )

    def score_batch(self, samples: Sequence[Sample], **injected: Any) -> list[Score]:
        """One Score a sample, in order. Raises what the reward raises."""
        self.reward.check_ready()
        if not samples:
            return []
        wanted = self.reward.signature.inputs
        logs = {name: injected[name] for name in _LOGS if name in wanted and injected.get(name) is not None}
        passed = {k: v for k, v in injected.items() if k in wanted and k not in _LOGS}
        scores: list[Score] = []
        for part, outcome in self._outcomes(samples, passed, list(logs)):
            scores += self._scores(part, outcome, logs)
        return scores

    def close(self) -> None:
        """End the processes."""
        self.pool.close()

    def _outcomes(
        self, samples: Sequence[Sample], passed: Mapping[str, Any], logs: list[str]
    ) -> list[tuple[list[Sample], Outcome]]:
        parts = [list(samples)] if self._takes_all else [[sample] for sample in samples]
        found = self._run(parts, passed, logs)
        if not self._takes_all or found[0][1].status in (Status.OK, Status.ERROR) or len(samples) == 1:
            return found
        groups = [list(group) for _, group in itertools.groupby(samples, key=lambda sample: sample.prompt)]
        if len(groups) == 1 and not self.reward.batch:
            groups = [[sample] for sample in samples]
        return self._run(groups, passed, logs) if len(groups) > 1 else found

    @property
    def _takes_all(self) -> bool:
        return self.reward.batch or self.reward.is_async

    def _run(
        self, parts: list[list[Sample]], passed: Mapping[str, Any], logs: list[str]
    ) -> list[tuple[list[Sample], Outcome]]:
        read = self.reward.columns_read({name for part in parts for sample in part for name in sample.columns})
        tasks = [([_with_columns(sample, read) for sample in part], passed, logs) for part in parts]
        outcomes = self.pool.run(tasks, cpu=self.deadline, deadline=3 * self.deadline + 1)
        return list(zip(parts, outcomes, strict=True))

    def _scores(self, part: list[Sample], outcome: Outcome, logs: Mapping[str, Any]) -> list[Score]:
        if outcome.ok:
            found, logged = outcome.value
            for name, arguments in logged:
                logs[name](*arguments)
            if isinstance(found, VerituneError):
                raise _with_sample(found, part)
            scores: list[Score] = found
            return scores
        sample = part[0] if len(part) == 1 else None
        if outcome.status is Status.ERROR:  # what was returned cannot leave its process
            raise RewardError(self.reward.name, outcome.detail, sample)
        if outcome.status in (Status.CPU, Status.WALL, Status.QUEUE):
            reason = f"no end within its deadline of {self.deadline:g} s ({outcome.detail})"
            return [Score.none(reason, Cause.TIMEOUT)] * len(part)
        return [Score.none(f"its process ended: {outcome.detail}", Cause.INFRA_ERROR)] * len(part)


def check_boundable(reward: Reward) -> None:
    """Raise ConfigError where a reward cannot run in a process of its own."""
    reward.check_portable()
    if "environments" in reward.signature.inputs:
        raise ConfigError(
            f"reward {reward.name!r} reads the trainer's environments, which stay in the trainer's process"
        )


@dataclass(frozen=True)
class _Prepared:
    """A reward on its way into the processes: loaded where it arrives, in the folder that the run works in."""

    reward: Reward
    folder: str

    def __reduce__(self) -> tuple[Any, ...]:
        return _prepare, (self.reward, self.folder)


def _prepare(reward: Reward, folder: str) -> _Prepared:
    """In the process that the workers are forked from."""
    with suppress(OSError):
        os.chdir(folder)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")  # where memory runs out, these go first, and not the run
    with suppress(VerituneError):
        reward.make()  # what it raises is raised again, and told, with the first sample
    return _Prepared(reward, folder)


def score_prepared(
    prepared: _Prepared, samples: list[Sample], passed: Mapping[str, Any], logs: Sequence[str]
) -> Answer:
    """In a worker."""
    logged: list[tuple[str, tuple[Any, ...]]] = []
    functions = {name: lambda *arguments, name=name: logged.append((name, arguments)) for name in logs}
    try:
        return prepared.reward.score_batch(samples, **passed, **functions), logged
    except VerituneError as error:
        return error, logged


def _with_columns(sample: Sample, read: Collection[str]) -> Sample:
    """The sample with every column that the reward reads: one that only others have is None here, as in a batch."""
    missing = [name for name in read if name not in sample.columns]
    return replace(sample, columns={**dict.fromkeys(missing), **sample.columns}) if missing else sample


def _with_sample(error: VerituneError, part: list[Sample]) -> VerituneError:
    """The error with the very sample that was given, which is how its row is found."""
    if isinstance(error, RewardError) and error.sample is not None:
        same = next((s for s in part if _with_columns(s, error.sample.columns) == error.sample), error.sample)
        return RewardError(error.reward, error.message, same, error.place, error.trace)
    return error
