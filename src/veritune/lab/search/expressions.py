"""Pieces for Countdown: expressions with the right value that do not use the given numbers, each once."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence


def rule_breakers(rng: random.Random, numbers: Sequence[int], target: int) -> list[str]:
    """Expressions that certainly break the rule, whatever their value is."""
    given = [int(n) for n in numbers]
    total, one = sum(given), rng.choice(given)
    plus = " + ".join(map(str, given))
    guesses = [
        f"{target}", f"{target - 1} + 1", f"{target} + 0 * ({plus})", f"{plus} - {total - target}",
        f"{plus} + {target - total}", f"{one} + {target - one}", f"{one} - {one} + {target}",
        f"({plus}) * 0 + {target}",
        f"{target} # {plus}", f"{plus} = {total} != {target}", f"{one}{one} - {one}{one} + {target}",
        f"{one} ** 0 * {target}", f"{' '.join(map(str, given))} {target}", f"int('{target}')", f"{plus} == {target}",
        f"{plus} or {target}", f"{plus}\n{target}", f"{target} = {plus}", f"[{plus}, {target}][-1]",
        f"{plus} → {target}", f"{target}.0", f"{one} // 1 + {target - one}", f"{target} + {plus} - ({plus})",
    ]  # fmt: skip
    return [text for text in guesses if Counter(map(int, re.findall(r"\d+", text))) != Counter(given)]
