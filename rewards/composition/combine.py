"""From the components of one sample to its reward."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from veritune.plugins import RewardError, Score
from veritune.rewards.composition.component import CORRECTED
from veritune.rewards.composition.evaluation import undecided


@dataclass(frozen=True)
class Term:
    """A component that counts for this sample."""

    alias: str
    weight: float
    score: Score
    training: bool = True
    """Whether a correction for known errors counts; what is evaluated is not corrected."""

    @property
    def counted(self) -> float:
        """The component's value, corrected where it is."""
        corrected = self.score.parts.get(CORRECTED) if self.training else None
        value = self.score.value if corrected is None else corrected.value
        assert value is not None
        return float(value)

    @property
    def value(self) -> float:
        """Weight times score, of a decided score."""
        return self.weight * self.counted

    def __str__(self) -> str:
        factor = "" if self.weight == 1 else f"{self.weight:g}×"
        return f"{factor}{self.counted:g} {self.alias}"


def combine(how: str, policy: str, terms: Sequence[Term], parts: Mapping[str, Score]) -> Score:
    """The reward of one sample from its counted components ``terms``; ``parts`` are all of them.

    With w the weights and c the values of the components that apply: ``sum`` is Σ w·c, ``product`` Π w·c, ``min``
    min w·c, ``first_decided`` the w·c of the first component that is decided. A component that does not apply is left
    out. An undecided one makes the sample undecided (``policy`` ``sample``) or is left out too (``component``; always
    so for ``first_decided``). With nothing left there is no reward: undecided if a component was, else not applicable.
    """
    decided = [term for term in terms if term.score.value is not None]
    open_ = [term for term in terms if undecided(term.score)]
    if open_ and (not decided or (policy == "sample" and how != "first_decided")):
        first = open_[0]
        assert first.score.cause is not None
        reason = f"{first.alias} is undecided ({first.score.cause}): {first.score.reason}".rstrip(": ")
        return Score(None, reason, cause=first.score.cause, parts=parts)
    if not decided:
        return Score(None, "no component applies", parts=parts)
    if how == "first_decided":
        return Score(_composed("first_decided", decided[:1]), f"decided by {decided[0]}", parts=parts)
    value = _composed(how, decided)
    if how == "sum":
        return Score(value, " + ".join(map(str, decided)), parts=parts)
    if how == "product":
        return Score(value, " · ".join(map(str, decided)), parts=parts)
    return Score(value, f"min({', '.join(map(str, decided))})", parts=parts)


def _composed(how: str, decided: Sequence[Term]) -> float:
    """Raises RewardError where finite values come to something that is no number."""
    values = [term.value for term in decided]
    try:
        found = math.fsum(values) if how == "sum" else math.prod(values) if how == "product" else min(values)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        listed = ", ".join(map(str, decided))
        raise RewardError(decided[0].alias, f"the {how} of {listed} is no finite number; use smaller values or weights")
    return found
