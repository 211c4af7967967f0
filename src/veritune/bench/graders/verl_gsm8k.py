"""verl's score for GSM8K, strict as its default is: the number behind the last ``####`` is the gold, as text."""

from __future__ import annotations

from verl.utils.reward_score.gsm8k import compute_score

from veritune.bench.graders.forms import is_bare
from veritune.bench.loading import Finding


def grade(completion: str, gold: str, prompt: str) -> Finding:
    marked = f"#### {completion}" if is_bare(completion) else completion
    return compute_score(marked, gold) > 0, "scored"
