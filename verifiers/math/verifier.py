"""The math verifier: completions and golds in, verdicts out, in batches and within time."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args, get_origin, get_type_hints

from veritune.plugins.errors import ParameterError, did_you_mean
from veritune.plugins.faults import record
from veritune.plugins.types import Cause, Verdict
from veritune.sandbox.workers.machine import available_cpus
from veritune.verifiers.math.batch import Batch, GoldState, Pair, at_a_glance
from veritune.verifiers.math.executor import Executor, make_executor
from veritune.verifiers.math.extraction.extract import Extraction, extract
from veritune.verifiers.math.finding import BoundedCache, Finding
from veritune.verifiers.math.gold import Golds, read_golds
from veritune.verifiers.math.judge import Task
from veritune.verifiers.math.options import MathOptions
from veritune.verifiers.math.values.units import dimension

_CPU_SHARE = 0.5
"""Of the deadline: the CPU budget of one comparison. The rest absorbs a busy machine, and the gold tried alone."""
_GOLD_SHARE = 0.5
"""Of the deadline: the wall clock of a gold tried alone, after an answer that spent its budget."""
_PATIENCE = 4
"""Deadlines of wall clock for a check that a busy machine starved the first time; its CPU budget stays."""
_SHOWN = 400
_FAULT = "internal fault"


class MathVerifier:
    """Decides whether the final answer of a completion equals the gold.

    ``deadline`` is the wall-clock seconds of one comparison from the start of its work (half of them CPU). Only what
    cannot take long (plain numbers and words) is compared in this process; the rest in killable workers. ``workers``
    defaults to the machine's CPUs, ``memory_mb`` is what a comparison may take. ``cache`` bounds the findings that are
    remembered across calls (0: none). ``executor`` is ``local`` or ``ray``. Further keywords are fields of
    :class:`MathOptions`, e.g. ``gold_format="solution"``.

    Picklable; usable from any thread, asyncio, forked and spawned processes.
    """

    def __init__(
        self,
        options: MathOptions | None = None,
        *,
        deadline: float = 1.0,
        workers: int | None = None,
        memory_mb: int = 1024,
        cache: int = 65_536,
        executor: str = "local",
        **fields: Any,
    ) -> None:
        if not deadline > 0:
            raise ParameterError(f"deadline is a number of seconds greater than 0, got {deadline!r}")
        self.options = with_fields(options or MathOptions(), fields)
        self.deadline = float(deadline)
        self.workers = workers
        self.memory_mb = memory_mb
        self.executor_name = executor
        self.executor: Executor = make_executor(executor, workers, memory_mb)
        self._findings: BoundedCache[Finding] = BoundedCache(cache)
        self._golds: BoundedCache[GoldState] = BoundedCache(max(cache, 1024))
        self._readings: BoundedCache[Golds] = BoundedCache(cache)
        self._started_in = 0

    def warm(self) -> None:
        """Start the workers and wait until they answer: otherwise the first hard question waits for it (1–2 s)."""
        size = 2 * (self.workers or available_cpus())
        tasks: list[Task] = [("answer", f"x+{n}", f"x+{n + 1}", self.options) for n in range(size)]
        self.executor.start()
        self.executor.run(tasks, cpu=30.0, deadline=60.0)

    def verify(self, completion: str, gold: Any, prompt: str = "") -> Verdict:
        """The verdict on one completion. ``gold``: an answer, or a list of acceptable ones."""
        self._start()
        question = _Question(self._extract(completion, prompt), self._read(gold, {}))
        if len(question.pairs) == 1 and not question.faulty:
            finding = at_a_glance(*question.pairs[0], self.options)
            if finding is not None:
                return question.found(finding)
        return self._settled([question])[0]

    def verify_batch(self, pairs: Sequence[tuple[str, Any]], prompts: Sequence[str] | None = None) -> list[Verdict]:
        """One verdict a ``(completion, gold)`` pair, in order. Equal questions are answered once.

        With ``prompts``, what a completion copies from its prompt is no answer, and one that the prompt left inside
        its reasoning must end that first.
        """
        self._start()
        return self._settled(self._questions(pairs, prompts))

    def _settled(self, questions: list[_Question]) -> list[Verdict]:
        batch = self._batch(questions)
        while tasks := batch.tasks():
            batch.absorb(self.executor.run(tasks, **self._limits(batch)))
        return [question.verdict(batch) for question in questions]

    async def averify_batch(
        self, pairs: Sequence[tuple[str, Any]], prompts: Sequence[str] | None = None
    ) -> list[Verdict]:
        """``verify_batch`` without blocking the event loop while workers compute."""
        self._start()
        questions = self._questions(pairs, prompts)
        batch = self._batch(questions)
        while tasks := batch.tasks():
            batch.absorb(await self.executor.arun(tasks, **self._limits(batch)))
        return [question.verdict(batch) for question in questions]

    def _start(self) -> None:
        """Have workers ready before the first hard question; once a process."""
        if self._started_in != os.getpid():
            self.executor.start()
            self._started_in = os.getpid()

    def _questions(self, pairs: Sequence[tuple[str, Any]], prompts: Sequence[str] | None) -> list[_Question]:
        extracted: dict[tuple[str, str], Extraction] = {}
        read: dict[str, Golds] = {}
        questions = []
        for (completion, gold), prompt in zip(pairs, prompts or [""] * len(pairs), strict=True):
            found = extracted.get((completion, prompt))
            if found is None:
                found = extracted[completion, prompt] = self._extract(completion, prompt)
            questions.append(_Question(found, self._read(gold, read)))
        return questions

    def _extract(self, completion: str, prompt: str) -> Extraction:
        try:
            return extract(completion, self.options, prompt)
        except Exception as error:  # no text raises: a bug of ours is undecided
            return Extraction(None, _FAULT, (), record("reading a completion", error, completion=completion))

    def _read(self, gold: Any, read: dict[str, Golds]) -> Golds:
        """The golds of one row; texts are read once a batch and remembered across calls."""
        if not isinstance(gold, str):
            return self._golds_of(gold)
        golds = read.get(gold) or self._readings.get(gold)
        if golds is None:
            golds = self._golds_of(gold)
            self._readings.put(golds, gold)
        read[gold] = golds
        return golds

    def _golds_of(self, gold: Any) -> Golds:
        try:
            return read_golds(gold, self.options)
        except Exception as error:  # the same for the gold's text
            return Golds((), record("reading a gold", error, gold=gold), faulty=True)

    def _batch(self, questions: list[_Question]) -> Batch:
        pairs = [pair for question in questions for pair in question.pairs]
        options = self.options
        if options.gold_format != "answer":
            options = dataclasses.replace(options, gold_format="answer")  # the golds were taken out already
        return Batch(pairs, options, self._findings, self._golds)

    def _limits(self, batch: Batch) -> dict[str, float]:
        if batch.trying_golds:
            return {"cpu": self.deadline * _GOLD_SHARE * 0.8, "deadline": self.deadline * _GOLD_SHARE}
        patience = _PATIENCE if batch.trying_again else 1
        return {"cpu": self.deadline * _CPU_SHARE, "deadline": self.deadline * patience}

    def __getstate__(self) -> dict[str, Any]:
        return {**{k: v for k, v in vars(self).items() if k != "executor"}, "_started_in": 0}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.executor = make_executor(self.executor_name, self.workers, self.memory_mb)

    def __repr__(self) -> str:
        return f"MathVerifier(deadline={self.deadline}, executor={self.executor_name!r})"


class _Question:
    """One completion's answer and its golds."""

    __slots__ = ("extraction", "golds", "pairs")

    def __init__(self, extraction: Extraction, golds: Golds) -> None:
        self.extraction = extraction
        self.golds = golds
        self.pairs: list[Pair] = []
        for gold in golds.answers:
            answer = extraction.against(gold)
            if answer is not None:
                self.pairs.append((answer, gold))

    @property
    def faulty(self) -> bool:
        """Whether a fault of ours kept the completion or the gold from being read."""
        return self.golds.faulty or self.extraction.marker == _FAULT

    def verdict(self, batch: Batch) -> Verdict:
        if self.faulty:
            reason = self.golds.problem if self.golds.faulty else self.extraction.reason
            return Verdict.undecided(Cause.INTERNAL_ERROR, reason, evidence={"stage": "extraction"})
        if not self.golds.answers:
            return Verdict.undecided(Cause.INVALID_GOLD, self.golds.problem, evidence={"stage": "gold"})
        if not self.pairs:
            reason = self.extraction.reason or "no final answer found"
            return Verdict.wrong(reason, expected=_shown(self.golds.shown), evidence={"stage": "extraction"})
        return self.found(_best([batch.found[pair] for pair in self.pairs]))

    def found(self, finding: Finding) -> Verdict:
        """The verdict that a finding about the answer makes."""
        extraction = self.extraction
        return Verdict(
            finding.correct,
            finding.cause,
            extracted=_shown(extraction.answer or extraction.raw),
            expected=_shown(self.golds.shown),
            reason=finding.reason,
            evidence={"stage": finding.stage, "extraction": extraction.marker, **finding.evidence},
        )


def _best(findings: list[Finding]) -> Finding:
    """Of several acceptable golds: right if any is right, undecided if any is undecided, else wrong."""
    for correct in (True, None):
        for finding in findings:
            if finding.correct is correct:
                return finding
    return findings[0]


def with_fields(options: MathOptions, fields: dict[str, Any]) -> MathOptions:
    """``options`` with some fields replaced. Raises ParameterError for a field that is not there."""
    known = [field.name for field in dataclasses.fields(MathOptions)]
    for name in fields:
        if name not in known:
            raise ParameterError(
                f"verifier 'math' has no parameter {name!r}.{did_you_mean(name, known)} Options: {', '.join(known)}."
            )
    if isinstance(fields.get("unit_table"), Mapping):
        fields = {**fields, "unit_table": tuple(fields["unit_table"].items())}
    _check_values(fields)
    return dataclasses.replace(options, **fields) if fields else options


def _check_values(fields: dict[str, Any]) -> None:
    """Raise ParameterError for a value that a field with fixed values does not have, and for an unknown unit."""
    for name, kind in get_type_hints(MathOptions).items():
        allowed = get_args(kind) if get_origin(kind) is Literal else ()
        if allowed and name in fields and fields[name] not in allowed:
            given = fields[name]
            raise ParameterError(
                f"verifier 'math': {name} is one of {', '.join(map(repr, allowed))}, got {given!r}."
                f"{did_you_mean(str(given), [str(value) for value in allowed])}"
            )
    try:
        dimension("m", tuple(tuple(line) for line in fields.get("unit_table", ())))
    except (ValueError, TypeError) as error:
        raise ParameterError(f"verifier 'math': unit_table: {error}") from None


@functools.lru_cache(maxsize=32)
def shared_verifier(options: MathOptions | None = None, **parameters: Any) -> MathVerifier:
    """The process's one verifier with these parameters: rewards that share it share its workers and memory."""
    return MathVerifier(options, **parameters)


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
