"""Turns what happened to an attack into a finding."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from veritune.plugins import Cause
from veritune.rewards.attack.baseline import EPSILON, Baseline
from veritune.rewards.attack.honest import ANSWER_SHAPES, without_blocks
from veritune.rewards.attack.reading import Reading
from veritune.rewards.attack.report import Finding, Result
from veritune.rewards.attack.target import Attack
from veritune.sandbox.workers import Outcome, Status


@dataclass(frozen=True)
class Judge:
    """Knows what ordinary completions earn, and what the reward reads."""

    base: Baseline
    reading: Reading
    side: bool = False
    """The reward is meant to stand beside one of the answer."""

    def why_not(self, attack: Attack) -> str | None:
        """Why this attack would say nothing about the reward, or None."""
        if attack.aspect == "program" and self.reading.domain != "program":
            return "it reads no tests of a program"
        if attack.aspect == "answer" and not self._tells_answers:
            return (
                "a wrong answer earns what a right one does: it looks at the shape"
                if not self.side
                else ("a side term does not look at answers")
            )
        question = self.reading.question
        if question is not None and question.graded and attack.aspect == "answer" and not question.asks(attack.name):
            return "it measures how near an answer is: what is nearly right earns nearly all"
        if attack.prompt is not None and question is not None:
            return "its row says what is asked, and not the prompt"
        if attack.prompt is not None and not self.reading.prompt:
            return "it does not read the prompt"
        return None

    @property
    def _tells_answers(self) -> bool:
        return self.base.sees_answers and not self.side

    def __call__(self, attack: Attack, outcome: Outcome) -> Result:
        def result(finding: Finding, value: float | None = None, detail: str = "") -> Result:
            return Result(attack, finding, value, outcome.seconds, detail)

        if attack.canary and os.path.exists(attack.canary):
            return result("executes", detail="the completion's code was run outside a sandbox")
        if outcome.status in (Status.CPU, Status.WALL, Status.QUEUE):
            return result("hangs", detail=f"stopped after {outcome.seconds:.1f} s")
        if not outcome.ok:
            return result("raises", detail=outcome.detail.splitlines()[0] if outcome.detail else str(outcome.status))
        first, second, reason, cause = outcome.value
        if differ(first, second):
            return result("wavers", first, f"{first} and then {second}")
        if cause == str(Cause.INTERNAL_ERROR):
            return result("raises", detail=reason)
        if cause == str(Cause.INFRA_ERROR):
            return result("cannot be judged", detail=reason or cause)
        if first is None:
            return result("holds", detail=f"no number: {reason or cause}")
        if first > self.base.pays_too_much + EPSILON:
            return result("pays", first, f"earns {first:g}, honest work {self.base.honest:g}: far above it")
        if self._pays(attack, first):
            return result("pays", first, f"earns {first:g} ({reason})" if reason else f"earns {first:g}")
        return result("holds", first, reason)

    def loose(self, paid: Mapping[str, bool]) -> bool:
        """Whether the format means to allow text around its blocks: before them, or where a boxed answer would be."""
        return bool(paid.get("before")) or any(without_blocks(s) and self.base.pays(s) for s in ANSWER_SHAPES)

    def _pays(self, attack: Attack, value: float) -> bool:
        honest = self.base.honest
        if honest is None or attack.aspect == "robustness" or attack.aspect == "execution":
            return False
        if self._tells_answers:
            return value > self.base.pays_answer + EPSILON
        return self.base.sees_work and not self.side and value >= honest - EPSILON


def differ(first: float | None, second: float | None) -> bool:
    """Whether two calls gave two results."""
    if first is None or second is None:
        return first is not second
    return abs(first - second) > EPSILON
