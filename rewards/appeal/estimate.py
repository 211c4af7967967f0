"""From second opinions to error rates, each weighted by one over the chance with which it was asked for.

What the verifier accepted and rejected is known; of each, the share that is truly otherwise is estimated. From both
follow the rates by truth: ``false_accept`` = P(accepted | wrong), ``false_reject`` = P(rejected | right). "Truly" means
what the second opinion says: its own errors are in the rates too.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from veritune.plugins import Score
from veritune.rewards.appeal.opinion import APPEAL

DRAWS = 2000
LEVEL = 0.95


@dataclass
class Tally:
    """Sums over samples, to be added up over steps and processes."""

    accepted: float = 0.0
    """Decided samples above 0."""
    rejected: float = 0.0
    asked: float = 0.0
    """Second opinions asked for."""
    open: float = 0.0
    """Of these: those that came to no verdict, or wait for a person."""
    accepted_right: float = 0.0
    """Weights of second opinions; likewise the next three."""
    accepted_wrong: float = 0.0
    rejected_right: float = 0.0
    rejected_wrong: float = 0.0
    accepted_squares: float = 0.0
    """Of the weights."""
    rejected_squares: float = 0.0

    def decided(self, accepted: bool) -> None:
        """The verifier decided a sample."""
        if accepted:
            self.accepted += 1
        else:
            self.rejected += 1

    def opinion(self, accepted: bool, right: bool | None, probability: float) -> None:
        """A second opinion on one of them; None where it is undecided."""
        self.asked += 1
        if right is None:
            self.open += 1
            return
        weight, side = 1 / probability, "accepted" if accepted else "rejected"
        for name, value in ((f"{side}_{'right' if right else 'wrong'}", weight), (f"{side}_squares", weight * weight)):
            setattr(self, name, getattr(self, name) + value)

    def __add__(self, other: Tally) -> Tally:
        mine, theirs = asdict(self), asdict(other)
        return Tally(**{name: mine[name] + theirs[name] for name in mine})


def tally(scores: Iterable[Score | None]) -> Tally | None:
    """Of one component's scores; None where it has no second opinion."""
    found, any_ = Tally(), False
    for score in scores:
        appeal = None if score is None else score.parts.get(APPEAL)
        if score is None or appeal is None or score.value is None:
            continue
        any_ = True
        found.decided(score.value > 0)
        if appeal.verdict is not None:
            found.opinion(score.value > 0, appeal.verdict.correct, appeal.verdict.evidence["probability"])
    return found if any_ else None


def as_metrics(alias: str, found: Tally) -> dict[str, float]:
    """The sums as metrics of a step: ``appeal/accuracy/accepted_wrong``."""
    return {f"appeal/{alias}/{name}": value for name, value in asdict(found).items()}


def from_metrics(lines: Iterable[Mapping[str, object]]) -> dict[str, list[Tally]]:
    """By component, the tallies of the lines of a log that have any."""
    names = {field.name for field in fields(Tally)}
    found: dict[str, list[Tally]] = {}
    for line in lines:
        steps: dict[str, dict[str, float]] = {}
        for key, value in line.items():
            room, _, rest = key.partition("/")
            alias, _, name = rest.rpartition("/")
            if room == "appeal" and name in names and isinstance(value, int | float):
                steps.setdefault(alias, {})[name] = float(value)
        for alias, values in steps.items():
            found.setdefault(alias, []).append(Tally(**values))
    return found


@dataclass(frozen=True)
class Rate:
    """An estimate with its 95 % interval; None where nothing is known."""

    value: float | None
    low: float = 0.0
    high: float = 1.0

    def __str__(self) -> str:
        return "unknown" if self.value is None else f"{self.value:.1%} ({self.low:.1%} to {self.high:.1%})"


WORDS = {
    "false_accept": "wrong completions that are accepted",
    "false_reject": "right completions that are rejected",
    "wrong_among_accepted": "accepted completions that are wrong",
    "right_among_rejected": "rejected completions that are right",
}
"""What a person calls each of the :class:`Rates`."""


@dataclass(frozen=True)
class Rates:
    """What is known of a verifier's errors."""

    false_accept: Rate
    """Of wrong completions, the share accepted."""
    false_reject: Rate
    """Of right completions, the share rejected."""
    wrong_among_accepted: Rate
    right_among_rejected: Rate
    asked: int
    open: int


def rates(found: Tally) -> Rates:
    """Estimates and intervals: of each side by Jeffreys' posterior with the effective number of opinions (Σw)²/Σw²,
    carried on to the rates by truth."""
    chance = random.Random(0)
    bad_accepted = _share(found.accepted_wrong, found.accepted_right, found.accepted_squares, chance)
    bad_rejected = _share(found.rejected_right, found.rejected_wrong, found.rejected_squares, chance)
    accept, reject = found.accepted, found.rejected

    def false_accept(a: float, b: float) -> float:
        wrong = accept * a + reject * (1 - b)
        return accept * a / wrong if wrong else 0.0

    def false_reject(a: float, b: float) -> float:
        right = reject * b + accept * (1 - a)
        return reject * b / right if right else 0.0

    return Rates(
        _combined(false_accept, bad_accepted, bad_rejected, known=_known(found, accept, reject)),
        _combined(false_reject, bad_accepted, bad_rejected, known=_known(found, accept, reject)),
        _rate(bad_accepted),
        _rate(bad_rejected),
        round(found.asked),
        round(found.open),
    )


@dataclass(frozen=True)
class _Share:
    value: float | None
    draws: list[float]


def _share(bad: float, good: float, squares: float, chance: random.Random) -> _Share:
    total = bad + good
    count = total * total / squares if squares else 0.0
    k = count * bad / total if total else 0.0
    drawn = sorted(chance.betavariate(k + 0.5, count - k + 0.5) for _ in range(DRAWS))
    chance.shuffle(drawn)
    return _Share(bad / total if total else None, drawn)


def _known(found: Tally, accept: float, reject: float) -> bool:
    """Whether both sides that have samples have an opinion on them."""
    return (
        bool(accept or reject)
        and (not accept or found.accepted_squares > 0)
        and (not reject or found.rejected_squares > 0)
    )


def _rate(share: _Share) -> Rate:
    return Rate(share.value, *_interval(share.draws)) if share.value is not None else Rate(None)


def _combined(function: object, one: _Share, two: _Share, *, known: bool) -> Rate:
    assert callable(function)
    drawn = [function(a, b) for a, b in zip(one.draws, two.draws, strict=True)]
    return Rate(function(one.value or 0.0, two.value or 0.0), *_interval(drawn)) if known else Rate(None)


def _interval(drawn: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(drawn)
    cut = round((1 - LEVEL) / 2 * len(ordered))
    return ordered[cut], ordered[-cut - 1]


def risen(tallies: Sequence[Tally]) -> list[str]:
    """Which of the two error rates is surely higher in the later half of the opinions than in the earlier one."""
    total = sum(each.asked - each.open for each in tallies)
    early, late, seen = Tally(), Tally(), 0.0
    for each in tallies:
        if seen < total / 2:
            early += each
        else:
            late += each
        seen += each.asked - each.open
    before, after = rates(early), rates(late)
    found = []
    for name, words in (("false_accept", "accepts wrong completions"), ("false_reject", "rejects right completions")):
        old, new = getattr(before, name), getattr(after, name)
        if old.value is not None and new.value is not None and new.low > old.high:
            found.append(f"{words} more often than before: {old} → {new}")
    return found
