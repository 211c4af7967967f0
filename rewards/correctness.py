"""Right or wrong, for the rewards that shape something else by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from veritune.plugins.types import Cause, Verdict, Verifier

GoldFormat: TypeAlias = Literal["answer", "solution"]
"""The gold column holds the answer itself, or whole worked solutions in which it is looked for."""


def math_verifier(**options: Any) -> Verifier:
    """The process's math verifier with these options."""
    from veritune.verifiers.math import shared_verifier  # starts worker processes: only where it is used

    verifier: Verifier = shared_verifier(**options)
    return verifier


def math_verdicts(
    completions: Sequence[str], golds: Sequence[Any], gold_format: GoldFormat, options: Mapping[str, Any] | None = None
) -> list[Verdict]:
    """One verdict a completion. A gold that is missing or blank is undecided: it is neither right nor wrong.

    ``options`` are the math verifier's own.
    """
    verdicts = [Verdict.undecided(Cause.INVALID_GOLD, "the gold is missing")] * len(completions)
    usable = [i for i, gold in enumerate(golds) if gold is not None and str(gold).strip()]
    if usable:
        found = math_verifier(gold_format=gold_format, **(options or {})).verify_batch(
            [(completions[i], golds[i]) for i in usable]
        )
        for i, verdict in zip(usable, found, strict=True):
            verdicts[i] = verdict
    return verdicts
