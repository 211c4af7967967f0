"""Scoring on a Ray cluster: the composed rewards in actors, whole groups to each, results as if scored here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from veritune.plugins import Sample, Score
from veritune.plugins.types import Cause
from veritune.rewards.composition.rewardset import RewardSet
from veritune.sandbox.cluster import ClusterUnavailable, Crew, Lost, Plan, Work, say_in_log

_LONGEST_S = 3600.0
_GRACE_S = 5.0

Scored = tuple[list[Score], list[tuple[str, float]]]
"""Scores, and what was logged with them."""


class RayRewardSet(RewardSet):
    """A :class:`RewardSet` whose ``score_batch`` runs on at most ``actors`` actors of a Ray cluster, one CPU each.

    As many work as the cluster has room for, and more when there is more; what is waited for is said (``say``). A
    started Ray is used, else ``RAY_ADDRESS``, else one is started on this machine. veritune, and the files of rewards
    given by path, must be on every machine.

    What a lost actor or machine was scoring is scored again on another one. Groups that lose three actors when scored
    alone are undecided (``infra_error``); so are those on which an actor spent ``timeout`` seconds (an hour where None)
    (``timeout``). Raises MissingExtraError, and ClusterUnavailable where there is no actor for ``wait_s`` seconds.
    """

    def __init__(
        self,
        inner: RewardSet,
        actors: int,
        *,
        timeout: float | None = None,
        wait_s: float = 300.0,
        say: Callable[[str], None] = say_in_log,
    ) -> None:
        super().__init__(inner.components, inner.combine, inner.undecided, inner.name)
        self.seconds = (timeout or _LONGEST_S) + _GRACE_S
        self.crew = Crew(Plan("scoring.executor: ray", _Scorer, (inner,), actors, cpus=1, wait_s=wait_s, say=say))
        self._actors = actors

    def start(self) -> None:
        """Have the actors that there is room for, rather than with the first batch. Raises ClusterUnavailable."""
        self.crew.start()

    def score_batch(
        self, samples: Sequence[Sample], *, step: int | None = None, evaluation: bool = False, **injected: Any
    ) -> list[Score]:
        """The scores in the samples' order. A reward raises and logs there as it would here."""
        log_metric = injected.pop("log_metric", None)
        options = (step, evaluation, injected)
        parts = cut_groups(samples, 4 * self._actors)
        scored = [
            self._score_alone(part, answer, options) if isinstance(answer, Lost) else answer
            for part, answer in zip(parts, self._score(parts, options), strict=True)
        ]
        if log_metric is not None:
            for _, logged in scored:
                for name, value in logged:
                    log_metric(name, value)
        return [score for scores, _ in scored for score in scores]

    def standing(self) -> str:
        """What a call waits for now."""
        return self.crew.standing()

    def close(self) -> None:
        """End the actors."""
        self.crew.close()

    def _score(self, parts: Sequence[Sequence[Sample]], options: tuple[Any, ...]) -> list[Scored | Lost]:
        answers: list[Scored | Lost] = self.crew.map([Work((list(part), *options), self.seconds) for part in parts])
        for answer in answers:
            if isinstance(answer, Lost) and answer.nobody:
                raise ClusterUnavailable(answer.reason)
        return answers

    def _score_alone(self, part: Sequence[Sample], lost: Lost, options: tuple[Any, ...]) -> Scored:
        """A part under which actors were lost, group by group: one that brings actors down costs its own samples."""
        groups = cut_groups(part, len(part))
        again = lost.cause is not Cause.TIMEOUT and len(groups) > 1
        answers = self._score(groups, options) if again else [lost] * len(groups)
        scores: list[Score] = []
        logged: list[tuple[str, float]] = []
        for group, answer in zip(groups, answers, strict=True):
            if isinstance(answer, Lost):
                scores += [Score(None, answer.reason, cause=answer.cause)] * len(group)
            else:
                scores += answer[0]
                logged += answer[1]
        return scores, logged


def cut_groups(samples: Sequence[Sample], parts: int) -> list[list[Sample]]:
    """At most about ``parts`` parts of neighbours; samples of one prompt stay together, as group rewards need."""
    starts = [i for i, sample in enumerate(samples) if i == 0 or sample.prompt != samples[i - 1].prompt]
    every = max(1, -(-len(starts) // parts))
    bounds = [*starts[::every], len(samples)]
    return [list(samples[a:b]) for a, b in pairwise(bounds)]


class _Scorer:
    """In the actor."""

    def __init__(self, rewards: RewardSet) -> None:
        self.rewards = rewards

    def answer(self, samples: list[Sample], step: int | None, evaluation: bool, injected: dict[str, Any]) -> Scored:
        logged: list[tuple[str, float]] = []
        injected = {**injected, "log_metric": lambda name, value: logged.append((name, value))}
        return self.rewards.score_batch(samples, step=step, evaluation=evaluation, **injected), logged
