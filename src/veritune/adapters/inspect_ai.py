"""For inspect_ai: a scorer made of our rewards.

from veritune.adapters.inspect_ai import veritune_scorer

Task(dataset=…, solver=generate(), scorer=veritune_scorer("rewards.yaml"))
"""

from __future__ import annotations

from typing import Any

import anyio.to_thread
from inspect_ai.scorer import Score as TheirScore
from inspect_ai.scorer import mean, scorer, stderr

from veritune.adapters.composed import Composed, why, with_gold
from veritune.plugins import Score
from veritune.rewards.composition.compose import Source


@scorer(metrics=[mean(), stderr()], name="veritune")
def veritune_scorer(source: Source) -> Any:
    """A Scorer for a reward or composition. ``source`` is recorded with the evaluation: give a file or names.

    ``target`` is the gold (several targets: each is right), the sample's metadata are columns, the completion is the
    model's message with its reasoning. An undecided sample is ``Score.unscored`` with its cause as the reason: metrics
    leave it out and the log counts it. Components and reasons are in the score's metadata.
    """
    return InspectScorer(source)


class InspectScorer(Composed):
    """A reward as inspect_ai calls it."""

    framework = "inspect_ai"

    async def __call__(self, state: Any, target: Any) -> TheirScore:
        """The score of one sample."""
        golds = list(target)
        columns = with_gold(state.metadata, golds[0] if len(golds) == 1 else golds or None)
        output = state.output
        said = "" if output is None or output.empty else [output.message]
        score = await anyio.to_thread.run_sync(self.score, said, state.input, columns)
        told = {"components": self.components(score), "reasons": self.reasons(score)}
        if score.value is None:
            return TheirScore.unscored(reason=str(score.cause), explanation=score.reason, metadata=told)
        return TheirScore(value=score.value, answer=_extracted(score), explanation=why(score), metadata=told)


def _extracted(score: Score) -> str | None:
    """The answer that a component read, the first there is."""
    verdicts = (part.verdict for part in score.parts.values())
    return next((v.extracted for v in verdicts if v is not None and v.extracted is not None), None)
