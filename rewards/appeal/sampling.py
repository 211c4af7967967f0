"""Which decided samples are asked about: by a hash, so that a run repeated asks the same, whatever process it is in."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

from veritune.plugins import GOLD_COLUMNS, Sample, Score

TAIL = 400
"""Characters at the end of a completion in which the gold is looked for."""
LONGEST = 200
"""Characters of an answer that are compared."""
ALIKE = 0.6
"""Share of characters in common from which a wrong answer is near."""


def near_miss(sample: Sample, score: Score) -> bool:
    """Whether a verdict is one of those most likely to be wrong: accepted though the answer is written otherwise than
    the gold, or rejected though the gold stands near the completion's end or the answer resembles it."""
    accepted, verdict = (score.value or 0.0) > 0, score.verdict
    if verdict is not None and verdict.extracted is not None and verdict.expected is not None:
        found, gold = _bare(verdict.extracted), _bare(verdict.expected)
        if accepted:
            return found != gold
        return bool(gold) and (
            gold in _bare(sample.text[-TAIL:]) or SequenceMatcher(None, found, gold).ratio() >= ALIKE
        )
    if score.value is not None and 0 < score.value < 1:
        return True
    named = next((str(sample.columns[name]) for name in GOLD_COLUMNS if sample.columns.get(name) is not None), "")
    return not accepted and 0 < len(named) <= LONGEST and _bare(named) in _bare(sample.text[-TAIL:])


def draws(seed: int, name: str, step: int | None, samples: Sequence[Sample]) -> list[float]:
    """A number in [0, 1) a sample, from its texts, the step, and how often the same was there before in this call."""
    seen: Counter[bytes] = Counter()
    found = []
    for sample in samples:
        text = f"{seed}\0{name}\0{step}\0{sample.prompt_text}\0{sample.text}".encode("utf-8", "surrogatepass")
        key = hashlib.blake2b(text, digest_size=16).digest()
        last = hashlib.blake2b(key + seen[key].to_bytes(8, "big"), digest_size=8).digest()
        seen[key] += 1
        found.append(int.from_bytes(last, "big") / 2**64)
    return found


def _bare(text: str) -> str:
    return "".join(text[:LONGEST].lower().split()) if len(text) <= LONGEST else "".join(text.lower().split())
