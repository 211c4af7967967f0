"""Scores candidates in processes that can be ended, and says of each what happened."""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from veritune.lab.search.candidate import Candidate
from veritune.lab.search.worker import Answered, Asked
from veritune.plugins import ConfigError
from veritune.sandbox.workers import Outcome, Status, WorkerPool

Happened: TypeAlias = Literal["scored", "executes", "hangs", "raises"]
FUNCTION = "veritune.lab.search.worker:score_many"
_STARTUP_SECONDS = 60.0
_TIMES = 16
"""So many deadlines for a whole batch."""


@dataclass(frozen=True)
class Tried:
    """A candidate, and what came of it."""

    candidate: Candidate
    happened: Happened
    value: float | None = None
    cause: str = ""
    reason: str = ""


def make_pool(workers: int = 1, deadline: float = 2.0) -> WorkerPool:
    """The processes that a search scores in."""
    return WorkerPool(FUNCTION, workers=workers, deadline=deadline, memory_mb=4096, recycle=10_000)


def packed(reward: Any) -> bytes:
    """The reward for a worker. Raises ConfigError where it cannot be pickled."""
    try:
        return pickle.dumps(reward)
    except Exception as error:
        raise ConfigError(
            f"{reward.name!r} cannot be pickled, so no worker can run it ({error}). Save it to a file of its own."
        ) from error


class Bench:
    """One reward in a pool. ``patience`` is what a completion may take on the clock beside its CPU seconds."""

    def __init__(self, reward: Any, pool: WorkerPool, deadline: float, patience: float) -> None:
        self.packed = packed(reward)
        self.pool, self.deadline, self.patience = pool, deadline, patience
        self.scored = 0

    def ask(self, asked: Sequence[Asked], what: str = "an ordinary completion") -> list[Answered]:
        """The scores of what must be scorable. Raises ConfigError where it is not."""
        found: list[Answered] = []
        for start in range(0, len(asked), 64):
            part = list(asked[start : start + 64])
            outcome = self.pool.run([(self.packed, part)], deadline=_STARTUP_SECONDS)[0]
            if not outcome.ok:
                raise ConfigError(f"the reward fails on {what}: {outcome.status} {outcome.detail}")
            found += outcome.value
        return found

    def run(self, candidates: Sequence[Candidate]) -> list[Tried]:
        """What came of each. A batch that does not end is tried one by one."""
        self.scored += len(candidates)
        if not candidates:
            return []
        outcome = self._outcome(candidates, _TIMES if len(candidates) > 1 else 1)
        if outcome.ok:
            return [_tried(one, answer) for one, answer in zip(candidates, outcome.value, strict=True)]
        if len(candidates) > 1:
            return [tried for one in candidates for tried in self.run([one])]
        if outcome.status in (Status.WALL, Status.QUEUE):  # a busy machine, or the reward's own workers starting
            outcome = self._outcome(candidates, 1)
            if outcome.ok:
                return [_tried(candidates[0], outcome.value[0])]
        slow = outcome.status in (Status.CPU, Status.WALL, Status.QUEUE)
        detail = outcome.detail.splitlines()[0] if outcome.detail else str(outcome.status)
        return [Tried(candidates[0], "hangs" if slow else "raises", reason=detail)]

    def _outcome(self, candidates: Sequence[Candidate], times: int) -> Outcome:
        asked = [question_of(one) for one in candidates]
        cpu = self.deadline * times
        return self.pool.run([(self.packed, asked)], cpu=cpu, deadline=5 * cpu + self.patience * times)[0]


def question_of(candidate: Candidate) -> Asked:
    """What the reward is asked about a candidate."""
    question = candidate.base.question
    prompt = candidate.prompt if candidate.prompt is not None else question.prompt
    return prompt, candidate.text, question.columns


def _tried(candidate: Candidate, answer: Answered) -> Tried:
    value, cause, reason = answer
    if any(piece.canary and os.path.exists(piece.canary) for piece in candidate.pieces):
        return Tried(candidate, "executes", value, cause, reason)
    return Tried(candidate, "raises" if cause == "internal_error" else "scored", value, cause, reason)
