"""The reward ``reasoning_gym``: the package's own scorers, bounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import PositiveFloat

from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score, Verdict
from veritune.rewards.text import Prefilled, copies_answer
from veritune.verifiers.reasoning_gym import DEADLINE, PREFIX, ReasoningGymVerifier, draw, require, settings, task_names


@reward
def reasoning_gym(
    samples: Sequence[Sample],
    *,
    task: str | None = None,
    credit: Literal["full", "partial"] = "full",
    right: float = 1.0,
    wrong: float = 0.0,
    deadline: PositiveFloat = DEADLINE,
    prefilled: Prefilled = "auto",
) -> list[Score]:
    """``right`` where the task's own scorer gives the answer 1, else ``wrong``.

    ``credit: partial`` pays ``right`` times what the scorer gives, for right and wrong answers alike; several scorers
    pay any text a little (docs/reasoning_gym.md lists them). Columns, as the package's entries have them:
    ``question``, ``answer``, ``metadata`` (or its JSON), and the task's name in ``task`` or in
    ``metadata.source_dataset``, unless the parameter ``task`` says it. Rows of ``data.task: reasoning_gym/NAME`` have
    all that is needed. The scorer runs in a process of its own, ``deadline`` seconds of CPU an answer: where it raises,
    the sample is undecided (``abstain``).
    Needs ``pip install 'veritune[reasoning-gym]'``.
    """
    verifier = ReasoningGymVerifier(task=task, deadline=deadline, prefilled=prefilled)
    verdicts = verifier.verify_rows([(sample.text, sample.columns, sample.prompt_text) for sample in samples])
    return [_score(sample, verdict, credit, right, wrong) for sample, verdict in zip(samples, verdicts, strict=True)]


reasoning_gym.reads("task")


@reasoning_gym.check
def _installed() -> None:
    require()


def _score(sample: Sample, verdict: Verdict, credit: str, right: float, wrong: float) -> Score:
    if verdict.correct and copies_answer(sample.text, sample.prompt_text):
        return Score(wrong, "the answer is copied from an example in the prompt")
    if credit == "partial" and verdict.correct is False:
        return Score(right * (verdict.score or 0.0), verdict.reason, verdict)
    return Score.of(verdict, right, wrong)


__all__ = ["PREFIX", "draw", "reasoning_gym", "settings", "task_names"]
