"""Right or wrong, for the rewards that shape something else by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from veritune.plugins.types import Cause, Text, Verdict, prompt_text
from veritune.rewards.text import Prefilled

if TYPE_CHECKING:
    from veritune.verifiers.math import MathVerifier

GoldFormat: TypeAlias = Literal["answer", "solution"]
"""The gold column holds the answer itself, or whole worked solutions in which it is looked for."""

DEADLINE = 1.0
"""Seconds of one symbolic comparison, unless a reward's config says otherwise."""


def math_verifier(**options: Any) -> MathVerifier:
    """The process's math verifier with these options."""
    from veritune.verifiers.math import shared_verifier  # its own imports are wanted only where it is used

    return shared_verifier(**{name: _hashable(value) for name, value in options.items()})


def math_verdicts(
    completions: Sequence[str],
    golds: Sequence[Any],
    gold_format: GoldFormat,
    options: Mapping[str, Any] | None = None,
    deadline: float = DEADLINE,
    prompts: Sequence[Text | None] | None = None,
    prefilled: Prefilled = "auto",
) -> list[Verdict]:
    """One verdict a completion. A gold that is missing or blank is undecided: it is neither right nor wrong.

    ``options`` are the math verifier's own. Rewards with the same options share one verifier and what it remembers.
    With ``prompts``, what is copied from them is no answer; ``prefilled`` says that they opened the reasoning.
    """
    verdicts = [Verdict.undecided(Cause.INVALID_GOLD, "the gold is missing")] * len(completions)
    usable = [i for i, gold in enumerate(golds) if gold is not None and str(gold).strip()]
    if usable:
        given = {"gold_format": gold_format, "deadline": deadline, **(options or {})}
        if prefilled != "auto":
            given["prefilled"] = prefilled
        verifier, pairs = math_verifier(**given), [(completions[i], golds[i]) for i in usable]
        texts = [] if prompts is None else [prompt_text(prompts[i]) for i in usable]
        found = verifier.verify_batch(pairs, texts) if any(texts) else verifier.verify_batch(pairs)
        for i, verdict in zip(usable, found, strict=True):
            verdicts[i] = verdict
    return verdicts


def check_options(options: Mapping[str, Any] | None) -> None:
    """Raise ParameterError for an option that the math verifier does not have, before anything is scored."""
    if options:
        math_verifier(**options)


def _hashable(value: Any) -> Any:
    """Lists and mappings, as YAML has them, as tuples."""
    if isinstance(value, Mapping):
        return tuple((name, _hashable(item)) for name, item in value.items())
    return tuple(_hashable(item) for item in value) if isinstance(value, list) else value
