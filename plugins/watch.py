"""A reward under a trainer that says nothing of missing numbers: warn once where none ever comes, and why."""

from __future__ import annotations

import warnings
import weakref
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from veritune.plugins.types import Cause, Score

FIRST = 8
"""Completions without a single number after which a warning is given at the beginning of a run …"""
LATER = 1000
"""… and in a row, where there had been numbers before."""

_CURES = {
    Cause.INVALID_GOLD: "look at the gold's column (columns: {gold: …}) and its form; `veritune audit gold` lists them",
    Cause.TIMEOUT: "give it more time, or fewer completions at once; `veritune doctor` says what this machine can do",
    Cause.INFRA_ERROR: "`veritune doctor` says what works here",
    Cause.INTERNAL_ERROR: "a fault of veritune's: please report it",
    Cause.ABSTAIN: "let a second reward decide these (combine: first_decided)",
    Cause.NOT_APPLICABLE: "if that is not meant, look for a missing `return`, or at `where:`",
}


class Watch:
    """Counts the scores of one reward in a run, and warns once where none of them is a number.

    A trainer leaves such completions out in silence, and trains on without the reward. Plain data: it pickles.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.decided = 0
        self.missing: Counter[Cause] = Counter()
        """Causes since the last number."""
        self.reasons: dict[Cause, str] = {}
        self.met: set[Cause] = set()
        """Every cause that has ever occurred."""
        self.warned = False

    def see(self, scores: Sequence[Score]) -> None:
        """Note the scores of one call. Warns where there have been none for long enough."""
        for score in scores:
            if score.value is not None:
                self.decided += 1
                self.missing.clear()
            elif score.cause is not None:
                self.missing[score.cause] += 1
                self.met.add(score.cause)
                self.reasons[score.cause] = score.reason
        if not self.warned and self.missing.total() >= (LATER if self.decided else FIRST):
            self.warned = True
            warnings.warn(self.finding(), stacklevel=3)

    def finding(self) -> str:
        """What is missing, why, and what would cure it."""
        which = "last" if self.decided else "first"
        return (
            f"veritune: reward {self.name!r} gave no number for any of the {which} {self.missing.total()} completions: "
            f"they are trained without it. {why(self.missing, self.reasons)}."
        )

    def shares(self, scores: Sequence[Score]) -> dict[str, float]:
        """The share of each cause in one call; of every cause from the first time on that it occurred."""
        counts = Counter(score.cause for score in scores)
        return {str(cause): counts[cause] / len(scores) for cause in Cause if cause in self.met and scores}


def why(causes: Counter[Cause], reasons: Mapping[Cause, str] | None = None) -> str:
    """Every cause with its count, a reason where there is one, and what would cure it."""
    said = []
    for cause, count in causes.most_common():
        reason = (reasons or {}).get(cause)
        said.append(f"{count} {cause}{f' ({reason})' if reason else ''}: {_CURES[cause]}")
    return "; ".join(said)


_callers: dict[str, tuple[weakref.ref[Any], int]] = {}
_namesakes: set[str] = set()


def notice_namesakes(reward: Any, injected: Mapping[str, Any]) -> None:
    """Warn once where a trainer calls two rewards of one name in the same run: it logs them as one."""
    state = injected.get("trainer_state")
    if state is None:
        return
    name = reward.name
    other, run = _callers.get(name, (None, 0))
    found = other() if other is not None else None
    if found is not None and found is not reward and run == id(state) and name not in _namesakes:
        _namesakes.add(name)
        warnings.warn(
            f"veritune: two rewards of this run are called {name!r}, and the trainer logs them as one. Name one: "
            f'get_reward(…, name="{name}_2").',
            stacklevel=3,
        )
    _callers[name] = weakref.ref(reward), id(state)


def log_causes(watch: Watch, scores: Sequence[Score], log_metric: Callable[[str, float], Any] | None) -> None:
    """Log ``rewards/{name}/{cause}`` for the causes that this reward has met in the run."""
    if log_metric is not None:
        for cause, share in watch.shares(scores).items():
            log_metric(f"rewards/{watch.name}/{cause}", share)
