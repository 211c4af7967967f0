"""reward-doctor's reference grader, ``robust_match``."""

from __future__ import annotations

from reward_doctor.reference import robust_match

from veritune.bench.loading import Finding


def grade(completion: str, gold: str, prompt: str) -> Finding:
    return robust_match(completion, gold) > 0, "matched"
