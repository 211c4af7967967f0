"""TRL's ``accuracy_reward``. It skips a gold that it cannot parse."""

from __future__ import annotations

from trl.rewards import accuracy_reward

from veritune.bench.graders.forms import delimited, delimited_gold
from veritune.bench.loading import Finding


def grade(completion: str, gold: str, prompt: str) -> Finding:
    chat = [{"role": "assistant", "content": delimited(completion)}]
    score = accuracy_reward([chat], [delimited_gold(gold)])[0]
    return (None, "gold skipped") if score is None else (score == 1.0, "scored")
