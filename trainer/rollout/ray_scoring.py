"""Scoring on a Ray cluster: the composed rewards in actors, whole groups to each, results as if scored here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from veritune.plugins import MissingExtraError, RewardError, Sample, Score
from veritune.rewards.composition import RewardSet


class RayRewardSet(RewardSet):
    """A :class:`RewardSet` whose ``score_batch`` runs on ``actors`` actors of a Ray cluster, one CPU each, and no
    more than it has CPUs.

    A started Ray is used, else ``RAY_ADDRESS``, else one is started on this machine. veritune, and the files of rewards
    given by path, must be on every machine. An actor that is lost is started again and its batch scored once more.
    Raises MissingExtraError.
    """

    def __init__(self, inner: RewardSet, actors: int) -> None:
        super().__init__(inner.components, inner.combine, inner.undecided, inner.name)
        try:
            import ray
        except ImportError as error:
            raise MissingExtraError("ray", "ray", "scoring.executor: ray") from error
        self._ray: Any = ray
        if not ray.is_initialized():
            ray.init(log_to_driver=False)
        remote = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=1)(_Scorer)
        # one that the cluster has no CPU for would never start, and its part of a batch would wait for ever
        room = max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._actors = [remote.remote(inner) for _ in range(min(actors, room))]

    def score_batch(
        self, samples: Sequence[Sample], *, step: int | None = None, evaluation: bool = False, **injected: Any
    ) -> list[Score]:
        """The scores in the samples' order. A reward raises and logs there as it would here."""
        log_metric = injected.pop("log_metric", None)
        parts = cut_groups(samples, 4 * len(self._actors))
        pool = self._ray.util.ActorPool(self._actors)
        answers = list(pool.map(lambda actor, part: actor.score.remote(part, step, evaluation, injected), parts))
        for answer in answers:
            if isinstance(answer, RewardError):
                raise answer
        if log_metric is not None:
            for _, logged in answers:
                for name, value in logged:
                    log_metric(name, value)
        return [score for scores, _ in answers for score in scores]

    def close(self) -> None:
        for actor in self._actors:
            self._ray.kill(actor)


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

    def score(
        self, samples: list[Sample], step: int | None, evaluation: bool, injected: dict[str, Any]
    ) -> tuple[list[Score], list[tuple[str, float]]] | RewardError:
        """Scores and what was logged, or what a reward raised."""
        logged: list[tuple[str, float]] = []
        injected = {**injected, "log_metric": lambda name, value: logged.append((name, value))}
        try:
            return self.rewards.score_batch(samples, step=step, evaluation=evaluation, **injected), logged
        except RewardError as error:
            return error
