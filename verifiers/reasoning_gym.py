"""The scorers of the real package ``reasoning_gym``, in a process that can be ended; and entries of its tasks."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from veritune.plugins.errors import ConfigError, MissingExtraError
from veritune.plugins.faults import record
from veritune.plugins.types import Cause, Verdict
from veritune.sandbox.workers import Outcome, Status, WorkerPool
from veritune.verifiers.puzzles.answer import denied, places

PREFIX = "reasoning_gym/"
"""How a row or a config names a task of it: ``reasoning_gym/chain_sum``."""
DEADLINE = 2.0
"""CPU seconds of one scoring."""
DRAW_SECONDS = 30.0
"""CPU seconds of making one entry."""
MAX_ANSWER = 20_000
_NAMES = ("task", "source_dataset", "dataset_name", "dataset", "data_source")


@cache
def _pool() -> WorkerPool:
    return WorkerPool(
        "veritune.verifiers.reasoning_gym_worker:work",
        deadline=DEADLINE,
        preload=("veritune.verifiers.reasoning_gym_worker:warm",),
        memory_mb=2048,
        environment={"PYTHONHASHSEED": "0", "MPLBACKEND": "agg"},
    )


def require() -> None:
    """Raise MissingExtraError where the package is not installed."""
    if importlib.util.find_spec("reasoning_gym") is None:
        raise MissingExtraError("reasoning-gym", "reasoning-gym", "reasoning_gym")


def _asked(*order: Any, seconds: float) -> Any:
    require()
    outcome = _pool().run([order], cpu=seconds, deadline=4 * seconds + 10)[0]
    if not outcome.ok:
        kind, _, said = outcome.detail.partition(": ")
        raise ConfigError(said if kind == "Refused" else f"reasoning_gym: {outcome.status}: {outcome.detail}")
    return outcome.value


def task_names() -> list[str]:
    """Every task of the installed package. Raises MissingExtraError."""
    names: list[str] = _asked("names", seconds=DRAW_SECONDS)
    return names


def settings(name: str) -> dict[str, str]:
    """What a task can be configured with, and the defaults as text. Raises ConfigError for an unknown task."""
    found: dict[str, str] = _asked("fields", name, seconds=DRAW_SECONDS)
    return found


def draw(name: str, config: str, seed: int) -> dict[str, Any]:
    """One entry of a task: always the same for its configuration (JSON) and seed. Raises ConfigError."""
    entry: dict[str, Any] = _asked("draw", name, config, seed, seconds=DRAW_SECONDS)
    return entry


class ReasoningGymVerifier:
    """Asks a task's own scorer. A gold is the row: its ``question``, ``answer`` and ``metadata``, and the task's name.

    Right where the score is 1; the score itself is the verdict's. Undecided where the scorer raises, gives no number,
    or gives the row's own answer less than 1. An answer at which it spends its CPU budget is wrong.
    """

    def __init__(
        self,
        *,
        task: str | None = None,
        deadline: float = DEADLINE,
        prefilled: bool | Literal["auto"] = "auto",
    ) -> None:
        require()
        self.task, self.deadline, self.prefilled = task, deadline, prefilled

    def verify(self, completion: str, gold: Any, prompt: str = "") -> Verdict:
        """The verdict on one completion."""
        return self.verify_rows([(completion, gold, prompt)])[0]

    def verify_batch(self, pairs: Sequence[tuple[str, Any]]) -> list[Verdict]:
        """One verdict a ``(completion, gold)`` pair, in order."""
        return self.verify_rows([(completion, gold, "") for completion, gold in pairs])

    def verify_rows(self, rows: Sequence[tuple[str, Any, str]]) -> list[Verdict]:
        """One verdict a ``(completion, gold, prompt)``, in order; the scorers run beside each other."""
        verdicts: list[Verdict | None] = [None] * len(rows)
        orders: list[tuple[Any, ...]] = []
        asked: list[tuple[int, str, str | None]] = []
        for number, (completion, gold, prompt) in enumerate(rows):
            try:
                name, row = self._row(gold)
                answer = said(completion, prompt, self.prefilled)
            except ValueError as error:
                verdicts[number] = Verdict.undecided(Cause.INVALID_GOLD, str(error))
                continue
            except Exception as error:  # no text raises: a bug of ours is undecided
                fault = record("reading an answer", error, completion=completion)
                verdicts[number] = Verdict.undecided(Cause.INTERNAL_ERROR, fault)
                continue
            orders.append(("score", name, row, answer, self.deadline))
            asked.append((number, name, answer))
        if orders:
            seconds = DRAW_SECONDS + self.deadline  # the scorer's own are counted from where its entry is made
            outcomes = _pool().run(orders, cpu=seconds, deadline=3 * seconds)
            for (number, name, answer), outcome in zip(asked, outcomes, strict=True):
                verdicts[number] = _verdict(name, answer, outcome)
        return [verdict for verdict in verdicts if verdict is not None]

    def _row(self, gold: Any) -> tuple[str, dict[str, Any]]:
        """The task's name and what its scorer is given. Raises ValueError."""
        if not isinstance(gold, Mapping):
            raise ValueError(f"the gold is no entry of reasoning_gym (a mapping): {gold!r:.80}")
        generated = _json(gold.get("generated"))
        metadata = _json(gold.get("metadata"))
        name = self.task
        for source, columns in ((gold, _NAMES[:1]), (metadata, _NAMES[1:2]), (gold, _NAMES[1:])):
            for column in columns:
                if name is None and isinstance(source, Mapping) and isinstance(source.get(column), str):
                    name = source[column]
        if name is None:
            raise ValueError("the row names no task (columns task or metadata.source_dataset)")
        name = name.removeprefix(PREFIX)
        if isinstance(generated, Mapping) and isinstance(generated.get("seed"), int):
            config = json.dumps(generated.get("config") or {})
            return name, {"seed": generated["seed"], "config": config, "question": gold.get("question")}
        if "answer" not in gold:
            raise ValueError("the row has no answer")
        answer = gold["answer"]
        if answer is not None and not isinstance(answer, str):
            answer = str(answer)
        row = {"question": gold.get("question"), "answer": answer, "metadata": metadata or {}}
        return name, row


def _json(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value


def said(completion: str, prompt: str, prefilled: bool | Literal["auto"]) -> str | None:
    """The answer: in the last answer tag after the thinking, the last box, or behind the last "Answer:"."""
    found = places(completion, prompt, prefilled=prefilled, raw=True)
    for place in found or ():
        if place.where in ("tag", "box", "mark"):
            answer = place.texts[-1].strip()
            return None if not answer or len(answer) > MAX_ANSWER or denied(answer) else answer
    return None


def _verdict(name: str, answer: str | None, outcome: Outcome) -> Verdict:
    """``answer``: None where the completion has none, and only the row is looked at."""
    facts: dict[str, Any] = {
        "extracted": None if answer is None else answer[:500],
        "evidence": {"task": name, "seconds": round(outcome.seconds, 3)},
    }
    if answer is None and outcome.status in (Status.CPU, Status.MEMORY):
        return Verdict.undecided(Cause.TIMEOUT, f"its scorer does not end with the row ({outcome.detail})", **facts)
    if outcome.status in (Status.CPU, Status.MEMORY):
        return Verdict.wrong(f"its scorer does not end with this answer ({outcome.detail})", **facts)
    if outcome.status in (Status.WALL, Status.QUEUE):
        return Verdict.undecided(Cause.TIMEOUT, f"its scorer was not done in time ({outcome.detail})", **facts)
    if outcome.status is Status.CRASHED:
        return Verdict.undecided(Cause.INFRA_ERROR, f"the scorer's process ended: {outcome.detail}", **facts)
    if not outcome.ok:
        kind, _, why = outcome.detail.partition(": ")
        cause = Cause.INVALID_GOLD if kind == "Refused" else Cause.INTERNAL_ERROR
        return Verdict.undecided(cause, why or outcome.detail, **facts)
    score, own, fault = outcome.value
    if score is not None and score >= 1:
        return Verdict.right(f"{name}'s scorer gives 1", **facts)
    if own is not None and own < 1:
        reason = f"{name}'s scorer gives the row's own answer {own:g}{f' ({fault})' if fault else ''}"
        return Verdict.undecided(Cause.INVALID_GOLD, reason, **facts)
    if answer is None:
        return Verdict.wrong("no marked answer after the thinking", **facts)
    if score is None:
        return Verdict.undecided(Cause.ABSTAIN, fault or f"{name}'s scorer gives no number", **facts)
    return Verdict.wrong(f"{name}'s scorer gives {score:g}", score=score, **facts)
