"""For the verifiers library from 0.4 on, where rewards are methods of a ``Task``.

import verifiers.v1 as vf
from veritune.adapters.verifiers_tasks import task_reward

class MathTask(vf.Task[MathData]):
    veritune = task_reward("rewards.yaml")
"""

from __future__ import annotations

import asyncio
from typing import Any

from veritune.adapters.composed import Composed, why
from veritune.adapters.undecided import Undecided
from veritune.plugins import Score
from veritune.rewards.composition.compose import Source


def task_reward(
    source: Source, *, weight: float = 1.0, undecided: Undecided = "raise", name: str = "veritune"
) -> TaskReward:
    """A ``@vf.reward`` for a class body, under the attribute ``name``.

    The fields of the task's data are columns (``answer`` is a gold among them), the completion is the trace's last
    assistant message with its parsed reasoning. Components become metrics ``{name}/{component}``, None where there is
    no value, and ``trace.info[name]`` holds the reasons. An undecided sample raises: verifiers records a TaskError on
    the trace, leaves its reward None and its ``ok`` False, and does not take it for a 0.
    """
    return TaskReward(source, weight=weight, undecided=undecided, name=name)


class TaskReward(Composed):
    """A reward as a Task calls it."""

    framework = "verifiers"
    reward = True
    """The mark by which a Task finds its rewards."""

    def __init__(
        self, source: Source, *, weight: float = 1.0, undecided: Undecided = "raise", name: str = "veritune"
    ) -> None:
        super().__init__(source, undecided=undecided, name=name)
        self._vf_weight = weight
        self.reward_priority = 0

    async def __call__(self, task: Any, trace: Any) -> float:
        """The number of one trace; ``task`` is its data."""
        columns = task.model_dump() if hasattr(task, "model_dump") else dict(task)
        score = await asyncio.to_thread(self.score, _completion(trace), columns.get("prompt"), columns)
        self._record(trace, score)
        return self.number(score)

    def _record(self, trace: Any, score: Score) -> None:
        trace.metrics.update({f"{self.__name__}/{alias}": v for alias, v in self.components(score).items()})
        trace.info[self.__name__] = {"reason": why(score), "components": self.reasons(score)}


def _completion(trace: Any) -> Any:
    messages = trace.assistant_messages
    if trace.root_reply is not None or not messages:  # the root agent's answer, of several agents
        return str(trace.last_reply)
    return [messages[-1]]
