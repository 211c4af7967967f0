"""Asks the rewards about many completions, in processes that can be ended; one that fails costs itself alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from veritune.lab.search.scoring import FUNCTION, packed
from veritune.lab.search.worker import Asked
from veritune.sandbox.workers import Outcome, Status, WorkerPool

CHUNK = 64


@dataclass(frozen=True)
class Answer:
    """A value, or why there is none."""

    value: float | None
    cause: str = ""
    reason: str = ""
    failed: bool = False
    """The reward raised, hung or crashed."""


class Asker:
    """Rewards in a pool. ``deadline`` is CPU seconds a completion, twice."""

    def __init__(
        self,
        rewards: Any,
        workers: int | None,
        deadline: float,
        progress: Callable[[int], None],
        pool: WorkerPool | None = None,
    ) -> None:
        self.packed, self.deadline, self.progress = packed(rewards), deadline, progress
        self.own = pool is None
        self.pool = pool or WorkerPool(FUNCTION, workers=workers, deadline=deadline, memory_mb=4096, recycle=100_000)

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *_: object) -> None:
        if self.own:
            self.pool.close()

    def ask(self, asked: Sequence[Asked]) -> list[Answer]:
        """One answer each, in order. The same question is asked once."""
        unique: dict[tuple[str, str, int], int] = {}
        order: list[int] = []
        todo: list[Asked] = []
        for one in asked:
            key = (str(one[0]), one[1], id(one[2]))
            if key not in unique:
                unique[key] = len(todo)
                todo.append(one)
            order.append(unique[key])
        found = self._ask(todo)
        return [found[index] for index in order]

    def _ask(self, todo: list[Asked]) -> list[Answer]:
        chunks = [todo[start : start + CHUNK] for start in range(0, len(todo), CHUNK)]
        found: list[Answer] = []
        for chunk, outcome in zip(chunks, self._run(chunks), strict=True):
            found += self._read(outcome) if outcome.ok else self._one_by_one(chunk)
            self.progress(len(chunk))
        return found

    def _one_by_one(self, chunk: list[Asked]) -> list[Answer]:
        outcomes = self._run([[one] for one in chunk])
        again = [i for i, one in enumerate(outcomes) if one.status in (Status.WALL, Status.QUEUE)]
        for index in again:  # a busy machine, or the reward's own workers starting
            outcomes[index] = self._run([[chunk[index]]])[0]
        return [self._read(one)[0] if one.ok else _failure(one) for one in outcomes]

    def _run(self, chunks: list[list[Asked]]) -> list[Outcome]:
        longest = max(map(len, chunks), default=1)
        cpu = self.deadline * min(longest, 16)
        return self.pool.run([(self.packed, chunk) for chunk in chunks], cpu=cpu, deadline=10 * cpu + 60.0)

    def _read(self, outcome: Outcome) -> list[Answer]:
        return [Answer(value, cause, reason) for value, cause, reason in outcome.value]


def _failure(outcome: Outcome) -> Answer:
    detail = outcome.detail.splitlines()[0] if outcome.detail else ""
    slow = outcome.status in (Status.CPU, Status.WALL, Status.QUEUE)
    return Answer(None, "failed", f"the reward {'did not end' if slow else 'raised'}: {detail or outcome.status}", True)
