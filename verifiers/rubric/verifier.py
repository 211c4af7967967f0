"""The verifier ``rubric``: findings on criteria, and the one verdict that they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from veritune.plugins.errors import VerituneError
from veritune.plugins.faults import record
from veritune.plugins.registry import get_reward
from veritune.plugins.types import Cause, Sample, Score, Verdict
from veritune.verifiers.rubric.criteria import Criterion, InvalidCriteria, read_criteria

Ask: TypeAlias = Callable[[Sequence[Sample], Sequence[str]], Sequence[Score]]
"""A judge: for each sample and text of a criterion a score in [0, 1], or None with its cause."""

_EPSILON = 1e-9


@dataclass(frozen=True)
class Met:
    """How far a criterion is met: in [0, 1], or None with its cause."""

    criterion: Criterion
    share: float | None
    reason: str
    cause: Cause | None = None

    def as_evidence(self) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "criterion": self.criterion.label, "weight": self.criterion.weight, "met": self.share,
            "by": self.criterion.use or "judge", "reason": self.reason[:300],
        }  # fmt: skip
        return facts if self.cause is None else {**facts, "cause": str(self.cause)}


class RubricVerifier:
    """Decides by weighted criteria: Σ weight · met / Σ positive weights, in [0, 1] (HealthBench's formula).

    Each criterion is decided by the reward that it names, or by ``ask`` (a judge); without one such criteria are
    undecided. A criterion that is undecided makes the verdict so, unless the score is the same however it would turn
    out. ``pass_at`` is the score from which the verdict is right (0.5), and with ``binary`` only that side counts: an
    undecided criterion that cannot carry the score over it is no matter. ``clip: False`` keeps a negative score.
    """

    def __init__(
        self, *, ask: Ask | None = None, pass_at: float = 0.5, binary: bool = False, clip: bool = True,
        weights: Mapping[str, float] | None = None,
    ) -> None:  # fmt: skip
        self.ask, self.pass_at, self.binary, self.clip, self.weights = ask, pass_at, binary, clip, weights

    def verify(self, completion: str, gold: Any) -> Verdict:
        """The verdict on one completion; the gold is the row's rubric."""
        return self.verify_batch([(completion, gold)])[0]

    def verify_batch(self, pairs: Sequence[tuple[str, Any]]) -> list[Verdict]:
        """One verdict a ``(completion, rubric)`` pair, in order."""
        return self.judge([Sample(completion) for completion, _ in pairs], [gold for _, gold in pairs])

    def judge(self, samples: Sequence[Sample], rubrics: Sequence[Any]) -> list[Verdict]:
        """One verdict a sample. A rubric is a list of :class:`Criterion`, or what a row has."""
        found: list[list[Criterion] | Verdict] = []
        for value in rubrics:
            try:
                found.append(self._criteria(value))
            except InvalidCriteria as error:
                found.append(Verdict.undecided(Cause.INVALID_GOLD, str(error)))
        asked = [(at, one) for at, each in enumerate(found) if not isinstance(each, Verdict) for one in each]
        met: dict[int, list[Met]] = {at: [] for at in range(len(samples))}
        for (at, _), one in zip(asked, self._findings(samples, asked), strict=True):
            met[at].append(one)
        return [each if isinstance(each, Verdict) else self.verdict(met[at]) for at, each in enumerate(found)]

    def _criteria(self, value: Any) -> list[Criterion]:
        if isinstance(value, list) and value and all(isinstance(one, Criterion) for one in value):
            return value
        return read_criteria(value, weights=self.weights)

    def _findings(self, samples: Sequence[Sample], asked: Sequence[tuple[int, Criterion]]) -> list[Met]:
        """What becomes of each criterion; those decided by one reward with the same parameters in one call."""
        groups: dict[str, list[int]] = {}
        for place, (_, one) in enumerate(asked):
            groups.setdefault(one.key if one.use else "", []).append(place)
        found: dict[int, Met] = {}
        for key, places in groups.items():
            chosen = [(samples[asked[place][0]], asked[place][1]) for place in places]
            scores = self._ruled(chosen) if key else self._asked(chosen)
            for place, (_, one), score in zip(places, chosen, scores, strict=True):
                found[place] = _met(one, score)
        return [found[place] for place in range(len(asked))]

    def _asked(self, chosen: Sequence[tuple[Sample, Criterion]]) -> Sequence[Score]:
        if self.ask is None:
            return [Score.none("no judge is configured", Cause.ABSTAIN)] * len(chosen)
        return self.ask([sample for sample, _ in chosen], [one.text for _, one in chosen])

    def _ruled(self, chosen: Sequence[tuple[Sample, Criterion]]) -> Sequence[Score]:
        """The scores of the reward that these criteria name. What the row has wrong is the row's fault."""
        first = chosen[0][1]
        held = [_held(sample, one) for sample, one in chosen]
        try:
            return get_reward(first.use, **first.params).score_batch(held)
        except VerituneError as error:
            if len(held) > 1:
                return [score for one in chosen for score in self._ruled([one])]
            reason = " ".join(str(error).split())[:200]
            return [Score.none(f"the criterion {first.label!r} cannot be checked: {reason}", Cause.INVALID_GOLD)]
        except TypeError as error:
            fault = record("checking a criterion", error, use=first.use, params=str(first.params))
            return [Score.none(fault, Cause.INTERNAL_ERROR)] * len(chosen)

    def verdict(self, met: Sequence[Met]) -> Verdict:
        """The verdict that findings make."""
        if not any(one.criterion.weight > 0 for one in met):
            return Verdict.undecided(Cause.INVALID_GOLD, "no criterion has a weight above 0")
        low = self._score(met, best=False)
        high = self._score(met, best=True)
        evidence: dict[str, Any] = {"criteria": [one.as_evidence() for one in met], "score": round(low, 6)}
        same = high - low <= _EPSILON or (self.binary and (low >= self.pass_at or high < self.pass_at))
        if not same:
            open_ = next(one for one in met if one.share is None and one.criterion.weight)
            evidence["bounds"] = [round(low, 6), round(high, 6)]
            reason = f"{open_.criterion.label!r} is undecided: {open_.reason[:160]}"
            return Verdict.undecided(open_.cause or Cause.ABSTAIN, reason, evidence=evidence)
        sentence = _sentence(met, low)
        return Verdict(low >= self.pass_at, score=min(1.0, max(0.0, low)), reason=sentence, evidence=evidence)

    def _score(self, met: Sequence[Met], *, best: bool) -> float:
        """The score where what is undecided turns out best, or worst."""
        total = 0.0
        for one in met:
            weight = one.criterion.weight
            share = one.share if one.share is not None else float((weight > 0) == best)
            total += weight * share
        score = total / sum(one.criterion.weight for one in met if one.criterion.weight > 0)
        return min(1.0, max(0.0, score)) if self.clip else min(1.0, score)


def _held(sample: Sample, one: Criterion) -> Sample:
    """The sample with the columns that the criterion brings."""
    if not one.columns:
        return sample
    return Sample(sample.completion, sample.prompt, sample.completion_ids, {**sample.columns, **one.columns})


def _met(one: Criterion, score: Score) -> Met:
    if score.value is None:
        cause = score.cause or Cause.ABSTAIN
        return Met(one, None, score.reason, Cause.ABSTAIN if cause is Cause.NOT_APPLICABLE else cause)
    share = score.verdict.score if score.verdict is not None and score.verdict.score is not None else score.value
    return Met(one, min(1.0, max(0.0, share)), score.reason)


def _sentence(met: Sequence[Met], score: float) -> str:
    kept = [one for one in met if one.share is not None and (one.share > 0.5) == (one.criterion.weight > 0)]
    said = f"{score:.2f}: {len(kept)} of {len(met)} criteria as wanted"
    lost = [one for one in met if one not in kept and one.share is not None]
    if not lost:
        return said
    worst = max(lost, key=lambda one: abs(one.criterion.weight))
    what = "not met" if worst.criterion.weight > 0 else "met, and should not be"
    return f"{said}; {what}: {worst.criterion.label!r} ({' '.join(worst.reason.split())[:80]})"
