"""verl's score for MATH: the content of the last box is the gold, as normalised text."""

from __future__ import annotations

from verl.utils.reward_score.math_reward import compute_score

from veritune.bench.graders.forms import boxed
from veritune.bench.loading import Finding


def grade(completion: str, gold: str, prompt: str) -> Finding:
    return compute_score(boxed(completion), gold) > 0, "scored"
