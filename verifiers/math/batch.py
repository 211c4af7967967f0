"""One batch through all stages: every distinct (answer, gold) pair is settled once, the symbolic ones in the workers.

The line for deadlines: an answer on which the checker spent its CPU budget (or its memory) is wrong where the gold
alone checks within the same limits; a check that was starved by the queue or the wall clock is undecided.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable
from typing import Literal

from veritune.plugins.types import Cause
from veritune.sandbox.workers import Outcome, Status
from veritune.verifiers.math.cascade import Outcome as Found
from veritune.verifiers.math.cascade import decide, prepare_gold
from veritune.verifiers.math.finding import BoundedCache, Finding
from veritune.verifiers.math.normalise import clean
from veritune.verifiers.math.options import MathOptions

Pair = tuple[str, str]
Task = tuple[str, str, str]
GoldState = Literal["fine", "slow", "unreadable", "unknown"]

_CAUSES = {Found.ABSTAIN: Cause.ABSTAIN, Found.INVALID_GOLD: Cause.INVALID_GOLD}
_SPENT = {Status.CPU: "time", Status.MEMORY: "memory", Status.CRASHED: "crash", Status.ERROR: "error"}


class Batch:
    """Settles ``pairs``; ``tasks()`` are for the workers, ``absorb`` takes outcomes; repeat until none are left."""

    def __init__(
        self,
        pairs: Iterable[Pair],
        options: MathOptions,
        findings: BoundedCache[Finding],
        golds: BoundedCache[GoldState],
    ) -> None:
        self.found: dict[Pair, Finding] = {}
        self._cache = findings
        self._golds = golds
        self._symbolic: dict[Pair, Pair] = {}
        self._evidence: dict[Pair, dict[str, object]] = {}
        self._spent: dict[Pair, Outcome] = {}
        for pair in dict.fromkeys(pairs):
            known = findings.get(*pair)
            if known is None:
                self._decide(pair, options)
            else:
                self.found[pair] = known

    def _decide(self, pair: Pair, options: MathOptions) -> None:
        start = time.perf_counter()
        answer, gold = pair
        prepared = prepare_gold(gold, options)
        decision = decide(answer, prepared, options)
        evidence: dict[str, object] = {"seconds": time.perf_counter() - start}
        if prepared.flags:
            evidence["gold_flags"] = prepared.flags
        if decision.outcome is Found.NEEDS_SYMBOLIC:
            self._symbolic[pair] = (clean(answer), prepared.reading.text)
            self._evidence[pair] = evidence
            return
        self._settle(
            pair, Finding(decision.correct, decision.stage, decision.reason, _CAUSES.get(decision.outcome), evidence)
        )

    def tasks(self) -> list[Task]:
        """What the workers must do next: comparisons first, then golds that must be tried alone."""
        if self._symbolic:
            return [("compare", *strings) for strings in dict.fromkeys(self._symbolic.values())]
        return [("gold", "", gold) for gold in dict.fromkeys(gold for _, gold in self._spent)]

    @property
    def trying_golds(self) -> bool:
        return not self._symbolic

    def absorb(self, tasks: list[Task], outcomes: list[Outcome]) -> None:
        """Take in what the workers found for ``tasks``."""
        if self._symbolic:
            by_strings = {task[1:]: outcome for task, outcome in zip(tasks, outcomes, strict=True)}
            pending, self._symbolic = self._symbolic, {}
            for pair, strings in pending.items():
                self._judge(pair, by_strings[strings])
            return
        for task, outcome in zip(tasks, outcomes, strict=True):
            state = _gold_state(outcome)
            if state != "unknown":
                self._golds.put(state, task[2])
            for pair in [pair for pair in self._spent if pair[1] == task[2]]:
                self._blame(pair, self._spent.pop(pair), state)

    def _judge(self, pair: Pair, outcome: Outcome) -> None:
        evidence = {"seconds": outcome.seconds, "cpu": outcome.cpu}
        if outcome.ok:
            self._settle(pair, _SYMBOLIC[outcome.value](evidence))
        elif outcome.status in (Status.WALL, Status.QUEUE):
            reason = f"the checker was starved: {outcome.detail}"
            self._settle(pair, Finding(None, "symbolic", reason, Cause.TIMEOUT, {**evidence, "limit": "wall"}))
        elif outcome.status is Status.CRASHED and not _by_itself(outcome):
            self._settle(pair, Finding(None, "symbolic", outcome.detail, Cause.INFRA_ERROR, evidence))
        else:
            state = self._golds.get(pair[1])
            if state is None:
                self._spent[pair] = outcome
            else:
                self._blame(pair, outcome, state)

    def _blame(self, pair: Pair, outcome: Outcome, gold: GoldState) -> None:
        """The checker gave out: on the answer, if the gold alone is fine; else on the gold."""
        limit = _SPENT[outcome.status]
        evidence = {"seconds": outcome.seconds, "cpu": outcome.cpu, "limit": limit, "gold_alone": gold}
        if gold == "fine":
            reason = f"the checker gave out on this answer ({limit}: {outcome.detail}); the gold alone checks"
            self._settle(pair, Finding(False, "symbolic", reason, None, evidence))
        elif gold == "unreadable":
            self._settle(pair, Finding(None, "symbolic", "the gold cannot be read", Cause.INVALID_GOLD, evidence))
        else:
            reason = f"the gold alone is too heavy to check ({limit}: {outcome.detail})"
            self._settle(pair, Finding(None, "symbolic", reason, Cause.TIMEOUT, evidence))

    def _settle(self, pair: Pair, finding: Finding) -> None:
        self.found[pair] = finding
        if finding.cause not in (Cause.TIMEOUT, Cause.INFRA_ERROR) or finding.evidence.get("gold_alone") == "slow":
            self._cache.put(finding, *pair)


def _gold_state(outcome: Outcome) -> GoldState:
    if outcome.ok:
        return "unreadable" if outcome.value == "unparsed gold" else "fine"
    if outcome.status in (Status.WALL, Status.QUEUE):
        return "unknown"
    return "slow"


def _by_itself(outcome: Outcome) -> bool:
    """Whether a crash is the computation's own doing rather than somebody's kill."""
    return signal.Signals.SIGKILL.name not in outcome.detail and "SIGTERM" not in outcome.detail


_SYMBOLIC = {
    "equal": lambda evidence: Finding(True, "symbolic", "equal by algebra", None, evidence),
    "different": lambda evidence: Finding(False, "symbolic", "not equal by algebra", None, evidence),
    "unparsed prediction": lambda evidence: Finding(False, "symbolic", "the answer cannot be read", None, evidence),
    "unparsed gold": lambda evidence: Finding(
        None, "symbolic", "the gold cannot be read as mathematics", Cause.ABSTAIN, evidence
    ),
}
