"""A row's regular expression over answers, where it cannot hang the run."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from veritune.plugins.types import Cause, Verdict
from veritune.sandbox.workers import Outcome, Status, WorkerPool
from veritune.verifiers.judged import judged

Match: TypeAlias = Literal["full", "search"]

MAX_PATTERN = 20_000
_pool = WorkerPool("veritune.verifiers.structured.patterns:matched", memory_mb=256)
_PATIENCE = 4.0
"""Wall-clock seconds a search may take for every CPU second of its deadline."""


def run(tasks: Sequence[tuple[str, str, Match]], deadline: float) -> list[Outcome]:
    """One outcome a ``(pattern, text, match)``, whose value is whether it matches, or why the pattern is none.

    An expression can take exponential time on an innocent text and holds the interpreter while it does, so it runs in
    a worker process.
    """
    return _pool.run(tasks, cpu=deadline, deadline=_PATIENCE * deadline)


def matched(pattern: str, text: str, match: Match) -> bool | str:
    """In the worker."""
    try:
        compiled = _compiled(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"the pattern is no regular expression: {error}"
    return (compiled.fullmatch(text) if match == "full" else compiled.search(text)) is not None


def late(outcome: Outcome) -> bool:
    """Whether a search outlived its deadline."""
    return outcome.status in (Status.CPU, Status.WALL, Status.QUEUE, Status.MEMORY)


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


class Regex:
    """Whether the whole answer behind the reasoning matches a pattern (``match: search``: a part of it).

    The gold is the pattern, in Python's ``re``. White space around the answer does not count. One that takes more than
    ``deadline`` CPU seconds leaves the sample undecided (``timeout``): that is the pattern's fault.
    """

    def __init__(
        self, *, match: Match = "full", deadline: float = 1.0, prefilled: bool | Literal["auto"] = "auto"
    ) -> None:
        self.match, self.deadline, self.prefilled = match, deadline, prefilled

    def verify(self, completion: str, gold: Any, prompt: str = "") -> Verdict:
        """The verdict on one completion."""
        return self.verify_rows([(completion, gold, prompt)])[0]

    def verify_batch(self, pairs: Sequence[tuple[str, Any]]) -> list[Verdict]:
        """One verdict a ``(completion, gold)`` pair, in order."""
        return self.verify_rows([(completion, gold, "") for completion, gold in pairs])

    def verify_rows(self, rows: Sequence[tuple[str, Any, str]]) -> list[Verdict]:
        """One verdict a ``(completion, pattern, prompt)``."""
        verdicts: dict[int, Verdict] = {}
        tasks: list[tuple[str, str, Match]] = []
        places = []
        for index, (completion, pattern, prompt) in enumerate(rows):
            if not isinstance(pattern, str) or not pattern or len(pattern) > MAX_PATTERN:
                reason = f"the row has no pattern of at most {MAX_PATTERN} characters: {pattern!r:.60}"
                verdicts[index] = Verdict.undecided(Cause.INVALID_GOLD, reason)
                continue
            answer = judged(completion, prompt, self.prefilled)
            if answer is None:  # the pattern is tried all the same: one that is none leaves the sample undecided
                verdicts[index] = Verdict.wrong("the reasoning never ends, so there is no answer")
            tasks.append((pattern, (answer or "").strip(), self.match))
            places.append(index)
        for index, task, outcome in zip(places, tasks, run(tasks, self.deadline), strict=True):
            if index not in verdicts or (outcome.ok and isinstance(outcome.value, str)):
                verdicts[index] = self._verdict(task, outcome)
        return [verdicts[index] for index in range(len(rows))]

    def _verdict(self, task: tuple[str, str, Match], outcome: Outcome) -> Verdict:
        facts = {"extracted": task[1][:200], "expected": task[0][:200]}
        if outcome.ok and isinstance(outcome.value, str):
            return Verdict.undecided(Cause.INVALID_GOLD, outcome.value[:280], **facts)
        if outcome.ok:
            what = "answer" if self.match == "full" else "answer, or a part of it,"
            if outcome.value:
                return Verdict.right(f"the {what} matches the pattern", **facts)
            return Verdict.wrong(f"the {what} does not match the pattern", **facts)
        if late(outcome):
            return Verdict.undecided(Cause.TIMEOUT, f"the pattern takes more than {self.deadline:g} s on this text")
        return Verdict.undecided(Cause.INFRA_ERROR, f"the pattern could not be searched: {outcome.detail}"[:280])
