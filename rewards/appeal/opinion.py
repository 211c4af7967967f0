"""Asking for a second opinion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from veritune.plugins import Cause, Reward, Sample, Score, Verdict
from veritune.rewards.appeal.sampling import draws, near_miss
from veritune.rewards.appeal.settings import AppealConfig

PERSON = "person"
APPEAL = "appeal"
"""Where a score's ``parts`` hold what the second opinion says."""
NOT_DRAWN = Score(None, "not drawn")


@dataclass(frozen=True)
class Appeal:
    """A second opinion on some of a component's verdicts."""

    config: AppealConfig
    reward: Reward | None
    """None where a person is asked."""

    def add(self, name: str, step: int | None, samples: Sequence[Sample], scores: Sequence[Score]) -> list[Score]:
        """The scores, each decided one with an ``appeal`` part: :data:`NOT_DRAWN`, or a Score whose verdict is the
        second opinion and whose evidence has the ``probability`` with which it was asked for. No value changes."""
        decided = [i for i, score in enumerate(scores) if score.value is not None]
        rate, near = self.config.rate, max(self.config.near, self.config.rate)
        chances = [near if near_miss(samples[i], scores[i]) else rate for i in decided]
        numbers = draws(self.config.seed, name, step, [samples[i] for i in decided])
        asked = {i: p for i, p, u in zip(decided, chances, numbers, strict=True) if u < p}
        opinions = dict(zip(asked, self._ask([samples[i] for i in asked], list(asked.values())), strict=True))
        found = list(scores)
        for i in decided:
            found[i] = replace(scores[i], parts={**scores[i].parts, APPEAL: opinions.get(i, NOT_DRAWN)})
        return found

    def _ask(self, samples: Sequence[Sample], chances: Sequence[float]) -> list[Score]:
        if not samples:
            return []
        if self.reward is None:
            waiting = Score.none("a person is asked", Cause.ABSTAIN)
            return [self._opinion(waiting, chance) for chance in chances]
        second = self.reward.score_batch(samples)
        return [self._opinion(score, chance) for score, chance in zip(second, chances, strict=True)]

    def _opinion(self, score: Score, chance: float) -> Score:
        evidence = {"probability": chance}
        if score.value is None:
            cause = score.cause or Cause.ABSTAIN
            return Score.of(Verdict.undecided(cause, score.reason, evidence=evidence))
        return Score.of(Verdict(score.value > self.config.above, reason=score.reason, evidence=evidence))
