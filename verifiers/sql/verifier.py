"""The verifier ``sql``."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from veritune.plugins.errors import ParameterError
from veritune.plugins.faults import record
from veritune.plugins.types import Cause, Verdict
from veritune.sandbox.workers import Outcome, Status, WorkerPool
from veritune.verifiers.sql.extraction import Prefilled, query_of
from veritune.verifiers.sql.inside import FUNCTION, Finding, Terms
from veritune.verifiers.sql.rows import GOLD_COLUMNS, InvalidDatabase, present, row_states
from veritune.verifiers.sql.script import is_query, statements

Task: TypeAlias = tuple[tuple[str, ...], str, str | None, Terms]

MAX_QUERY = 50_000
_GOLD_RUNS = 9
"""Runs of a gold beside the query's: its result, its ties, all again with rows the other way round, and other data."""
_SPENT = (Status.CPU, Status.MEMORY)
_CAUSES = {Status.WALL: Cause.TIMEOUT, Status.QUEUE: Cause.TIMEOUT}


class SqlVerifier:
    """Decides whether a query has the gold's result on the row's database.

    A gold is a mapping: ``gold`` (the gold query) and the row's database (:mod:`rows`). ``seconds`` is the CPU time of
    one query, ``max_rows`` bounds its result. ``column_order: any`` lets columns stand in another order, ``duplicates:
    ignore`` compares sets of rows (as BIRD does). ``folder`` holds database files by the row's ``db_id``. Each query
    runs on a fresh copy in a process that can be killed.
    """

    def __init__(
        self,
        *,
        seconds: float = 2.0,
        max_rows: int = 10_000,
        column_order: Literal["same", "any"] = "same",
        duplicates: Literal["count", "ignore"] = "count",
        folder: str | None = None,
        prefilled: Prefilled = "auto",
        workers: int | None = None,
    ) -> None:
        if not seconds > 0 or max_rows < 1:
            raise ParameterError(f"sql: seconds and max_rows are greater than 0, got {seconds!r} and {max_rows!r}")
        self.terms = Terms(float(seconds), int(max_rows), column_order, duplicates)
        self.folder, self.prefilled, self.workers = folder, prefilled, workers

    def verify(self, completion: str, gold: Any, prompt: str = "") -> Verdict:
        """The verdict on one completion."""
        return self.verify_batch([(completion, gold)], [prompt])[0]

    def verify_batch(self, pairs: Sequence[tuple[str, Any]], prompts: Sequence[str] | None = None) -> list[Verdict]:
        """One verdict a ``(completion, gold)`` pair, in order. Equal questions run once."""
        found: list[Verdict | Task] = [
            self._prepared(completion, gold, prompt)
            for (completion, gold), prompt in zip(pairs, prompts or [""] * len(pairs), strict=True)
        ]
        tasks = list(dict.fromkeys(one for one in found if not isinstance(one, Verdict)))
        answers = self._run(tasks)
        return [one if isinstance(one, Verdict) else _verdict(one, answers[one]) for one in found]

    def _prepared(self, completion: str, gold: Any, prompt: str) -> Verdict | Task:
        """What is to be run, or the verdict where nothing is."""
        if not isinstance(gold, Mapping):
            return Verdict.undecided(Cause.INVALID_GOLD, f"the gold is no mapping with gold and database: {gold!r:.80}")
        wanted = next((gold[name] for name in ("gold", *GOLD_COLUMNS) if present(gold.get(name))), None)
        if not isinstance(wanted, str):
            return Verdict.undecided(Cause.INVALID_GOLD, f"the gold query is missing: {wanted!r:.80}")
        try:
            states = tuple(row_states(gold, self.folder))
        except (InvalidDatabase, TypeError, ValueError, AttributeError) as error:
            return Verdict.undecided(Cause.INVALID_GOLD, f"the database cannot be read: {error}")
        facts = {"expected": " ".join(wanted.split())[:400]}
        try:
            query, where = query_of(completion, prompt, prefilled=self.prefilled)
        except Exception as error:  # no text raises: a bug of ours is undecided
            fault = record("looking for a query", error, completion=completion)
            return Verdict.undecided(Cause.INTERNAL_ERROR, fault)
        if query is None:
            return self._unless_gold_fails(states, wanted, Verdict.wrong(where, **facts))
        parts = statements(query) if len(query) <= MAX_QUERY else []
        problem = (
            f"the query has more than {MAX_QUERY} characters" if len(query) > MAX_QUERY
            else f"one statement is asked for, not {len(parts)}" if len(parts) != 1
            else "" if is_query(parts[0]) else f"it is no query: {parts[0].split()[0][:20]!r}"
        )  # fmt: skip
        if problem:
            return self._unless_gold_fails(states, wanted, Verdict.wrong(problem, extracted=query[:400], **facts))
        return states, wanted, parts[0].encode("utf-8", "replace").decode(), self.terms

    def _unless_gold_fails(self, states: tuple[str, ...], gold: str, verdict: Verdict) -> Verdict:
        """A verdict without a run: undecided all the same where the gold is no good."""
        task: Task = (states, gold, None, self.terms)
        answer = self._run([task])[task]
        return verdict if isinstance(answer, Finding) and answer.kind == "right" else _verdict(task, answer)

    def _run(self, tasks: Sequence[Task]) -> dict[Task, Finding | Outcome]:
        """The finding of each task; an Outcome where a worker of ours failed."""
        if not tasks:
            return {}
        pool = shared_pool(self.workers)
        whole = self.terms.seconds * (_GOLD_RUNS + 2) + 20
        outcomes = pool.run(tasks, cpu=whole, deadline=2 * whole)
        found: dict[Task, Finding | Outcome] = {}
        for task, outcome in zip(tasks, outcomes, strict=True):
            found[task] = outcome.value if outcome.ok else outcome
            if outcome.status in _SPENT and task[2] is not None:  # by the query, or by the gold?
                alone: Task = (task[0], task[1], None, task[3])
                gold = self._run([alone])[alone]
                if not isinstance(gold, Finding) or gold.kind == "gold":
                    found[task] = gold
        return found


def _verdict(task: Task, answer: Finding | Outcome) -> Verdict:
    _, gold, query, _ = task
    facts: dict[str, Any] = {
        "expected": " ".join(gold.split())[:400], "extracted": " ".join((query or "").split())[:400] or None
    }  # fmt: skip
    if isinstance(answer, Outcome):
        if answer.status in _SPENT and query is not None:
            return Verdict.wrong(f"the query spent its {answer.status} limit", **facts)
        cause = _CAUSES.get(answer.status, Cause.INFRA_ERROR)
        return Verdict.undecided(cause, f"a worker of ours failed: {answer.status} {answer.detail[:120]}", **facts)
    evidence = {"evidence": dict(answer.facts)}
    if answer.kind == "gold":
        return Verdict.undecided(Cause.INVALID_GOLD, answer.reason, **facts)
    make = Verdict.right if answer.kind == "right" else Verdict.wrong
    return make(answer.reason, **facts, **evidence)


@functools.lru_cache(maxsize=4)
def shared_pool(workers: int | None = None) -> WorkerPool:
    """The process's workers for SQL."""
    warm = ("veritune.verifiers.sql.inside:warm_up",)
    return WorkerPool(FUNCTION, workers=workers, deadline=30.0, memory_mb=2048, preload=warm)
