"""One batch through all stages: every distinct (answer, gold) pair once, plain ones here, the rest in workers.

The line for deadlines: an answer on which the checker spent its CPU budget (or its memory) is wrong where the gold
alone checks within the same limits. A check that was starved by the queue or the wall clock is tried once more with
more time on the clock, and is undecided only if that starves too.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Literal

from veritune.plugins.faults import record
from veritune.plugins.types import Cause
from veritune.sandbox.workers import Outcome, Status
from veritune.verifiers.math.cascade import decide
from veritune.verifiers.math.decision import Outcome as Found
from veritune.verifiers.math.finding import BoundedCache, Finding
from veritune.verifiers.math.judge import Judgement, Task
from veritune.verifiers.math.options import MathOptions
from veritune.verifiers.math.plain import is_plain, is_whole, plain_fraction, plain_integer
from veritune.verifiers.math.reading import prepare_gold
from veritune.verifiers.math.text.strings import is_code

Pair = tuple[str, str]
GoldState = Literal["fine", "slow", "unusable", "unknown"]

_DECIDED = {Found.RIGHT: True, Found.WRONG: False}
_CAUSES = {Found.ABSTAIN: Cause.ABSTAIN, Found.INVALID_GOLD: Cause.INVALID_GOLD}
_SPENT = {Status.CPU: "time", Status.MEMORY: "memory", Status.CRASHED: "crash", Status.ERROR: "depth"}
_FRACTIONS = ("\\frac", "-\\frac", "\\dfrac", "-\\dfrac", "\\tfrac", "-\\tfrac")
_PASSING = (Cause.TIMEOUT, Cause.INFRA_ERROR, Cause.INTERNAL_ERROR)
"""Causes that may be gone the next time: such findings are not remembered."""
_KILLED = ("SIGKILL", "SIGTERM", "server")
_TOO_BIG = ("RecursionError", "OverflowError")


_SAME_TEXT = Finding(True, "string", "the same text")
_SAME_NUMBER = Finding(True, "number", "the same number")
_OTHER_NUMBER = Finding(False, "number", "another number")
_OTHER_VALUE = Finding(False, "structure", "the values differ")


def at_a_glance(answer: str, gold: str, options: MathOptions) -> Finding | None:
    """What two texts, two bare integers, or two bare fractions say without being read; None of anything else."""
    if answer == gold and answer and len(answer) <= options.max_answer and "\\boxed" not in gold:
        return _SAME_TEXT
    number = plain_integer(answer)
    if number is not None:
        wanted = plain_integer(gold)
        if wanted is None or is_code(gold):
            return None
        return _SAME_NUMBER if number == wanted else _OTHER_NUMBER
    if options.relative_tolerance != 0:
        return None
    if "." in answer and is_whole(answer) is False and plain_integer(gold) is not None:
        return _OTHER_NUMBER
    if gold.startswith(_FRACTIONS) and answer.startswith(_FRACTIONS):
        mine, theirs = plain_fraction(answer), plain_fraction(gold)
        if mine is not None and theirs is not None and mine[0] * theirs[1] != theirs[0] * mine[1]:
            return _OTHER_VALUE
    return None


class Batch:
    """Settles ``pairs``; ``tasks()`` are for the workers; ``absorb`` takes outcomes; repeat until none are left."""

    def __init__(
        self,
        pairs: Iterable[Pair],
        options: MathOptions,
        findings: BoundedCache[Finding],
        golds: BoundedCache[GoldState],
    ) -> None:
        self.found: dict[Pair, Finding] = {}
        self._options = options
        self._cache = findings
        self._golds = golds
        self._open: list[Pair] = []
        self._spent: dict[Pair, Outcome] = {}
        self._starved: set[Pair] = set()
        for pair in dict.fromkeys(pairs):
            known = findings.get(*pair)
            if known is not None:
                self.found[pair] = known
            elif not self._settled_here(pair):
                self._open.append(pair)

    def _settled_here(self, pair: Pair) -> bool:
        """Settle what is plain in this process; False where a worker must."""
        answer, gold = pair
        finding = at_a_glance(answer, gold, self._options)
        if finding is not None:
            self._settle(pair, finding)
            return True
        if not (is_plain(answer) and is_plain(gold)):
            return False
        start = time.perf_counter()
        try:
            prepared = prepare_gold(gold, self._options)
            decision = decide(answer, prepared, self._options)
        except Exception:  # a bug of ours: the worker meets it again, and reports it
            return False
        if decision.outcome is Found.NEEDS_SYMBOLIC:
            return False
        judgement = Judgement(decision.outcome, decision.stage, decision.reason, prepared.flags)
        self._settle(pair, _finding(judgement, {"seconds": time.perf_counter() - start}))
        return True

    @property
    def trying_again(self) -> bool:
        """Whether the next tasks are checks that were starved the first time."""
        return bool(self._open) and not self._starved.isdisjoint(self._open)

    @property
    def trying_golds(self) -> bool:
        """Whether the next tasks are golds alone."""
        return not self._open

    def tasks(self) -> list[Task]:
        """What the workers must do next: answers first, then the golds of those that were too much."""
        if not self._open and not self._spent:
            return []
        if self._open:
            return [("answer", answer, gold, self._options) for answer, gold in self._open]
        return [("gold", "", gold, self._options) for gold in dict.fromkeys(gold for _, gold in self._spent)]

    def absorb(self, outcomes: list[Outcome]) -> None:
        """Take in what the workers found for the last ``tasks()``."""
        tasks = self.tasks()
        if self._open:
            pairs, self._open = self._open, []
            for pair, outcome in zip(pairs, outcomes, strict=True):
                self._judge(pair, outcome)
            return
        spent, self._spent = self._spent, {}
        states = {task[2]: _gold_state(outcome) for task, outcome in zip(tasks, outcomes, strict=True)}
        for gold, state in states.items():
            if state != "unknown":
                self._golds.put(state, gold)
        for pair, outcome in spent.items():
            self._blame(pair, outcome, states[pair[1]])

    def _judge(self, pair: Pair, outcome: Outcome) -> None:
        evidence = {"seconds": outcome.seconds, "cpu": outcome.cpu}
        if pair in self._starved:
            evidence = {**evidence, "starved": True}
        if outcome.ok:
            self._settle(pair, _finding(outcome.value, evidence))
        elif outcome.status in (Status.WALL, Status.QUEUE) and pair not in self._starved:
            self._starved.add(pair)
            self._open.append(pair)
        elif outcome.status in (Status.WALL, Status.QUEUE):
            reason = f"the checker was starved twice: {outcome.detail}"
            self._settle(pair, Finding(None, "limits", reason, Cause.TIMEOUT, {**evidence, "limit": "wall"}))
        elif outcome.status is Status.CRASHED and any(sign in outcome.detail for sign in _KILLED):
            self._settle(pair, Finding(None, "limits", outcome.detail, Cause.INFRA_ERROR, evidence))
        elif outcome.status is Status.ERROR and not outcome.detail.startswith(_TOO_BIG):
            reason = record("comparing an answer", outcome.detail, answer=pair[0], gold=pair[1])
            self._settle(pair, Finding(None, "limits", reason, Cause.INTERNAL_ERROR, evidence))
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
        if pair in self._starved:
            evidence["starved"] = True
        if gold == "fine":
            reason = f"the checker gave out on this answer ({limit}: {outcome.detail}); the gold alone checks"
            finding = Finding(False, "limits", reason, None, evidence)
        elif gold == "unusable":
            finding = Finding(None, "limits", "the gold cannot be checked", Cause.INVALID_GOLD, evidence)
        else:
            reason = f"the gold alone is too heavy to check ({limit}: {outcome.detail})"
            finding = Finding(None, "limits", reason, Cause.TIMEOUT, evidence)
        self._settle(pair, finding, keep=gold != "unknown")

    def _settle(self, pair: Pair, finding: Finding, keep: bool = True) -> None:
        self.found[pair] = finding
        if keep and self._cache.bound > 0 and (finding.cause not in _PASSING or "gold_alone" in finding.evidence):
            self._cache.put(finding, *pair)


def _finding(judgement: Judgement, evidence: dict[str, Any]) -> Finding:
    if judgement.flags:
        evidence["gold_flags"] = judgement.flags
    outcome = judgement.outcome
    return Finding(_DECIDED.get(outcome), judgement.stage, judgement.reason, _CAUSES.get(outcome), evidence)


def _gold_state(outcome: Outcome) -> GoldState:
    if outcome.ok:
        return "unusable" if outcome.value.outcome is Found.INVALID_GOLD else "fine"
    if outcome.status in (Status.WALL, Status.QUEUE):
        return "unknown"
    return "slow"
