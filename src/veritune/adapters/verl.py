"""For verl: a ``custom_reward_function`` made of our rewards.

In a file of your own::

    from veritune.adapters.verl import compute_score_function
    compute_score = compute_score_function("rewards.yaml", undecided=0.0)

and in verl's config ``reward.custom_reward_function.path=that_file.py`` and ``….name=compute_score``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from veritune.adapters.composed import Composed, with_gold
from veritune.adapters.texts import without_end
from veritune.adapters.undecided import Undecided
from veritune.rewards.composition.compose import Source


def compute_score_function(source: Source, *, undecided: Undecided = "raise", details: bool = True) -> VerlReward:
    """verl's ``compute_score(data_source, solution_str, ground_truth, extra_info)`` for a reward or composition.

    It returns ``{"score": …}`` with every component beside it, which verl logs: the same keys for each sample, None
    where a component has no value. ``ground_truth`` is the gold, whatever ``extra_info`` holds; ``columns: {nums:
    ground_truth.numbers}`` reaches into one that is a dictionary. ``extra_info`` gives further columns, ``data_source``
    one to route by (``where: {data_source: …}``). Groups and steps are not visible to it. ``details=False`` returns the
    score alone, for the legacy PRIME manager, which takes no dictionary. Raises UndecidedError (see ``undecided``) and
    RewardError.
    """
    return VerlReward(source, undecided=undecided, details=details)


class VerlReward(Composed):
    """A reward as verl calls it."""

    framework = "verl"

    def __init__(self, source: Source, *, undecided: Undecided = "raise", details: bool = True) -> None:
        super().__init__(source, undecided=undecided, name="compute_score")
        self.details = details

    def __call__(
        self,
        data_source: str | None = None,
        solution_str: str = "",
        ground_truth: Any = None,
        extra_info: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """``score``, ``undecided`` (0 or 1) and ``reward/{component}`` of one sample; or the score alone."""
        given = {**(extra_info or {}), **kwargs}
        prompt = given.pop("prompt", None) or given.get("question")
        columns = with_gold(given, ground_truth, ground_truth=ground_truth, data_source=data_source)
        score = self.score(without_end(solution_str), prompt, columns)
        if not self.details:
            return self.number(score)
        return {
            "score": self.number(score),
            "undecided": float(score.value is None),
            **{f"reward/{alias}": value for alias, value in self.components(score).items()},
        }
