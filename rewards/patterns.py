"""A user's regular expression over completions, where it cannot hang the run."""

from __future__ import annotations

from collections.abc import Sequence

from veritune.plugins.types import Cause, Score
from veritune.verifiers.structured.patterns import late, run


def search_all(pattern: str, texts: Sequence[str], right: float, wrong: float, deadline: float) -> list[Score]:
    """``right`` where ``pattern`` is found. A search that outlives ``deadline`` seconds of CPU is undecided.

    That is the expression's fault and not the policy's: no score, cause ``timeout``.
    """
    scores = []
    for outcome in run([(pattern, text, "search") for text in texts], deadline):
        if outcome.ok and isinstance(outcome.value, bool):
            score = Score(right, "the pattern matches") if outcome.value else Score(wrong, "the pattern does not match")
        elif late(outcome):
            score = Score.none(f"the pattern takes more than {deadline:g} s on this text", Cause.TIMEOUT)
        else:
            score = Score.none(
                f"the pattern could not be searched: {outcome.detail or outcome.value}", Cause.INFRA_ERROR
            )
        scores.append(score)
    return scores
