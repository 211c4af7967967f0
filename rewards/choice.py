"""The reward ``choice``: multiple choice by letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from veritune.plugins.reward import reward
from veritune.plugins.types import Score


@reward
def choice(
    completions: Sequence[str],
    gold: Sequence[Any],
    *,
    right: float = 1.0,
    wrong: float = 0.0,
    options: str = "ABCDEFGHIJ",
    several: Literal["all", "any"] = "all",
    hedged: Literal["undecided", "wrong"] = "undecided",
) -> list[Score]:
    """``right`` where the letters of the final answer are the gold's, else ``wrong``.

    The gold is a letter or several (``"AC"``, ``["A", "C"]``): all of them are the answer, or with ``several: any``
    each is. Undecided (``abstain``) where no letter stands as the answer, and where a gold of one letter is named
    among others: a judge may read these (``first_decided`` of ``choice`` and ``judge``). ``hedged: wrong`` makes the
    second case wrong; use it where no judge follows.
    """
    from veritune.verifiers.choice import ChoiceVerifier  # its own imports are wanted only where it is used

    verifier = ChoiceVerifier(options=options, several=several, hedged=hedged)
    return [Score.of(v, right, wrong) for v in verifier.verify_batch(list(zip(completions, gold, strict=True)))]


choice.for_rows("right", "wrong", "options", "several", "hedged")
