"""What every adapter is: composed rewards, called as a framework calls, that pickle and answer with the same keys."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from veritune.adapters.undecided import Undecided, as_number, checked
from veritune.plugins import ConfigError, Sample, Score, Text
from veritune.rewards.composition.compose import Source, compose


class Composed:
    """A composition in a framework's hands. Adapters differ in how they are called and in what they answer.

    The framework calls with one sample at a time and does not say at which step: a schedule by step raises ConfigError
    here, and a reward over groups, which then never has a value, is warned of. An adapter pickles by its rewards' names
    and parameters, for processes that are forked or spawned.
    """

    framework: ClassVar[str]

    def __init__(self, source: Source, *, undecided: Undecided = "raise", name: str = "veritune") -> None:
        self.rewards = compose(source, name=name)
        self.undecided = checked(undecided)
        self.__name__ = self.__qualname__ = name
        scheduled = [c.alias for c in self.rewards.components if c.config.scheduled]
        if scheduled:
            raise ConfigError(
                f"rewards.{scheduled[0]}: a schedule by step, and {self.framework} does not tell a reward which step "
                "it is at. Leave the schedule out, or use one config for each part of the run."
            )
        over_groups = [c.alias for c in self.rewards.components if c.whole_groups(presume=False)]
        if over_groups:
            warnings.warn(
                f"veritune: {self.framework} shows a reward one sample at a time, so what compares the completions of "
                f"a prompt never has a value: {', '.join(over_groups)}",
                stacklevel=3,
            )

    def score(
        self,
        completion: Any,
        prompt: Any = None,
        columns: Mapping[str, Any] | None = None,
        ids: Sequence[int] | None = None,
    ) -> Score:
        """The score of one sample; messages may be the framework's own objects. Raises RewardError for an exception of
        a user's reward."""
        sample = Sample(plain(completion), None if prompt is None else plain(prompt), ids, columns or {})
        return self.rewards.score_batch([sample])[0]

    def number(self, score: Score) -> float:
        """The number the framework is told. Raises UndecidedError where there is none and none was chosen."""
        return as_number(score, self.undecided, self.framework)

    def components(self, score: Score) -> dict[str, float | None]:
        """Every component's value: all of them in each answer, None where it was not evaluated or has no value."""
        values = {alias: score.parts.get(alias) for alias in self.rewards.aliases}
        return {alias: None if part is None else part.value for alias, part in values.items()}

    def reasons(self, score: Score) -> dict[str, str]:
        """Every component's reason, with the cause where it is undecided."""
        found = {alias: score.parts.get(alias) for alias in self.rewards.aliases}
        return {alias: "not evaluated" if part is None else why(part) for alias, part in found.items()}


def why(score: Score) -> str:
    """A score's reason, after its cause where it has no value."""
    return score.reason if score.value is not None else f"{score.cause}: {score.reason}".rstrip(": ")


def plain(text: Any) -> Text:
    """A text or chat messages, of a framework that has a class for a message."""
    if isinstance(text, str):
        return text
    messages = [text] if isinstance(text, Mapping) or hasattr(text, "model_dump") else text
    return [m.model_dump(exclude_none=True) if hasattr(m, "model_dump") else m for m in messages]


def with_gold(columns: Mapping[str, Any] | None, gold: Any, **further: Any) -> dict[str, Any]:
    """A row's columns, with the gold that the framework names as such.

    It goes before every column that may hold one (a worked solution in ``extra_info["answer"]``), also where it is
    None: then the row has no gold.
    """
    return {**(columns or {}), **further, "gold": gold}
