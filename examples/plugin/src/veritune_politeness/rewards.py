"""The reward. Replace what it counts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from veritune import Score, reward


@reward
def politeness(completion: str, *, words: Sequence[str] = ("please", "thank you"), most: int = 1) -> Score:
    """1 where one of ``words`` occurs, at most ``most`` times in all; 0 where none does or too many do.

    None for an empty completion: there is nothing to judge, and that is no zero.
    """
    if not completion.strip():
        return Score.none("the completion is empty")
    pattern = "|".join(rf"\b{re.escape(word)}\b" for word in words)
    count = len(re.findall(pattern, completion, re.IGNORECASE))
    return Score(float(1 <= count <= most), f"{count} of its words, wanted 1 to {most}")
